import { readOptions, show, type Options } from '../arguments';
import { KletError } from '../errors';
import { checkCallback, samplesOf } from './checks';
import type { OnFrame } from './features';
import { FixedFft } from './fixedFft';
import { gainTable, highestBit, logTable, microFilters, microWindow, scaledLog, shrink, squareRoot, wideGain,
  WEIGHT_BITS, type MicroFilters } from './microTables';

/** Settings of the micro front end; the defaults are those of its C code. */
export interface MicroSettings {
  /** Hertz, a whole number. */
  sampleRate: number;
  /** Samples of a frame, and from one frame to the next. Default: 25 ms and 10 ms. */
  frameLength?: number;
  hop?: number;
  /** Number of mel bands (default 32), and their limits in hertz (125 and 7500). */
  bands?: number;
  low?: number;
  high?: number;
  /** Weight of a frame in the noise estimate of even and odd bands (default 0.025 and 0.06). */
  evenSmoothing?: number;
  oddSmoothing?: number;
  /** Part of a band that noise reduction leaves at least (default 0.05). */
  minSignalRemaining?: number;
  /** Bits by which the noise estimate is finer than the bands (default 10). */
  smoothingBits?: number;
  /** Whether per-channel amplitude normalization is on (default true). */
  pcan?: boolean;
  /** Exponent and offset of its gain, and the gain's bits (default 0.95, 80 and 21). */
  strength?: number;
  offset?: number;
  gainBits?: number;
  /**
   * Whether filter weights are rounded (default true, as in the C code) or truncated, as in the
   * networks that generate features with TensorFlow's signal library.
   */
  roundFilters?: boolean;
  /** Fractional bits of the logarithm (default 6). */
  logBits?: number;
  /** Factor for the features (default 1). */
  scale?: number;
}

const microSettings = {
  sampleRate: 'number',
  frameLength: 'number',
  hop: 'number',
  bands: 'number',
  low: 'number',
  high: 'number',
  evenSmoothing: 'number',
  oddSmoothing: 'number',
  minSignalRemaining: 'number',
  smoothingBits: 'number',
  pcan: 'boolean',
  strength: 'number',
  offset: 'number',
  gainBits: 'number',
  roundFilters: 'boolean',
  logBits: 'number',
  scale: 'number',
} satisfies Options<MicroSettings>;

/** Fractional bits of the noise reduction. */
const NOISE_BITS = 14;

/**
 * The front end of TensorFlow Lite for Microcontrollers, bit for bit: 16-bit frames, fixed-point
 * FFT, square roots of mel bands, noise reduction, gain control and logarithm
 * (tensorflow/lite/experimental/microfrontend).
 */
export class MicroFeatures {
  /** Number of features per frame. */
  readonly features: number;
  readonly sampleRate: number;
  readonly frameLength: number;
  readonly hop: number;
  private readonly window: Int16Array;
  private readonly fft: FixedFft;
  private readonly filters: MicroFilters;
  private readonly gains: Int16Array | undefined;
  private readonly logs = logTable();
  /** The last samples, the oldest first. */
  private readonly samples: Int16Array;
  private readonly windowed: Int16Array;
  private readonly bands: Float64Array;
  private readonly noise: Float64Array;
  private readonly frame: Float32Array;
  /** log2 of the FFT's size − 6: bands have so many bits less than energies. */
  private readonly correction: number;
  private filled = 0;
  private index = 0;
  private whole: MicroFeatures | undefined;

  /** @internal */
  constructor(private readonly settings: Required<MicroSettings>) {
    const { sampleRate, frameLength, hop, bands, low, high, pcan, smoothingBits, strength, offset, gainBits } =
      settings;
    this.features = bands;
    this.sampleRate = sampleRate;
    this.frameLength = frameLength;
    this.hop = hop;
    let size = 4;
    while (size < frameLength) size *= 2;
    this.fft = new FixedFft(size);
    this.window = microWindow(frameLength);
    this.filters = microFilters(bands, low, high, sampleRate, size, settings.roundFilters);
    this.correction = Math.log2(size) - WEIGHT_BITS / 2;
    this.gains = pcan ? gainTable(smoothingBits - this.correction, strength, offset, gainBits) : undefined;
    this.samples = new Int16Array(frameLength);
    this.windowed = new Int16Array(frameLength);
    this.bands = new Float64Array(bands);
    this.noise = new Float64Array(bands);
    this.frame = new Float32Array(bands);
  }

