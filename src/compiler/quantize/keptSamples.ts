import type { Graph } from '../../graph/graph';
import { isTyped } from '../../runtime/typed';
import { isSequence } from '../check';
import type { Sample, Samples } from './observe';
import type { NamedInputs, Sequence } from './stagedRun';

/** At most this many samples are kept, and at most this many bytes of samples that are copied. */
const MAX_SAMPLES = 256;
const MAX_BYTES = 2 ** 27;

/** Samples for several stages. */
export interface GivenSamples {
  /** All samples, for stages that read them one by one. */
  all: Samples;
  /** All samples, or some if there are many, spread over all. */
  some: readonly Sequence[];
}

/**
 * Reads samples that stages read repeatedly. An array and any other iterable that can be read
 * repeatedly stays as it is. Of a generator, the samples are copied, and if they are too many,
 * every second one is dropped.
 */
export function givenSamples(graph: Graph, samples: Samples): GivenSamples {
  const kept = new KeptSamples(graph, !Array.isArray(samples));
  for (const sample of samples) kept.add(sample);
  return { all: isRepeatable(samples) ? samples : kept.sequences as Samples, some: kept.sequences };
}

/** Whether samples can be iterated several times, in contrast to those of a generator. */
export function isRepeatable(samples: Samples): boolean {
  return (samples[Symbol.iterator]() as unknown) !== samples;
}

class KeptSamples {
  sequences: Sequence[] = [];
  private stride = 1;
  private seen = 0;
  private bytes = 0;

  constructor(private readonly graph: Graph, private readonly copies: boolean) {}

  add(sample: Sample | readonly Sample[]): void {
    if (this.seen++ % this.stride === 0) this.keep(sample);
  }

  private keep(sample: Sample | readonly Sample[]): void {
    const sequence = (isSequence<Sample>(sample) ? sample : [sample]).map((piece) => this.named(piece));
    this.sequences.push(sequence);
    if (this.copies) this.bytes += bytesOf(sequence);
    while (this.sequences.length > MAX_SAMPLES || (this.bytes > MAX_BYTES && this.sequences.length > 1)) {
      this.stride *= 2;
      this.sequences = this.sequences.filter((_, i) => i % 2 === 0);
      this.bytes = this.copies ? this.sequences.reduce((sum, one) => sum + bytesOf(one), 0) : 0;
    }
  }

  private named(piece: Sample): NamedInputs {
    const isArray = ArrayBuffer.isView(piece) || Array.isArray(piece);
    const record = isArray ? { [this.graph.inputs[0]!.name]: piece as Float32Array } : piece as NamedInputs;
    return this.copies && areInputs(record)
      ? Object.fromEntries(Object.entries(record).map(([name, values]) => [name, values.slice() as Float32Array]))
      : record;
  }
}

/** What is no input is refused when the network runs. */
function areInputs(record: unknown): record is NamedInputs {
  return typeof record === 'object' && record !== null &&
    Object.values(record).every((values) => isTyped(values) || Array.isArray(values));
}

function bytesOf(sequence: Sequence): number {
  return sequence.filter(areInputs).reduce(
    (sum, inputs) => sum + Object.values(inputs).reduce((size, values) => size + 4 * values.length, 0),
    0,
  );
}
