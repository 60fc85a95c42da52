import wavefile from 'wavefile';
import { KletError, messageOf } from '../errors';
import { checkSampleCount, type MediaLimits } from './limits';

// The WAV decoder of the command line and other tools. Pages have `decodeAudioData`.

/** A decoded recording, mixed to one channel. */
export interface Wave {
  sampleRate: number;
  /** −1..1. */
  samples: Float32Array;
}

export function isWave(bytes: Uint8Array): boolean {
  return /^(RIFF|RIFX|RF64)....WAVE/s.test(String.fromCharCode(...bytes.subarray(0, 12)));
}

/**
 * Decodes a WAV file: PCM of 8 to 32 bits, floats, A-law and µ-law. Integer samples are divided by
 * 2^(bits − 1), as in librosa and TensorFlow.
 *
 * @param where the file's name in error messages
 * @param limits the longest recording that is decoded
 * @throws KletError `BAD_MAGIC` if it is not a WAV file, `CORRUPT` if it cannot be decoded,
 *   `BAD_ARGUMENT` if it is longer than the limit
 */
export function decodeWave(bytes: Uint8Array, where = 'the recording', limits: MediaLimits = {}): Wave {
  if (!isWave(bytes)) throw new KletError('BAD_MAGIC', `${where} is not a WAV file`);
  try {
    const file = new wavefile.WaveFile(essentialChunks(bytes, where, limits));
    // wavefile decodes ADPCM incorrectly
    if (file.bitDepth === '4') throw new Error('it is compressed as ADPCM');
    if (file.bitDepth === '8a') file.fromALaw();
    else if (file.bitDepth === '8m') file.fromMuLaw();
    const { sampleRate, numChannels } = file.fmt as { sampleRate: number; numChannels: number };
    const all = file.getSamples(true, Float64Array);
    const bits = parseInt(file.bitDepth, 10);
    const isFloat = file.bitDepth === '32f' || file.bitDepth === '64';
    if (!(sampleRate > 0 && numChannels > 0)) {
      throw new Error(`it has ${numChannels} channels at ${sampleRate} samples per second`);
    }
    const scale = isFloat ? 1 : 2 ** (1 - bits);
    const bias = file.bitDepth === '8' ? 128 : 0;
    const samples = new Float32Array(Math.floor(all.length / numChannels));
    for (let t = 0; t < samples.length; t++) {
      let sum = 0;
      for (let c = 0; c < numChannels; c++) sum += (all[t * numChannels + c]! - bias) * scale;
      samples[t] = sum / numChannels;
    }
    return { sampleRate, samples };
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError(
      'CORRUPT',
      `${where} is a WAV file that cannot be read: ${messageOf(cause)}; save it as PCM of 16 bits`,
      { cause },
    );
  }
}

/**
 * A WAV file without the chunks that do not change samples, such as lists and cue points, because
 * the decoder takes their sizes as they are.
 *
 * @throws KletError `BAD_ARGUMENT` if it has more samples than the limit
 */
function essentialChunks(file: Uint8Array, where: string, limits: MediaLimits): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isLittle = file[3] !== 0x58;
  const kept = [file.subarray(0, 12)];
  let bits = 8;
  for (let at = 12; at + 8 <= file.length;) {
    const id = String.fromCharCode(...file.subarray(at, at + 4));
    const size = view.getUint32(at + 4, isLittle);
    const end = Math.min(file.length, at + 8 + size + (size % 2));
    if (id === 'fmt ' && at + 24 <= file.length) bits = view.getUint16(at + 22, isLittle) || bits;
    if (id === 'data') checkSampleCount((end - at - 8) * 8 / bits, where, limits);
    if (CHUNKS.includes(id)) kept.push(file.subarray(at, end));
    at = end;
  }
  const bytes = Buffer.concat(kept);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

const CHUNKS = ['ds64', 'fmt ', 'fact', 'data'];