  /**
   * Takes the next samples, in pieces of any length, and calls `onFrame` for every frame that they
   * complete.
   *
   * @param samples −1..1, which are rounded to 16 bits
   * @returns number of completed frames
   * @throws KletError `TYPE_MISMATCH`, `NOT_A_NUMBER`; then no sample was taken
   */
  push(samples: Float32Array, onFrame: OnFrame): number {
    const given = samplesOf(samples);
    checkCallback(onFrame);
    for (let i = 0; i < given.length; i++) {
      if (!Number.isFinite(given[i])) {
        throw new KletError(
          'NOT_A_NUMBER',
          `sample ${i} of ${given.length} is ${given[i]}; it must be a finite number`,
        );
      }
    }
    const before = this.index;
    for (let i = 0; i < given.length; i++) {
      // a hop may be longer than a frame
      if (this.filled >= 0) {
        this.samples[this.filled] = Math.max(-32768, Math.min(32767, Math.round(given[i]! * 32768)));
      }
      if (++this.filled < this.frameLength) continue;
      this.emit(onFrame);
      this.filled -= this.hop;
      this.samples.copyWithin(0, this.hop);
    }
    return this.index - before;
  }

  /**
   * Computes the features of a whole recording. The state of the stream does not change.
   *
   * @param samples −1..1 at `sampleRate`
   * @returns [frames][features]; empty if the recording is shorter than a frame
   * @throws KletError `TYPE_MISMATCH`, `NOT_A_NUMBER`
   */
  compute(samples: Float32Array): Float32Array {
    const given = samplesOf(samples);
    this.whole ??= new MicroFeatures(this.settings);
    this.whole.reset();
    const frames = Math.max(0, 1 + Math.floor((given.length - this.frameLength) / this.hop));
    const out = new Float32Array(frames * this.features);
    this.whole.push(given, (frame, index) => out.set(frame, index * this.features));
    return out;
  }

  /** Discards all samples and the noise estimate. */
  reset(): void {
    this.filled = this.index = 0;
    this.noise.fill(0);
  }

  private emit(onFrame: OnFrame): void {
    const shift = this.load();
    this.fft.transform();
    this.combine(shift);
    this.reduceNoise();
    this.finish();
    onFrame(this.frame, this.index++);
  }

  /** Windows the samples and scales them to 16 bits. Returns the bits of the scale. */
  private load(): number {
    const { windowed, window, samples, fft: { input } } = this;
    let most = 0;
    for (let i = 0; i < window.length; i++) {
      const x = (samples[i]! * window[i]!) >> WEIGHT_BITS;
      windowed[i] = x;
      // the C code negates in 16 bits, in which −32768 stays negative
      if (x !== -32768) most = Math.max(most, Math.abs(x));
    }
    const shift = 15 - highestBit(most);
    for (let i = 0; i < window.length; i++) input[i] = windowed[i]! << shift;
    input.fill(0, window.length);
    return shift;
  }

  /** Sums energies into bands, and takes their square roots. */
  private combine(shift: number): void {
    const { bands, filters: { starts, weights, unweights }, fft: { output } } = this;
    let rising = 0;
    for (let m = 0; m <= bands.length; m++) {
      let sum = rising;
      rising = 0;
      for (let k = starts[m]!; k < starts[m + 1]!; k++) {
        const re = output[2 * k]!;
        const im = output[2 * k + 1]!;
        const energy = re * re + im * im;
        sum += weights[k]! * energy;
        rising += unweights[k]! * energy;
      }
      if (m > 0) bands[m - 1] = squareRoot(sum) >>> shift;
    }
  }

