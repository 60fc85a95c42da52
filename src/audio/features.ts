import { describeValue, KletError } from '../errors';
import type { AudioPreprocessing, PcenParameters } from '../format/audio';
import { checkCallback, samplesOf } from './checks';
import { RealFft } from './fft';
import { checkAudioParameters, featureCount, frameOffset } from './parameters';
import { cosineRows, melFilters, windowOf, type MelFilters } from './tables';

/**
 * Called for every frame. The array is reused for the next frame, so copy values that must persist.
 */
export type OnFrame = (features: Float32Array, index: number) => void;

/**
 * Computes features from audio, either from a stream or from a whole recording, with equal results.
 * After construction only `compute` allocates memory, for its result.
 */
export class AudioFeatures {
  /** Number of features per frame. */
  readonly features: number;
  /** First sample under the window of frame 0; below 0 if the frame begins in the padding. */
  readonly offset: number;
  private readonly fft: RealFft;
  private readonly window: Float64Array;
  private readonly spectrum: Float64Array;
  private readonly filters: MelFilters | undefined;
  /** Values before compression: mel bands or spectrum bins. */
  private readonly bands: Float64Array;
  private readonly cosines: Float64Array | undefined;
  private readonly frame: Float32Array;
  private readonly logFactor: number;
  private readonly logReference: number;

  /**
   * Ring buffer of the last samples, with sample t at t % length. Frames and their reflected
   * padding reach no further back.
   */
  private readonly ring: Float64Array;
  private readonly smoothed: Float64Array;
  private received = 0;
  private index = 0;
  private previous = 0;
  private whole: AudioFeatures | undefined;

  /** @internal */
  constructor(readonly parameters: Readonly<AudioPreprocessing>) {
    const { fftSize, frameLength, inputScale, window, mel, mfcc, sampleRate, compression, power } = parameters;
    const bins = fftSize / 2 + 1;
    this.features = featureCount(parameters);
    this.offset = frameOffset(parameters);
    this.fft = new RealFft(fftSize);
    this.window = windowOf(window, frameLength).map((weight) => weight * inputScale);
    this.spectrum = new Float64Array(bins);
    this.filters = mel ? melFilters(mel, sampleRate, fftSize) : undefined;
    this.bands = mel ? new Float64Array(mel.bands) : this.spectrum;
    this.cosines = mfcc ? cosineRows(mfcc, this.bands.length) : undefined;
    this.frame = new Float32Array(this.features);
    this.ring = new Float64Array(fftSize);
    this.smoothed = new Float64Array(compression?.kind === 'pcen' ? this.bands.length : 0);
    const log = compression?.kind === 'log' ? compression : undefined;
    this.logFactor = { natural: 1, log10: Math.LOG10E, decibel: (20 / power) * Math.LOG10E }[log?.unit ?? 'natural'];
    this.logReference = log ? Math.log(Math.max(log.reference, log.floor)) : 0;
    this.reset();
  }

  /** Expected sample rate, in hertz. */
  get sampleRate(): number {
    return this.parameters.sampleRate;
  }

  get frameLength(): number {
    return this.parameters.frameLength;
  }

  /** Samples from one frame to the next. */
  get hop(): number {
    return this.parameters.hop;
  }

  /** Number of frames that `compute` returns for `samples` samples. */
  frameCount(samples: number): number {
    if (!(Number.isInteger(samples) && samples >= 0)) {
      throw new KletError('BAD_ARGUMENT', `frameCount takes a number of samples, not ${describeValue(samples)}`);
    }
    const { padding, windowPosition, frameLength, fftSize, hop } = this.parameters;
    if (padding === 'end') return Math.ceil(samples / hop);
    if (padding !== 'none') return samples > 0 ? 1 + Math.floor(samples / hop) : 0;
    return Math.max(0, 1 + Math.floor((samples - (windowPosition === 'center' ? fftSize : frameLength)) / hop));
  }

  /**
   * Takes the next samples of a stream, in pieces of any length, and calls `onFrame` for every
   * frame that they complete.
   *
   * @param samples −1..1 at `sampleRate`
   * @returns number of completed frames
   * @throws KletError `NOT_A_NUMBER` (then no sample was taken), `BAD_ARGUMENT` if the parameters
   *   have `topDb`, which needs a whole recording
   */
  push(samples: Float32Array, onFrame: OnFrame): number {
    const given = samplesOf(samples);
    checkCallback(onFrame);
    const { compression } = this.parameters;
    if (compression?.kind === 'log' && compression.topDb !== null) {
      throw new KletError(
        'BAD_ARGUMENT',
        'topDb needs the maximum of a whole recording; use compute(), or parameters with topDb: null for a stream',
      );
    }
    return this.take(given, onFrame);
  }

