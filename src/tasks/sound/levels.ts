import type { AudioFeatures } from '../../audio/index';

/**
 * Loudness of a signal at its frames: the root mean square of the `hop` samples up to the end of a
 * frame. It depends on the samples alone, not on the pieces in which they come.
 */
export class Levels {
  private readonly ring: Float64Array;
  private readonly hop: number;
  /** Samples up to the end of frame 0. */
  private readonly first: number;
  private received = 0;
  private energy = 0;

  constructor({ hop, frameLength, offset, parameters }: AudioFeatures) {
    this.hop = hop;
    this.first = offset + frameLength;
    // a frame is ready at most fftSize samples after its end
    this.ring = new Float64Array(2 * Math.ceil(parameters.fftSize / hop) + 2);
  }

  push(samples: Float32Array): void {
    const { ring, hop } = this;
    for (const x of samples) {
      this.energy += x * x;
      const frame = (++this.received - this.first) / hop;
      if (!Number.isInteger(frame)) continue;
      if (frame >= 0) ring[frame % ring.length] = Math.sqrt(this.energy / hop);
      this.energy = 0;
    }
  }

  /** The level at a frame that has just become ready. */
  at(frame: number): number {
    return this.ring[frame % this.ring.length]!;
  }

  /** Completes the levels of frames that end after the last sample. */
  end(): void {
    this.push(new Float32Array((this.ring.length / 2) * this.hop));
  }

  reset(): void {
    this.received = this.energy = 0;
    this.ring.fill(0);
  }
}
