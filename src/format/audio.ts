/**
 * The window function of a frame. Plain names are periodic with period `frameLength`; the others
 * are symmetric. `povey` is `hann-symmetric` to the power of 0.85.
 */
export type AudioWindow = 'hann' | 'hann-symmetric' | 'hamming' | 'hamming-symmetric' | 'blackman'
  | 'blackman-symmetric' | 'rectangular' | 'povey';

/** Triangular filters over the spectrum, equally spaced on a mel scale. */
export interface MelParameters {
  bands: number;
  /** Lower edge of the first filter and upper edge of the last, in hertz. */
  low: number;
  high: number;
  /**
   * `htk`: 2595 log10(1 + f/700). `slaney`: linear below 1 kHz, logarithmic above (Auditory
   * Toolbox).
   */
  scale: 'htk' | 'slaney';
  /** The unit in which the sides of a filter are linear. */
  slopes: 'mel' | 'hertz';
  /**
   * `none`: each filter peaks at 1. `slaney`: each filter has an area of 1, with its width in
   * hertz.
   */
  norm: 'none' | 'slaney';
}

/** c · ln(max(x, floor) + offset) − c · ln(max(reference, floor)). */
export interface LogParameters {
  kind: 'log';
  /**
   * c is 1 (natural), 1/ln 10 (log10), or for decibels 10/ln 10 for powers and 20/ln 10 for
   * magnitudes.
   */
  unit: 'natural' | 'log10' | 'decibel';
  floor: number;
  offset: number;
  reference: number;
  /**
   * For `decibel`: values are clamped from below at the recording's maximum − topDb. Not available
   * for streams.
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
  /** Initial value of m: 1, or the x of the first frame. */
  initial: 'one' | 'first';
}

/** Mel-frequency cepstral coefficients: the DCT-II of the bands. */
export interface MfccParameters {
  /** Number of coefficients to keep, beginning with the 0th. */
  count: number;
  /**
   * `ortho`: orthonormal. `tensorflow`: orthonormal, but with the 0th coefficient multiplied by √2.
   * `kaldi`: orthonormal, with n for n + 1 in the lifter.
   */
  scaling: 'ortho' | 'tensorflow' | 'kaldi';
  /** Coefficient n is multiplied by 1 + lifter/2 · sin(π(n + 1)/lifter); 0 switches this off. */
  lifter: number;
}

/**
 * How audio becomes the input. Every setting is stored explicitly, so that a device computes the
 * same features as the training did.
 */
export interface AudioPreprocessing {
  kind: 'audio';
  /** Hertz. */
  sampleRate: number;
  /** Samples per frame, samples from one frame to the next (hop), and size of the FFT (even). */
  frameLength: number;
  hop: number;
  fftSize: number;
  window: AudioWindow;
  /**
   * Position of a frame that is shorter than the FFT: at the start (TensorFlow) or in the middle
   * (librosa).
   */
  windowPosition: 'start' | 'center';
  /**
   * `end`: zeros are appended, so that a frame begins at every hop. `center-…`: frames are centred
   * on hops, and both ends are padded with zeros or by reflection.
   */
  padding: 'none' | 'end' | 'center-zeros' | 'center-reflect';
  /** Factor for the samples, which lie in −1..1 (32768 if the training used 16-bit integers). */
  inputScale: number;
  /** x[t] − preemphasis · x[t−1]; 0 for none. */
  preemphasis: number;
  /**
   * `kaldi`: the mean of a frame is subtracted, and pre-emphasis is applied to the frame, in which
   * the sample before the first equals the first. Absent: pre-emphasis is applied to the signal.
   */
  frames?: 'kaldi';
  /** 1: magnitudes, 2: powers. */
  power: 1 | 2;
  mel: MelParameters | null;
  compression: LogParameters | PcenParameters | null;
  mfcc: MfccParameters | null;
  /** Order of the input: [frames][features] or [features][frames]. */
  layout: 'frames-first' | 'features-first';
  /** Final affine map, value × scale + offset: one number, or one per feature. */
  scale: number | number[];
  offset: number | number[];
}
