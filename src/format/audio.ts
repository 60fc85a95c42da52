/**
 * The weights of a frame. The plain names are periodic (of period `frameLength`), the others
 * symmetric.
 */
export type AudioWindow = 'hann' | 'hann-symmetric' | 'hamming' | 'hamming-symmetric' | 'blackman'
  | 'blackman-symmetric' | 'rectangular';

/** Triangles over the spectrum, equally spaced on a mel scale. */
export interface MelParameters {
  bands: number;
  /** Hertz: where the first triangle begins and the last ends. */
  low: number;
  high: number;
  /**
   * `htk`: 2595 log10(1 + f/700). `slaney`: linear below 1 kHz, logarithmic above (Auditory
   * Toolbox).
   */
  scale: 'htk' | 'slaney';
  /** In which unit the sides of a triangle are straight. */
  slopes: 'mel' | 'hertz';
  /** `none`: peaks of 1. `slaney`: areas of 1, with the width in hertz. */
  norm: 'none' | 'slaney';
}

/** c · ln(max(x, floor) + offset) − c · ln(max(reference, floor)). */
export interface LogParameters {
  kind: 'log';
  /** c is 1, 1/ln 10, or 10/ln 10 of powers and 20/ln 10 of magnitudes. */
  unit: 'natural' | 'log10' | 'decibel';
  floor: number;
  offset: number;
  reference: number;
  /**
   * With `decibel`: values are at least the largest of the whole recording less this. Not for
   * streams.
   */
  topDb: number | null;
}

/**
 * Per-channel energy normalization: (x · (epsilon + m)^−gain + bias)^power − bias^power with m = (1
 * − smoothing) · m + smoothing · x.
 */
export interface PcenParameters {
  kind: 'pcen';
  gain: number;
  bias: number;
  power: number;
  epsilon: number;
  smoothing: number;
  /** What m is before the first frame: 1, or the first frame's x. */
  initial: 'one' | 'first';
}

/** Cosine transform (DCT-II) of the bands. */
export interface MfccParameters {
  /** Coefficients that are kept, from the 0th on. */
  count: number;
  /** `ortho`: orthonormal. `tensorflow`: the same with the 0th coefficient √2 times as large. */
  scaling: 'ortho' | 'tensorflow';
  /** Coefficient n is multiplied by 1 + lifter/2 · sin(π(n + 1)/lifter); 0 leaves them. */
  lifter: number;
}

/**
 * How sound becomes the input: all of it, nothing by default, so that a device computes what
 * training saw.
 */
export interface AudioPreprocessing {
  kind: 'audio';
  /** Hertz. */
  sampleRate: number;
  /** Samples of one frame, from one frame to the next, and of the transform (even). */
  frameLength: number;
  hop: number;
  fftSize: number;
  window: AudioWindow;
  /**
   * Where in the transform the frame lies when it is shorter: TensorFlow's begins with it,
   * librosa's has it in the middle.
   */
  windowPosition: 'start' | 'center';
  /**
   * `end`: zeros behind the recording, so that a frame begins at every hop. `center-…`: frames are
   * centred on hops, past both ends are zeros or the reflection.
   */
  padding: 'none' | 'end' | 'center-zeros' | 'center-reflect';
  /** Samples of −1..1 are multiplied by this first (32768 where training saw 16-bit numbers). */
  inputScale: number;
  /** x[t] − preemphasis · x[t−1]; 0 for none. */
  preemphasis: number;
  /** 1: magnitudes, 2: powers. */
  power: 1 | 2;
  mel: MelParameters | null;
  compression: LogParameters | PcenParameters | null;
  mfcc: MfccParameters | null;
  /** Order of the input: [frames][features] or [features][frames]. */
  layout: 'frames-first' | 'features-first';
  /** Last, value × scale + offset: a number, or one a feature. */
  scale: number | number[];
  offset: number | number[];
}