  private reduceNoise(): void {
    const { bands, noise, gains } = this;
    const { evenSmoothing, oddSmoothing, minSignalRemaining, smoothingBits, gainBits } = this.settings;
    const one = 1 << NOISE_BITS;
    const bits = (part: number): number => Math.trunc(Math.fround(part) * one);
    const snrShift = gainBits - this.correction - 12;
    for (let b = 0; b < bands.length; b++) {
      const smoothing = bits(b % 2 === 0 ? evenSmoothing : oddSmoothing);
      const signal = (bands[b]! << smoothingBits) >>> 0;
      const estimate = Math.floor((signal * smoothing + noise[b]! * (one - smoothing)) / one);
      noise[b] = estimate;
      const least = Math.floor((bands[b]! * bits(minSignalRemaining)) / one);
      const reduced = Math.max(least, (signal - Math.min(estimate, signal)) >>> smoothingBits);
      bands[b] = gains ? shrink(Math.floor((reduced * wideGain(estimate, gains)) / 2 ** snrShift) >>> 0) : reduced;
    }
  }

  private finish(): void {
    const { bands, frame, correction, logs } = this;
    const { logBits, scale } = this.settings;
    for (let b = 0; b < bands.length; b++) {
      const value = (correction < 0 ? bands[b]! >>> -correction : bands[b]! << correction) >>> 0;
      frame[b] = scale * (value > 1 ? Math.min(65535, scaledLog(value, logBits, logs)) : 0);
    }
  }
}

/**
 * Creates the front end of TensorFlow Lite for Microcontrollers.
 *
 * @throws KletError `BAD_ARGUMENT` if a setting is missing or out of range
 * @example
 * ```js
 * import { createMicroFeatures } from 'kinglet/audio';
 * const front = createMicroFeatures({ sampleRate: 16000, frameLength: 480, hop: 320, bands: 40 });
 * console.log(front.compute(new Float32Array(16000)).length / front.features); // 49
 * ```
 */
export function createMicroFeatures(settings: MicroSettings): MicroFeatures {
  const given = readOptions(settings, microSettings, 'createMicroFeatures()');
  const { sampleRate } = given;
  const all: Required<MicroSettings> = {
    frameLength: Math.floor(0.025 * sampleRate),
    hop: Math.floor(0.01 * sampleRate),
    bands: 32,
    low: 125,
    high: 7500,
    evenSmoothing: 0.025,
    oddSmoothing: 0.06,
    minSignalRemaining: 0.05,
    smoothingBits: 10,
    pcan: true,
    strength: 0.95,
    offset: 80,
    gainBits: 21,
    roundFilters: true,
    logBits: 6,
    scale: 1,
    ...given,
  };
  checkRanges(all);
  return new MicroFeatures(all);
}

function checkRanges(all: Required<MicroSettings>): void {
  const half = all.sampleRate / 2;
  const ranges: [keyof MicroSettings, min: number, max: number, isWhole: boolean][] = [['sampleRate', 1, 1e6, true], [
    'frameLength',
    1,
    32768,
    true,
  ], ['hop', 1, 1e9, true], ['bands', 1, 1024, true], ['low', 0, half, false], ['high', 0, half, false], [
    'evenSmoothing',
    0,
    1,
    false,
  ], ['oddSmoothing', 0, 1, false], ['minSignalRemaining', 0, 1, false], ['smoothingBits', 0, 16, true], ['strength', 0,
    1, false], ['offset', 1, 1e6, false], ['gainBits', 18, 30, true], ['logBits', 0, 12, true], ['scale', -1e6, 1e6,
    false]];
  for (const [name, min, max, isWhole] of ranges) {
    const value = all[name] as number;
    if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) continue;
    throw new KletError(
      'BAD_ARGUMENT',
      `createMicroFeatures() takes ${isWhole ? 'a whole number' : 'a number'} from ${min} to ${max} as ${name}, not ${
        show(value)
      }`,
    );
  }
  if (all.low >= all.high) {
    throw new KletError('BAD_ARGUMENT', `createMicroFeatures() has bands from ${all.low} to ${all.high} Hz`);
  }
}
