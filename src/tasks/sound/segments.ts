// From scores to segments: smoothing around each output, and the joining of outputs into segments.

/** Smooths a sequence by the mean or median of `size` (odd) values around each. */
export class Smoother {
  private readonly ring: Float64Array;
  private received = 0;
  private made = 0;

  constructor(size: number, private readonly filter: 'median' | 'mean') {
    this.ring = new Float64Array(size);
  }

  push(value: number, onValue: (value: number) => void): void {
    const { ring } = this;
    ring[this.received++ % ring.length] = value;
    if (this.received > (ring.length - 1) / 2) onValue(this.next());
  }

  /** The values whose window reaches beyond the end. */
  end(onValue: (value: number) => void): void {
    while (this.made < this.received) onValue(this.next());
    this.received = this.made = 0;
  }

  private next(): number {
    const { ring, received } = this;
    const reach = (ring.length - 1) / 2;
    const first = Math.max(0, this.made - reach);
    const last = Math.min(received - 1, this.made + reach);
    this.made++;
    const count = last - first + 1;
    const window = Float64Array.from({ length: count }, (_, i) => ring[(first + i) % ring.length]!);
    if (this.filter === 'mean') return window.reduce((sum, value) => sum + value, 0) / count;
    window.sort();
    return (window[(count - 1) >> 1]! + window[count >> 1]!) / 2;
  }
}

/** A segment in steps: the first step, the step after the last, and the highest value. */
export interface StepSegment {
  start: number;
  end: number;
  peak: number;
}

export interface SegmenterRules {
  /** A segment has values of at least `offset`, one of them at least `onset`. */
  onset: number;
  offset: number;
  /** Steps. Segments closer than `minGap` are joined, then those below `minLength` left out. */
  minGap: number;
  minLength: number;
}

/** Joins the values of one class into segments by a double threshold. */
export class Segmenter {
  private step = 0;
  /** The run of values of at least `offset` that has not ended. */
  private run: StepSegment | undefined;
  /** A segment that the next one may be joined to. */
  private waiting: StepSegment | undefined;

  constructor(private readonly rules: SegmenterRules) {}

  push(value: number, onSegment: (segment: StepSegment) => void): void {
    const { offset, minGap } = this.rules;
    const at = this.step++;
    if (value >= offset) {
      this.run ??= { start: at, end: at, peak: value };
      this.run.peak = Math.max(this.run.peak, value);
    } else if (this.run) {
      this.close(at, onSegment);
    }
    // the next run begins here at the earliest, if none has begun
    const next = this.run?.start ?? this.step;
    if (this.waiting && next - this.waiting.end >= minGap) this.release(onSegment);
  }

  end(onSegment: (segment: StepSegment) => void): void {
    if (this.run) this.close(this.step, onSegment);
    this.release(onSegment);
    this.step = 0;
  }

  /** Ends the run before step `at`. */
  private close(at: number, onSegment: (segment: StepSegment) => void): void {
    const { onset, minGap } = this.rules;
    const run = this.run!;
    this.run = undefined;
    if (run.peak < onset) return;
    run.end = at;
    if (this.waiting && run.start - this.waiting.end < minGap) {
      this.waiting = { start: this.waiting.start, end: at, peak: Math.max(run.peak, this.waiting.peak) };
    } else {
      this.release(onSegment);
      this.waiting = run;
    }
  }

  private release(onSegment: (segment: StepSegment) => void): void {
    const segment = this.waiting;
    this.waiting = undefined;
    if (segment && segment.end - segment.start >= this.rules.minLength) onSegment(segment);
  }
}
