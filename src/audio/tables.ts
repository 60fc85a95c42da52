import type { AudioWindow, MelParameters, MfccParameters } from '../format/audio';

// Tables computed once per set of parameters.

/** Window weights a0 − a1 cos φ + a2 cos 2φ. */
const cosines: Record<string, [a0: number, a1: number, a2: number]> = {
  hann: [0.5, 0.5, 0],
  hamming: [0.54, 0.46, 0],
  blackman: [0.42, 0.5, 0.08],
  rectangular: [1, 0, 0],
};

/** The window, [length]. As in other libraries, a window of one sample is 1. */
export function windowOf(window: AudioWindow, length: number): Float64Array {
  // feature-window.cc of Kaldi
  if (window === 'povey') return windowOf('hann-symmetric', length).map((weight) => weight ** 0.85);
  const [a0, a1, a2] = cosines[window.replace('-symmetric', '')]!;
  const period = window.endsWith('-symmetric') ? length - 1 : length;
  return Float64Array.from({ length }, (_, i) => {
    const angle = (2 * Math.PI * i) / period;
    return length === 1 ? 1 : a0 - a1 * Math.cos(angle) + a2 * Math.cos(2 * angle);
  });
}

/**
 * HTK (S. Young et al., The HTK Book), with TensorFlow's 1127 for 2595/ln 10; the filters do not
 * depend on this factor.
 */
const HTK_Q = 1127;
const HTK_BREAK = 700;
/**
 * Auditory Toolbox (M. Slaney, 1998): 200/3 Hz per mel up to 1 kHz, then a factor of 6.4 per 27
 * mels.
 */
const HERTZ_A_MEL = 200 / 3;
const BREAK_HERTZ = 1000;
const BREAK_MEL = BREAK_HERTZ / HERTZ_A_MEL;
const LOG_STEP = Math.log(6.4) / 27;

export function hertzToMel(hertz: number, scale: MelParameters['scale']): number {
  if (scale === 'htk') return HTK_Q * Math.log(1 + hertz / HTK_BREAK);
  return hertz < BREAK_HERTZ ? hertz / HERTZ_A_MEL : BREAK_MEL + Math.log(hertz / BREAK_HERTZ) / LOG_STEP;
}

export function melToHertz(mel: number, scale: MelParameters['scale']): number {
  if (scale === 'htk') return HTK_BREAK * (Math.exp(mel / HTK_Q) - 1);
  return mel < BREAK_MEL ? mel * HERTZ_A_MEL : BREAK_HERTZ * Math.exp((mel - BREAK_MEL) * LOG_STEP);
}

/**
 * The triangular filters: band b weights the bins from `first[b]` on with weights[start[b]] to
 * weights[start[b +
 * 1] − 1].
 */
export interface MelFilters {
  first: Int32Array;
  start: Int32Array;
  weights: Float64Array;
}

export function melFilters(
  { bands, low, high, scale, slopes, norm }: MelParameters,
  sampleRate: number,
  fftSize: number,
): MelFilters {
  const bins = fftSize / 2 + 1;
  const bottom = hertzToMel(low, scale);
  const top = hertzToMel(high, scale);
  const unit = (hertz: number): number => (slopes === 'mel' ? hertzToMel(hertz, scale) : hertz);
  const hertz = Array.from(
    { length: bands + 2 },
    (_, i) => melToHertz(bottom + ((top - bottom) * i) / (bands + 1), scale),
  );
  const edges = slopes === 'mel' ? hertz.map((_, i) => bottom + ((top - bottom) * i) / (bands + 1)) : hertz;
  const centres = Array.from({ length: bins }, (_, k) => unit((k * sampleRate) / fftSize));
  const first = new Int32Array(bands);
  const start = new Int32Array(bands + 1);
  const weights: number[] = [];
  for (let b = 0; b < bands; b++) {
    const [left, peak, right] = [edges[b]!, edges[b + 1]!, edges[b + 2]!];
    const factor = norm === 'slaney' ? 2 / (hertz[b + 2]! - hertz[b]!) : 1;
    let k = 0;
    while (k < bins && centres[k]! <= left) k++;
    first[b] = k;
    for (; k < bins && centres[k]! < right; k++) {
      weights.push(factor * Math.min((centres[k]! - left) / (peak - left), (right - centres[k]!) / (right - peak)));
    }
    start[b + 1] = weights.length;
  }
  return { first, start, weights: Float64Array.from(weights) };
}

/** Rows of the DCT, scaled and liftered, [count][bands]. */
export function cosineRows({ count, scaling, lifter }: MfccParameters, bands: number): Float64Array {
  return Float64Array.from({ length: count * bands }, (_, i) => {
    const n = Math.floor(i / bands);
    const b = i % bands;
    const norm = Math.sqrt((n === 0 && scaling !== 'tensorflow' ? 1 : 2) / bands);
    const place = scaling === 'kaldi' ? n : n + 1;
    const lift = lifter > 0 ? 1 + (lifter / 2) * Math.sin((Math.PI * place) / lifter) : 1;
    return lift * norm * Math.cos((Math.PI * n * (2 * b + 1)) / (2 * bands));
  });
}
