import { checkChoice, checkFunction, readOptions, show, type Options } from '../arguments';
import { KletError } from '../errors';
import { checkFloats } from './checks';

export type FrameWindow = 'hann' | 'sqrt-hann' | 'vorbis' | 'rectangular';

export interface OverlapSettings {
  /** Samples of a frame (even, at most 65536), and from one frame to the next. */
  frameLength: number;
  hop: number;
  /** Window of the frames, before they change and again after that (default `sqrt-hann`). */
  window?: FrameWindow;
  /**
   * `normalized` (default): the sum of all windows over a sample is divided out. `sum`: frames are
   * added as they are.
   */
  overlap?: 'normalized' | 'sum';
}

const overlapSettings = { frameLength: 'number', hop: 'number', window: 'string', overlap: 'string' } satisfies Options<
  OverlapSettings
>;

const MAX_FRAME = 65536;

/**
 * Splits a signal into overlapping frames and adds changed frames up again. Unchanged frames give
 * the signal, delayed by `latency` samples.
 *
 * ```
 * past: │ oldest hop │ … │ newest hop │   frameLength samples, windowed into `frame`
 * sum:  │ complete   │ … │            │   the changed frames, windowed again
 * ```
 */
export class OverlapAdd {
  /** The windowed frame, [frameLength], which `process` changes in place. */
  readonly frame: Float64Array;
  /** Number of samples by which the output is delayed: frameLength − hop. */
  readonly latency: number;
  private readonly hop: number;
  private readonly past: Float64Array;
  private readonly sum: Float64Array;
  private readonly analysis: Float64Array;
  private readonly synthesis: Float64Array;
  /** Samples that wait for the next frame. */
  private waiting = 0;

  /** @internal */
  constructor({ frameLength, hop, window = 'sqrt-hann', overlap = 'normalized' }: OverlapSettings) {
    this.hop = hop;
    this.latency = frameLength - hop;
    this.frame = new Float64Array(frameLength);
    this.past = new Float64Array(frameLength);
    this.sum = new Float64Array(frameLength);
    this.analysis = frameWindow(window, frameLength);
    const total = new Float64Array(hop);
    this.analysis.forEach((weight, i) => {
      total[i % hop] = total[i % hop]! + weight * weight;
    });
    if (total.some((value) => value < 1e-9)) {
      throw new KletError(
        'BAD_ARGUMENT',
        `frames of ${frameLength} samples every ${hop} do not overlap enough for the window "${window}"`,
      );
    }
    this.synthesis = this.analysis.map((weight, i) => (overlap === 'sum' ? weight : weight / total[i % hop]!));
  }

  /**
   * Takes the next samples, in pieces of any length, and calls `process` for every frame.
   *
   * @returns the samples that are complete, a multiple of `hop`, `latency` samples late
   * @throws KletError `TYPE_MISMATCH`, `NOT_A_NUMBER`; then no sample was taken
   */
  push(samples: Float32Array, process: (frame: Float64Array) => void): Float32Array {
    const given = checkFloats(samples);
    checkFunction(process, 'the callback');
    const { hop, past, sum, latency } = this;
    const out = new Float32Array(Math.floor((this.waiting + given.length) / hop) * hop);
    for (let i = 0, made = 0; i < given.length; i++) {
      past[latency + this.waiting++] = given[i]!;
      if (this.waiting < hop) continue;
      this.waiting = 0;
      this.emit(process);
      out.set(sum.subarray(0, hop), made);
      made += hop;
      sum.copyWithin(0, hop);
      sum.fill(0, latency);
      past.copyWithin(0, hop);
    }
    return out;
  }

  /**
   * Ends a recording and resets.
   *
   * @returns the samples that were not complete, as if silence followed. All results together have
   *   `latency` samples more than were pushed
   */
  end(process: (frame: Float64Array) => void): Float32Array {
    const { waiting, hop, latency } = this;
    const rest = waiting + latency;
    const silence = new Float32Array(Math.ceil(rest / hop) * hop - waiting);
    const out = this.push(silence, process).slice(0, rest);
    this.reset();
    return out;
  }

  /** Forgets all samples. */
  reset(): void {
    this.past.fill(0);
    this.sum.fill(0);
    this.waiting = 0;
  }

  private emit(process: (frame: Float64Array) => void): void {
    const { frame, past, sum, analysis, synthesis } = this;
    for (let i = 0; i < frame.length; i++) frame[i] = past[i]! * analysis[i]!;
    process(frame);
    for (let i = 0; i < frame.length; i++) sum[i] = sum[i]! + frame[i]! * synthesis[i]!;
  }
}

/** Window weights, [length], of the period `length`. */
function frameWindow(window: FrameWindow, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => {
    // Vorbis I specification, 1.3.2
    if (window === 'vorbis') return Math.sin((Math.PI / 2) * Math.sin((Math.PI * (i + 0.5)) / length) ** 2);
    const sine = Math.sin((Math.PI * i) / length);
    return { hann: sine * sine, 'sqrt-hann': sine, rectangular: 1 }[window];
  });
}

/**
 * Creates a loop over overlapping frames, for filters that change sound.
 *
 * @throws KletError `BAD_ARGUMENT` if a setting is missing or out of range, or if the windows leave
 *   out samples
 * @example
 * ```js
 * import { createOverlapAdd, createSpectrum } from 'kinglet/audio';
 * const frames = createOverlapAdd({ frameLength: 512, hop: 256 });
 * const spectrum = createSpectrum(512);
 * const lowPass = (frame) => {
 *   spectrum.forward(frame);
 *   spectrum.re.fill(0, 100);
 *   spectrum.im.fill(0, 100);
 *   spectrum.inverse(frame);
 * };
 * const out = frames.push(new Float32Array(1000), lowPass);
 * console.log(out.length, frames.latency); // 768 256
 * ```
 */
export function createOverlapAdd(settings: OverlapSettings): OverlapAdd {
  const given = readOptions(settings, overlapSettings, 'createOverlapAdd()');
  const { frameLength, hop, window = 'sqrt-hann', overlap = 'normalized' } = given;
  checkFrameLength(frameLength);
  if (!(Number.isInteger(hop) && hop > 0 && hop <= frameLength)) {
    throw new KletError('BAD_ARGUMENT', `the hop must be a whole number from 1 to ${frameLength}, not ${show(hop)}`);
  }
  const windows = { hann: true, 'sqrt-hann': true, vorbis: true, rectangular: true };
  checkChoice(window, windows, 'window', 'createOverlapAdd()');
  checkChoice(overlap, { normalized: true, sum: true }, 'overlap', 'createOverlapAdd()');
  return new OverlapAdd(given);
}

/** @throws KletError `BAD_ARGUMENT` */
export function checkFrameLength(length: unknown): asserts length is number {
  if (Number.isInteger(length) && (length as number) > 0 && (length as number) <= MAX_FRAME &&
    (length as number) % 2 === 0)
  {
    return;
  }
  throw new KletError(
    'BAD_ARGUMENT',
    `the frame length must be an even number of samples up to ${MAX_FRAME}, not ${show(length)}`,
  );
}
