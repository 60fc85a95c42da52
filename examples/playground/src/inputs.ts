import { imageShape, imageToInput } from '../../../src/tasks/index';
import { audioToInput, resample } from '../../../src/audio/index';
import type { Model, Preprocessing, TensorInfo } from '../../../src/browser';

// Inputs of a network from pictures, sound, files and noise.

export type InputKind = 'image' | 'audio' | 'values';
type ImagePreprocessing = Extract<Preprocessing, { kind: 'image' }>;
type AudioPreprocessing = Extract<Preprocessing, { kind: 'audio' }>;

/** How bytes of pixels become values, for networks that do not say. */
export const pixelRanges: Record<string, [scale: number, offset: number]> = {
  '0 to 1': [1 / 255, 0],
  '−1 to 1': [1 / 127.5, -1],
  '0 to 255': [1, 0],
};

export function inputKind({ inputs, meta }: Pick<Model, 'inputs' | 'meta'>): InputKind {
  if (meta.preprocessing?.kind === 'audio') return 'audio';
  const [first] = inputs;
  if (inputs.length !== 1 || !first) return 'values';
  try {
    const { width, height } = imageShape(first);
    return width > 4 && height > 4 ? 'image' : 'values';
  } catch {
    return 'values';
  }
}

/** The preprocessing in the file, or the one that was chosen. */
export function preprocessingFor({ inputs, meta }: Pick<Model, 'inputs' | 'meta'>, range: string): ImagePreprocessing {
  if (meta.preprocessing?.kind === 'image') return meta.preprocessing;
  const { channels } = imageShape(inputs[0]!);
  const [scale, offset] = pixelRanges[range]!;
  return { kind: 'image', channels, scale, offset };
}

export function imageInput(
  image: ImageBitmap | HTMLCanvasElement | HTMLVideoElement,
  model: Pick<Model, 'inputs' | 'meta'>,
  range: string,
): Float32Array {
  return Float32Array.from(imageToInput(image, model.inputs[0]!, preprocessingFor(model, range)));
}

export async function decodeSound(bytes: ArrayBuffer, sampleRate: number): Promise<Float32Array> {
  const context = new OfflineAudioContext(1, 1, 48_000);
  const sound = await context.decodeAudioData(bytes);
  return resample(sound.getChannelData(0), sound.sampleRate, sampleRate);
}

export function soundInput(samples: Float32Array, input: TensorInfo, preprocessing: AudioPreprocessing): Float32Array {
  return audioToInput(samples, input, preprocessing);
}

export function noiseInput({ inputs }: Pick<Model, 'inputs'>): Record<string, Float32Array | Int32Array> {
  return Object.fromEntries(inputs.map(({ name, dtype, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const isWhole = dtype === 'int32' || dtype === 'int64';
    return [name, isWhole ? new Int32Array(count) : Float32Array.from({ length: count }, () => Math.random() * 2 - 1)];
  }));
}

/** The float32 values of a NumPy file. */
function npyValues(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  const start = view.getUint8(6) === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  const header = new TextDecoder().decode(new Uint8Array(bytes, 0, start));
  if (!header.includes('NUMPY') || !header.includes("'<f4'")) {
    throw new Error('a NumPy file of samples must have little-endian float32 values (<f4)');
  }
  return new Float32Array(bytes.slice(start));
}

/** Samples from files: pictures, sounds, or NumPy arrays whose first dimension is the samples. */
export async function readSamples(
  files: readonly File[],
  model: Pick<Model, 'inputs' | 'meta'>,
  range: string,
): Promise<Float32Array[]> {
  const [input] = model.inputs;
  const size = input!.shape.reduce((a, b) => a * b, 1);
  const kind = inputKind(model);
  const samples: Float32Array[] = [];
  for (const file of files) {
    if (file.name.endsWith('.npy')) {
      const values = npyValues(await file.arrayBuffer());
      if (values.length % size !== 0) {
        throw new Error(`${file.name} has ${values.length} values, which is no multiple of the ${size} of one input`);
      }
      for (let at = 0; at < values.length; at += size) samples.push(values.slice(at, at + size));
    } else if (kind === 'audio') {
      const preprocessing = model.meta.preprocessing as AudioPreprocessing;
      const sound = await decodeSound(await file.arrayBuffer(), preprocessing.sampleRate);
      samples.push(soundInput(sound, input!, preprocessing));
    } else if (kind === 'image') {
      samples.push(imageInput(await pictureOf(file), model, range));
    } else {
      throw new Error(`${file.name}: samples of this network are NumPy files (.npy) of float32 values`);
    }
  }
  return samples;
}

export async function pictureOf(file: Blob & { name?: string }): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name ?? 'the file'} is no picture that this browser reads`);
  }
}
