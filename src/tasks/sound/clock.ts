import type { AudioStream } from '../../audio/index';

// When the outputs of a stream are, in seconds from its first sample.

export class Clock {
  private readonly rate: number;
  private readonly hop: number;
  /** Samples up to the end of frame 0. */
  private readonly first: number;
  /** Samples of the frames that the network sees for an output. */
  private readonly span: number;
  /** Samples from one output to the next. */
  private readonly samples: number;

  constructor({ front: { sampleRate, hop, frameLength, offset }, frames, every }: AudioStream) {
    this.rate = sampleRate;
    this.hop = hop;
    this.first = offset + frameLength;
    this.span = (frames - 1) * hop + frameLength;
    this.samples = every * hop;
  }

  /** Seconds from one output to the next. */
  get step(): number {
    return this.samples / this.rate;
  }

  /** The end of a frame. */
  end(frame: number): number {
    return Math.max(0, this.first + frame * this.hop) / this.rate;
  }

  /** The middle between output `count` − 1 of a stream and output `count`, the first being 0. */
  between(frames: number, count: number): number {
    const middle = this.first + (frames - 1) * this.hop - this.span / 2;
    return Math.max(0, middle + (count - 0.5) * this.samples) / this.rate;
  }

  /** Number of outputs in a time, at least 1. */
  outputs(seconds: number): number {
    return Math.max(1, Math.round(seconds * this.rate / this.samples));
  }
}
