import type { Graph } from '../../graph/graph';
import { isSequence, type Sample, type Samples } from './observe';
import type { NamedInputs, Sequence } from './stagedRun';

/** At most this many samples are kept, and at most this many bytes of samples that are copied. */
const MAX_SAMPLES = 256;
const MAX_BYTES = 2 ** 27;

/**
 * Keeps samples that are used once, for later stages. If there are too many, every second one is
 * dropped, so that those that remain are spread over all.
 */
export class KeptSamples {
  private kept: Sequence[] = [];
  private stride = 1;
  private seen = 0;
  private bytes = 0;

  constructor(private readonly graph: Graph) {}

  get sequences(): readonly Sequence[] {
    return this.kept;
  }

  /** The same samples; they are kept as they pass. */
  *passing(samples: Samples): Generator<Sample | readonly Sample[]> {
    // the caller of a generator may reuse its arrays
    const copies = !Array.isArray(samples);
    for (const sample of samples) {
      yield sample;
      if (this.seen++ % this.stride === 0) this.keep(sample, copies);
    }
  }

  private keep(sample: Sample | readonly Sample[], copies: boolean): void {
    const sequence = (isSequence(sample) ? sample : [sample]).map((piece) => this.named(piece, copies));
    this.kept.push(sequence);
    if (copies) this.bytes += bytesOf(sequence);
    while (this.kept.length > MAX_SAMPLES || (this.bytes > MAX_BYTES && this.kept.length > 1)) {
      this.stride *= 2;
      this.kept = this.kept.filter((_, i) => i % 2 === 0);
      this.bytes = copies ? this.kept.reduce((sum, one) => sum + bytesOf(one), 0) : 0;
    }
  }

  private named(piece: Sample, copies: boolean): NamedInputs {
    const isArray = ArrayBuffer.isView(piece) || Array.isArray(piece);
    const record = isArray ? { [this.graph.inputs[0]!.name]: piece as Float32Array } : piece as NamedInputs;
    return copies
      ? Object.fromEntries(Object.entries(record).map(([name, values]) => [name, values.slice() as Float32Array]))
      : record;
  }
}

function bytesOf(sequence: Sequence): number {
  return sequence.reduce(
    (sum, inputs) => sum + Object.values(inputs).reduce((size, values) => size + 4 * values.length, 0),
    0,
  );
}
