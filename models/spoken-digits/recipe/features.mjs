/** Log-mel frames, computed by the same front end as on the device. */
import { audioParameters, createAudioFeatures } from '../../../dist/audio.js';
import { RATE } from './data.mjs';

export const WINDOW = 256; // samples: 32 ms
export const HOP = 128;
export const BANDS = 32;

/** The input's preprocessing, as stored in the model file. */
export const preprocessing = audioParameters('tensorflow', {
  sampleRate: RATE,
  frameLength: WINDOW,
  hop: HOP,
  padding: 'end',
  mel: { bands: BANDS, low: 80 },
  compression: { kind: 'log', offset: 0.02 }, // about the noise of a quiet room, so quieter sounds make no difference
  scale: 0.75, // scales to about −2 … 3
  offset: 0.9,
});

const frontEnd = createAudioFeatures(preprocessing);

/** @returns f32 [frames][32] */
export function logMel(samples) {
  return frontEnd.compute(samples);
}
