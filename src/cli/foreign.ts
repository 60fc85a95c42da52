import { mediumOf } from './fileKinds';

/** A kind of file that users pass although kinglet cannot read it as a network. */
interface ForeignKind {
  /** Recognizes it by its first bytes, also given as Latin-1 text. */
  matches(bytes: Uint8Array, text: string): boolean;
  /** What the file is, after its name, and what to do instead. */
  description: string;
}

const HEAD = 4096;

/** In the order in which they are tried. */
const kinds: Record<string, ForeignKind> = {
  empty: { matches: (bytes) => bytes.length === 0, description: 'is empty' },
  lfs: {
    matches: (_, text) => text.startsWith('version https://git-lfs'),
    description: 'is a Git LFS pointer, not the file itself; fetch the file with git lfs pull',
  },
  executorch: {
    matches: (_, text) => /^ET\d\d$/.test(text.slice(4, 8)),
    description: 'is an ExecuTorch program; export the network to ONNX instead, with torch.onnx.export',
  },
  gguf: {
    matches: (_, text) => text.startsWith('GGUF'),
    description: 'is a GGUF file of a language model; kinglet runs small int8 networks',
  },
  image: {
    matches: (bytes) => mediumOf(bytes) === 'image',
    description: 'is an image; name the network first, and pass images to kinglet run with --input',
  },
  sound: {
    matches: (bytes) => mediumOf(bytes) === 'sound',
    description: 'is a recording; name the network first, and pass recordings to kinglet run with --input',
  },
  mangledHdf5: {
    matches: (_, text) => text.startsWith('\xef\xbf\xbdHDF'),
    description: 'was an HDF5 file (.h5 of Keras) before a program treated it as UTF-8 text, which cannot be undone; '
      + 'get the original file as binary',
  },
  pytorch: {
    matches: (_, text) => text.startsWith('PK\x03\x04') && text.includes('/data.pkl'),
    description:
      'looks like a PyTorch checkpoint, which has weights without a network; export the network to ONNX with '
      + 'torch.onnx.export',
  },
  zip: {
    matches: (_, text) => text.startsWith('PK\x03\x04'),
    description: 'is a ZIP archive; if the network is in it, unpack it first',
  },
  gzip: {
    matches: (_, text) => text.startsWith('\x1f\x8b'),
    description: 'is compressed with gzip; decompress it first',
  },
  html: {
    matches: (_, text) => /^(\xef\xbb\xbf)?\s*</.test(text),
    description: "looks like HTML, probably a server's error page; download the file again",
  },
  json: {
    matches: (_, text) => /^(\xef\xbb\xbf)?\s*[{[]/.test(text),
    description: 'looks like JSON, but it is no model.json of TensorFlow.js',
  },
  safetensors: {
    matches: (bytes, text) => text[8] === '{' && bytes[7] === 0,
    description:
      'looks like a safetensors file, which holds weights without a network; export the network to ONNX, for '
      + 'example with torch.onnx.export',
  },
  pickle: {
    matches: (bytes) => bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5,
    description: 'looks like a Python pickle (a PyTorch checkpoint?); export the network to ONNX, for example with '
      + 'torch.onnx.export',
  },
  // SavedModel: field 1 is saved_model_schema_version, always 1, then field 2 the graphs
  savedModel: {
    matches: (_, text) => text.startsWith('\x08\x01\x12'),
    description: 'looks like saved_model.pb of a TensorFlow SavedModel; convert its folder to .tflite first with '
      + 'tf.lite.TFLiteConverter.from_saved_model',
  },
  protobuf: {
    matches: (bytes) => bytes[0] === 0x0a || bytes[0] === 0x08,
    description: 'looks like a protocol buffer (a frozen TensorFlow graph?); convert it to .tflite first with '
      + 'tf.lite.TFLiteConverter',
  },
};

/** The kind of a file that is neither `.klet` nor convertible; undefined if it is not known. */
export function foreignKind(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, HEAD));
  return Object.entries(kinds).find(([, kind]) => kind.matches(bytes, text))?.[0];
}

/** Says what a file is that is neither `.klet` nor convertible, and what to do with it. */
export function describeForeign(bytes: Uint8Array): string {
  const kind = foreignKind(bytes);
  return kind === undefined ? 'has an unknown format' : kinds[kind]!.description;
}
