import { isArrayOf, show } from '../../arguments';
import { KletError } from '../../errors';

/**
 * Overlapping triangular bands over a spectrum. Band i peaks at edge i and reaches to the edges
 * beside it. The gains of bands are interpolated between edges (J.-M. Valin, "A hybrid DSP/deep
 * learning approach to real-time full-band speech enhancement", 2018, section II).
 */
export class Bands {
  readonly count: number;
  private readonly bins: readonly number[];

  /** @param edges in hertz, ascending */
  constructor(edges: unknown, sampleRate: number, fftSize: number) {
    const list = isArrayOf(edges, (edge) => typeof edge === 'number') ? edges as number[] : [];
    this.bins = list.map((hertz) => Math.round((hertz * fftSize) / sampleRate));
    this.count = this.bins.length;
    const isValid = this.bins.every((bin, i) => bin > (this.bins[i - 1] ?? -1) && bin <= fftSize / 2);
    if (isValid && this.count > 1) return;
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "bands" takes ascending edges from 0 to ${sampleRate / 2} Hz, at least ${sampleRate / fftSize} Hz `
        + `apart, not ${show(edges)}`,
    );
  }

  /** Sums a power spectrum into bands. The first and the last have one side, which counts twice. */
  energies(power: Float64Array, out: Float64Array): void {
    const { bins, count } = this;
    out.fill(0);
    for (let i = 0; i + 1 < count; i++) {
      const width = bins[i + 1]! - bins[i]!;
      for (let j = 0; j < width; j++) {
        const part = j / width;
        const value = power[bins[i]! + j]!;
        out[i] = out[i]! + (1 - part) * value;
        out[i + 1] = out[i + 1]! + part * value;
      }
    }
    out[0] = 2 * out[0]!;
    out[count - 1] = 2 * out[count - 1]!;
  }

  /** The gains of bins. Those outside the edges have the gain of the nearest edge. */
  interpolate(gains: Float32Array, out: Float64Array): void {
    const { bins, count } = this;
    out.fill(gains[0]!, 0, bins[0]);
    out.fill(gains[count - 1]!, bins[count - 1]);
    for (let i = 0; i + 1 < count; i++) {
      const width = bins[i + 1]! - bins[i]!;
      for (let j = 0; j < width; j++) {
        out[bins[i]! + j] = gains[i]! + (j / width) * (gains[i + 1]! - gains[i]!);
      }
    }
  }
}