  /**
   * Ends a stream: emits the frames that reach into the padding at its end, if there is padding,
   * and resets.
   */
  end(onFrame: OnFrame): number {
    checkCallback(onFrame);
    const before = this.index;
    const total = this.frameCount(this.received);
    while (this.index < total) this.emit(onFrame);
    this.reset();
    return Math.max(0, total - before);
  }

  /** Discards all samples. */
  reset(): void {
    this.received = this.index = this.previous = 0;
    this.ring.fill(0);
    this.smoothed.fill(1);
  }

  /**
   * Computes the features of a whole recording. The state of the stream does not change.
   *
   * @param samples −1..1 at `sampleRate`
   * @returns [frames][features]; empty if the recording is shorter than a frame
   * @throws KletError `NOT_A_NUMBER`
   */
  compute(samples: Float32Array): Float32Array {
    const given = samplesOf(samples);
    this.whole ??= new AudioFeatures(this.parameters);
    return this.whole.recording(given);
  }

  private recording(samples: Float32Array): Float32Array {
    const { features, bands } = this;
    const { compression } = this.parameters;
    const frames = this.frameCount(samples.length);
    const out = new Float32Array(frames * features);
    const topDb = compression?.kind === 'log' ? compression.topDb : null;
    const kept = new Float64Array(topDb === null ? 0 : frames * bands.length);
    const keep: OnFrame = (frame, index) => {
      if (topDb === null) out.set(frame, index * features);
      else kept.set(bands, index * bands.length);
    };
    this.reset();
    this.take(samples, keep);
    this.end(keep);
    if (topDb === null) return out;
    const least = kept.reduce((a, b) => Math.max(a, b), -Infinity) - topDb;
    for (let index = 0; index < frames; index++) {
      for (let b = 0; b < bands.length; b++) bands[b] = Math.max(least, kept[index * bands.length + b]!);
      this.finish();
      out.set(this.frame, index * features);
    }
    return out;
  }

  private take(samples: Float32Array, onFrame: OnFrame): number {
    const before = this.index;
    const { length } = samples;
    const { ring } = this;
    const preemphasis = this.parameters.frames ? 0 : this.parameters.preemphasis;
    for (let i = 0; i < length; i++) {
      const x = samples[i]!;
      if (!(x - x === 0)) {
        throw new KletError('NOT_A_NUMBER', `sample ${i} of ${length} is ${x}; every sample must be a finite number`);
      }
    }
    for (let i = 0;;) {
      const least = this.needed();
      const stop = Math.min(length, i + least - this.received);
      if (i < stop) {
        let at = this.received % ring.length;
        let { previous } = this;
        this.received += stop - i;
        for (; i < stop; i++) {
          const x = samples[i]!;
          ring[at] = x - preemphasis * previous;
          previous = x;
          if (++at === ring.length) at = 0;
        }
        this.previous = previous;
      }
      if (this.received < least) return this.index - before;
      this.emit(onFrame);
    }
  }

  /** First sample under the window of the next frame. */
  private begin(): number {
    return this.index * this.hop + this.offset;
  }

  /** Number of samples needed to compute the next frame. */
  private needed(): number {
    const { hop, padding, windowPosition, fftSize, frameLength } = this.parameters;
    const begin = this.begin();
    if (padding === 'none' && windowPosition === 'center') return this.index * hop + fftSize;
    return Math.max(begin + frameLength, padding === 'center-reflect' ? 1 - begin : 1);
  }

  private emit(onFrame: OnFrame): void {
    this.load(this.begin());
    this.fft.power(this.spectrum);
    this.combine();
    this.compress();
    this.finish();
    onFrame(this.frame, this.index++);
  }

  /** Loads the windowed samples from `begin` on into the FFT's input. */
  private load(begin: number): void {
    const { ring, window, received } = this;
    const { input } = this.fft;
    const { length } = window;
    const reflect = this.parameters.padding === 'center-reflect';
    if (begin >= 0 && begin + length <= received) {
      let at = begin % ring.length;
      for (let i = 0; i < length; i++) {
        input[i] = ring[at]!;
        if (++at === ring.length) at = 0;
      }
    } else {
      for (let i = 0; i < length; i++) {
        const t = reflect ? reflected(begin + i, received) : begin + i;
        input[i] = t >= 0 && t < received ? ring[t % ring.length]! : 0;
      }
    }
    if (this.parameters.frames) this.center(input, length);
    for (let i = 0; i < length; i++) input[i] = window[i]! * input[i]!;
    input.fill(0, length);
  }

