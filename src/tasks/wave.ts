import wavefile from 'wavefile';
import { KletError, messageOf } from '../errors';

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
 * @throws KletError `BAD_MAGIC` if it is not a WAV file, `CORRUPT` if it cannot be decoded
 */
export function decodeWave(bytes: Uint8Array, where = 'the recording'): Wave {
  if (!isWave(bytes)) throw new KletError('BAD_MAGIC', `${where} is not a WAV file`);
  try {
    const file = new wavefile.WaveFile(bytes);
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
    throw new KletError(
      'CORRUPT',
      `${where} is a WAV file that cannot be read: ${messageOf(cause)}; save it as PCM of 16 bits`,
      { cause },
    );
  }
}
