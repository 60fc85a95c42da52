import { show } from '../arguments';
import { KletError } from '../errors';
import { samplesOf } from './checks';

/**
 * Half-width of the filter in samples of the lower rate, and table entries per sample.
 */
const REACH = 32;
/** Table entries per sample of the lower rate. */
const FINENESS = 256;
/**
 * Cutoff as a fraction of the lower rate's Nyquist frequency, and the Kaiser window's shape for 80
 * dB. The passband ends at 0.84, the stopband begins at 1.
 */
const PASS = 0.92;
const BETA = 7.857;
const BLOCK = 128;

/** Called for every block. The array is reused for the next block. */
export type OnBlock = (samples: Float32Array) => void;

/**
 * Changes the sample rate of a stream with a windowed sinc filter (J. O. Smith, "Digital Audio
 * Resampling
 * Home Page"). The output is not delayed: output sample n is the signal at time n / `to`; the
 * signal is silent before the first and after the last sample.
 */
export class Resampler {
  private readonly table: Float64Array;
  private readonly reach: number;
  private readonly scale: number;
  private readonly ring: Float64Array;
  private readonly block = new Float32Array(BLOCK);
  private received = 0;
  private made = 0;
  private filled = 0;

  /** @throws KletError `BAD_ARGUMENT` if the rates differ by a factor above 1000 */
  constructor(readonly from: number, readonly to: number) {
    if (!(from > 0 && to > 0 && from / to <= 1000 && to / from <= 1000)) {
      throw new KletError('BAD_ARGUMENT', `cannot resample from ${from} to ${to} samples per second`);
    }
    // in input samples; downsampling stretches the sinc
    const stretch = Math.max(1, from / to);
    this.reach = REACH * stretch;
    this.scale = FINENESS / stretch;
    this.table = kernel(Math.min(1, to / from));
    this.ring = new Float64Array(2 * Math.ceil(this.reach) + 2);
  }

  /** Takes the next samples and calls `onBlock` for every 128 output samples. */
  push(samples: Float32Array, onBlock: OnBlock): void {
    const { ring } = this;
    for (let i = 0; i < samples.length; i++) {
      ring[this.received++ % ring.length] = samples[i]!;
      while ((this.made * this.from) / this.to + this.reach < this.received) this.make(onBlock);
    }
  }

  /**
   * Ends the stream: emits the remaining output samples as if silence followed. The last block may
   * be shorter.
   */
  end(onBlock: OnBlock): void {
    const length = this.received;
    const total = Math.ceil((length * this.to) / this.from);
    const silence = new Float32Array(1);
    while (this.made < total) {
      this.push(silence, (block) => {
        if (this.made <= total) onBlock(block);
      });
    }
    if (this.filled > 0) onBlock(this.block.subarray(0, this.filled - (this.made - total)));
    this.received = this.made = this.filled = 0;
  }

  private make(onBlock: OnBlock): void {
    const { ring, table, scale, reach, received } = this;
    const centre = (this.made++ * this.from) / this.to;
    const first = Math.max(0, Math.ceil(centre - reach), received - ring.length);
    const last = Math.min(received - 1, Math.floor(centre + reach));
    let sum = 0;
    for (let t = first; t <= last; t++) {
      const at = Math.abs(t - centre) * scale;
      const k = Math.floor(at);
      const part = at - k;
      sum += ring[t % ring.length]! * (table[k]! + part * (table[k + 1]! - table[k]!));
    }
    this.block[this.filled++] = sum;
    if (this.filled === BLOCK) {
      this.filled = 0;
      onBlock(this.block);
    }
  }
}

/**
 * One half of the windowed sinc, with `FINENESS` entries per sample of the lower rate; `gain` is 1
 * / stretch.
 */
function kernel(gain: number): Float64Array {
  const size = REACH * FINENESS;
  return Float64Array.from({ length: size + 2 }, (_, i) => {
    const x = i / FINENESS;
    const angle = Math.PI * PASS * x;
    const window = i > size ? 0 : bessel(BETA * Math.sqrt(1 - (i / size) ** 2)) / bessel(BETA);
    return gain * PASS * (i === 0 ? 1 : Math.sin(angle) / angle) * window;
  });
}

/** Modified Bessel function I0, from its power series. */
function bessel(x: number): number {
  let sum = 1;
  for (let term = 1, k = 1; term > sum * 1e-17; k++) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

/**
 * Resamples a whole recording.
 *
 * @param samples at the rate `from`
 * @param from sample rate of `samples` in Hz
 * @param to sample rate of the result in Hz
 * @returns ⌈length · to / from⌉ samples; `samples` itself if the rates are equal
 * @throws KletError `BAD_ARGUMENT` if the rates differ by a factor above 1000
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  const given = samplesOf(samples);
  for (const rate of [from, to]) {
    if (!(Number.isFinite(rate) && rate > 0)) {
      throw new KletError('BAD_ARGUMENT', `cannot resample from ${show(from)} to ${show(to)} samples per second`);
    }
  }
  if (from === to) return samples;
  const resampler = new Resampler(from, to);
  const out = new Float32Array(Math.ceil((given.length * to) / from));
  let at = 0;
  const keep: OnBlock = (block) => {
    out.set(block.subarray(0, out.length - at), at);
    at = Math.min(out.length, at + block.length);
  };
  resampler.push(given, keep);
  resampler.end(keep);
  return out;
}
