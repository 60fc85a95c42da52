import { imageShape } from '../../../src/tasks/index';
import { audioToInput, featuresOf, resample } from '../../../src/audio/index';
import type { Model, Preprocessing, TensorInfo } from '../../../src/browser';

// Inputs of a network from pictures, sound, files and noise.

export type AudioPreprocessing = Extract<Preprocessing, { kind: 'audio' }>;

/** Pixels on the longer side of a picture on the page; larger ones are scaled down. */
const LARGEST = 1024;

export async function decodeSound(file: Blob, name: string, sampleRate: number): Promise<Float32Array> {
  const context = new OfflineAudioContext(1, 1, 48_000);
  try {
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    return resample(monoOf(sound), sound.sampleRate, sampleRate);
  } catch {
    throw new Error(`${name} is no recording that this browser reads; save it as .wav, .mp3 or .ogg`);
  }
}

/** The mean of all channels */
function monoOf(sound: AudioBuffer): Float32Array {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  return channels[0]!.map((_, i) => channels.reduce((sum, channel) => sum + channel[i]!, 0) / channels.length);
}

/** The input for a recording, or all its frames if the network has a state. */
export function soundInput(samples: Float32Array, model: Model): Float32Array {
  const { inputs: [input], meta: { preprocessing } } = model;
  if (model.memory.state === 0) return audioToInput(samples, input!, preprocessing as AudioPreprocessing);
  return featuresOf(model).compute(samples);
}

export function noiseInput({ inputs }: Pick<Model, 'inputs'>): Record<string, Float32Array | Int32Array> {
  return Object.fromEntries(inputs.map(({ name, dtype, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const isWhole = dtype === 'int32' || dtype === 'int64';
    return [name, isWhole ? new Int32Array(count) : Float32Array.from({ length: count }, () => Math.random() * 2 - 1)];
  }));
}

/** A picture of random pixels, in the size of the input. */
export function noisePicture(input: TensorInfo): OffscreenCanvas {
  const { width, height } = imageShape(input);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(width, height);
  pixels.data.forEach((_, i) => {
    pixels.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The float32 values of a NumPy file in C order, in which the last dimension is contiguous. */
export function npyValues(name: string, bytes: ArrayBuffer): Float32Array {
  const problem = new Error(`${name} must be a NumPy file (.npy) of little-endian float32 values (<f4) in C order`);
  if (bytes.byteLength < 12) throw problem;
  const view = new DataView(bytes);
  const start = view.getUint8(6) === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (start > bytes.byteLength || (bytes.byteLength - start) % 4 !== 0) throw problem;
  const header = new TextDecoder().decode(new Uint8Array(bytes, 0, start));
  const isInOrder = /'fortran_order'\s*:\s*False/.test(header);
  if (!header.includes('NUMPY') || !header.includes("'<f4'") || !isInOrder) throw problem;
  return new Float32Array(bytes.slice(start));
}

export async function pictureOf(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${name} is no picture that this browser reads; save it as .png or .jpg`);
  }
}

/** A picture in a size that a page draws quickly. */
export function scaledDown(picture: ImageBitmap): ImageBitmap | OffscreenCanvas {
  const factor = LARGEST / Math.max(picture.width, picture.height);
  if (factor >= 1) return picture;
  const canvas = new OffscreenCanvas(Math.round(picture.width * factor), Math.round(picture.height * factor));
  const context = canvas.getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
