/** Kinds of files that users may pass, recognized by their first bytes. */
export type FileFormat = 'klet' | 'tflite' | 'onnx' | 'hdf5' | 'zip' | 'json' | 'html' | 'pickle' | 'gguf'
  | 'safetensors' | 'executorch' | 'protobuf' | 'empty' | 'unknown';

const looks: Partial<Record<FileFormat, string>> = {
  onnx: 'looks like an ONNX network; convert it to .tflite first, for example with onnx2tf',
  hdf5: 'looks like a Keras HDF5 file; convert it to .tflite first with tf.lite.TFLiteConverter.from_keras_model',
  zip: 'is a ZIP archive (a .keras file or a PyTorch checkpoint?); export the network to .tflite first',
  json: 'looks like JSON (a TensorFlow.js model.json?); convert the original network to .tflite instead',
  html: "looks like HTML, probably a server's error page; download the file again",
  pickle: 'looks like a Python pickle (a PyTorch checkpoint?); export the network to .tflite first',
  gguf: 'is a GGUF file of a language model; kinglet runs small int8 networks',
  safetensors:
    'looks like a safetensors file, which holds weights without a network; export the network to .tflite first',
  executorch: 'is an ExecuTorch program; export the network to .tflite instead',
  protobuf: 'looks like a protocol buffer (a TensorFlow SavedModel or frozen graph?); convert it to .tflite first with '
    + 'tf.lite.TFLiteConverter',
  empty: 'is empty',
};

/** Says what a file is that is neither `.klet` nor convertible, and what to do with it. */
export function describeFormat(format: FileFormat): string {
  return looks[format] ?? 'has an unknown format';
}

export function detectFormat(bytes: Uint8Array): FileFormat {
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  const tag = text.slice(4, 8);
  if (bytes.length === 0) return 'empty';
  if (text.startsWith('KLET')) return 'klet';
  if (tag === 'TFL3') return 'tflite';
  if (/^ET\d\d$/.test(tag)) return 'executorch';
  if (text.startsWith('\x89HDF')) return 'hdf5';
  if (text.startsWith('PK\x03\x04')) return 'zip';
  if (text.startsWith('GGUF')) return 'gguf';
  if (/^\s*</.test(text)) return 'html';
  if (/^\s*[{[]/.test(text)) return 'json';
  if (text[8] === '{' && bytes[7] === 0) return 'safetensors';
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5) return 'pickle';
  // ModelProto: field 1 is the small ir_version, then producer_name, or the version and domain
  // fields
  if (bytes[0] === 0x08 && bytes[1]! < 0x20 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a].includes(bytes[2]!)) return 'onnx';
  if (bytes[0] === 0x0a || bytes[0] === 0x08) return 'protobuf';
  return 'unknown';
}