  /** Subtracts the mean of a frame, then applies pre-emphasis to it (Kaldi's feature-window.cc). */
  private center(frame: Float64Array, length: number): void {
    const { preemphasis } = this.parameters;
    let sum = 0;
    for (let i = 0; i < length; i++) sum += frame[i]!;
    let previous = frame[0]! - sum / length;
    for (let i = 0; i < length; i++) {
      const x = frame[i]! - sum / length;
      frame[i] = x - preemphasis * previous;
      previous = x;
    }
  }

  /** Combines spectrum bins into bands. */
  private combine(): void {
    const { spectrum, bands, filters } = this;
    if (this.parameters.power === 1) {
      for (let k = 0; k < spectrum.length; k++) {
        spectrum[k] = Math.sqrt(spectrum[k]!);
      }
    }
    if (!filters) return;
    const { first, start, weights } = filters;
    for (let b = 0; b < bands.length; b++) {
      let sum = 0;
      for (let w = start[b]!, k = first[b]!, end = start[b + 1]!; w < end; w++, k++) sum += weights[w]! * spectrum[k]!;
      bands[b] = sum;
    }
  }

  private compress(): void {
    const { bands, logFactor, logReference } = this;
    const { compression } = this.parameters;
    if (compression === null) return;
    if (compression.kind === 'pcen') return this.normalize(compression);
    const { floor, offset } = compression;
    for (let b = 0; b < bands.length; b++) {
      bands[b] = logFactor * (Math.log(Math.max(bands[b]!, floor) + offset) - logReference);
    }
  }

  /**
   * Uses logarithms as librosa does, for precision: (x · s + bias)^power − bias^power = bias^power
   * ·
   * expm1(power · log1p(x · s / bias)).
   */
  private normalize({ gain, bias, power, epsilon, smoothing, initial }: PcenParameters): void {
    const { bands, smoothed } = this;
    const first = this.index === 0 && initial === 'first';
    const scale = Math.pow(bias, power);
    const logEpsilon = Math.log(epsilon);
    for (let b = 0; b < bands.length; b++) {
      const x = bands[b]!;
      const m = first ? x : (1 - smoothing) * smoothed[b]! + smoothing * x;
      smoothed[b] = m;
      const y = x * Math.exp(-gain * (logEpsilon + Math.log1p(m / epsilon)));
      if (power === 0) bands[b] = Math.log1p(y);
      else if (bias === 0) bands[b] = Math.pow(y, power);
      else bands[b] = scale * Math.expm1(power * Math.log1p(y / bias));
    }
  }

  /** Converts bands to the features of the frame. */
  private finish(): void {
    const { bands, frame, cosines } = this;
    const { scale, offset } = this.parameters;
    for (let n = 0; n < frame.length; n++) {
      let value = bands[n]!;
      if (cosines) {
        value = 0;
        for (let b = 0, row = n * bands.length; b < bands.length; b++) value += cosines[row + b]! * bands[b]!;
      }
      frame[n] = value * (typeof scale === 'number' ? scale : scale[n]!) +
        (typeof offset === 'number' ? offset : offset[n]!);
    }
  }
}

/**
 * Index of sample t in a signal reflected at its first and last sample, like mode "reflect" of
 * numpy.pad.
 */
function reflected(t: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const offset = ((t % period) + period) % period;
  return offset < length ? offset : period - offset;
}

/**
 * Creates a feature extractor.
 *
 * @param parameters complete parameters, from `audioParameters` or a model's `meta.preprocessing`
 * @throws KletError `BAD_ARGUMENT`
 * @example
 * ```js
 * import { audioParameters, createAudioFeatures } from 'kinglet/audio';
 * const settings = { sampleRate: 8000, frameLength: 256, hop: 128 };
 * const front = createAudioFeatures(audioParameters('tensorflow', settings));
 * const second = new Float32Array(8000).map((_, t) => Math.sin((2 * Math.PI * 440 * t) / 8000));
 * const whole = front.compute(second);
 * console.log(whole.length / front.features); // 61
 * let frames = 0;
 * for (let t = 0; t < 8000; t += 128) front.push(second.subarray(t, t + 128), () => { frames++; });
 * console.log(frames); // 61
 * ```
 */
export function createAudioFeatures(parameters: AudioPreprocessing): AudioFeatures {
  // a copy, which the caller cannot change later
  return new AudioFeatures(JSON.parse(JSON.stringify(checkAudioParameters(parameters))) as AudioPreprocessing);
}
