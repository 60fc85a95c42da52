import { Reference, type Comparison } from '../compare';
import type { AnyNode, Graph } from '../../graph/graph';
import { takesInt16 } from './activationBits';
import { withWeightsOf } from './fittedWeights';
import { Goal } from './goal';
import type { QuantizeOptions } from './options';
import { planQuantization } from './plan';
import { quantizeFitted, quantizePrepared, type Prepared } from './prepare';
import { referenceOf } from './reference';
import { spread, type Sequence } from './stagedRun';
import { affordableSamples } from './work';

// Finds the nodes that a network needs in float32 or with 16-bit activations, by measurements.
//
// The nodes are ranked by the error that each adds by itself. Bisection finds the fewest of the
// first ones with which the outputs reach the goal. Then each is given back if the goal is reached
// without it, and gets 16-bit activations instead of float32 if they suffice.

/** Every fourth sample decides, if there are enough. */
const DECIDING = 4;
const ENOUGH_SAMPLES = 16;
/** Samples that rank the nodes, and samples on which variants are compared. */
const RANKING = { least: 4, most: 16, work: 2e10 };
const COMPARING = { least: 32, most: 64, work: 1e11 };
/** Variants that are compared, at most, and with how many is reckoned. */
const MOST_VARIANTS = 100;
const USUAL_VARIANTS = 40;
/** Up to this many nodes are given back one by one; of more, several at once first. */
const SINGLE = 16;
/** If the goal is out of reach, more nodes must bring the outputs closer by this many decibels. */
const LEAST_GAIN = 0.5;

/** How a node is computed that is not int8. */
type Form = 'float32' | 'int16';
type Forms = ReadonlyMap<string, Form>;

/** A node that was kept automatically. */
export interface AutoKeptLayer {
  name: string;
  op: string;
  /** In float32, or quantized with 16-bit activations. */
  as: Form;
  /** What would happen with int8, in words. */
  why: string;
}

/** What `keep: 'auto'` did. */
export interface AutoKept {
  /** Whether the outputs reach the goal. */
  reached: boolean;
  layers: AutoKeptLayer[];
  /** The outputs without these layers and with them. */
  before: Comparison;
  after: Comparison;
  /** Whether the samples of these comparisons did not fit the weights. */
  isHeldOut: boolean;
}

/** A quantized network and how it was made. */
export interface Quantized {
  graph: Graph;
  prepared: Prepared;
  auto?: AutoKept;
}

type Options = Pick<QuantizeOptions, 'rounding' | 'onProgress'>;

/** The int8 network of a calibrated one, with further nodes kept if that was asked for. */
export function quantizeKept(prepared: Prepared, options: Options): Quantized {
  const found = quantizeAsked(prepared, options);
  const { graph, observations } = prepared;
  return { ...found, graph: { ...found.graph, reference: referenceOf(graph, found.graph, observations) } };
}

function quantizeAsked(prepared: Prepared, options: Options): Quantized {
  if (!prepared.auto) return { graph: quantizeFitted(prepared, options), prepared };
  const { fitting, deciding } = splitSamples(prepared.samples);
  const reduced = { ...prepared, samples: fitting };
  const search = new Search(reduced, quantizeFitted(reduced, options), deciding, options);
  try {
    return search.result(fitting !== deciding);
  } finally {
    search.dispose();
  }
}

function splitSamples(samples: readonly Sequence[]): Record<'fitting' | 'deciding', readonly Sequence[]> {
  if (samples.length < ENOUGH_SAMPLES) return { fitting: samples, deciding: samples };
  const isDeciding = (i: number): boolean => i % DECIDING === DECIDING - 1;
  return { fitting: samples.filter((_, i) => !isDeciding(i)), deciding: samples.filter((_, i) => isDeciding(i)) };
}

class Search {
  private readonly nodes: AnyNode[];
  private readonly few: Reference;
  private readonly reference: Reference;
  private goal = new Goal([]);
  private variants = 0;
  private expected: number | undefined;
  /** What the outputs miss without a node that is needed, by its name. */
  private readonly reasons = new Map<string, string>();

  constructor(
    private readonly prepared: Prepared,
    private readonly fitted: Graph,
    samples: readonly Sequence[],
    private readonly options: Options,
  ) {
    const { graph, kept, ranges } = prepared;
    const { rules } = planQuantization(graph, ranges, new Set(kept.keys()));
    this.nodes = graph.nodes.filter((node) => rules(node) !== 'float' && rules(node) !== 'same');
    this.few = new Reference(graph, spread(samples, affordableSamples(graph, this.nodes.length, RANKING)));
    this.reference = new Reference(graph, spread(samples, affordableSamples(graph, USUAL_VARIANTS, COMPARING)));
  }

  dispose(): void {
    this.few.dispose();
    this.reference.dispose();
  }

  result(isHeldOut: boolean): Quantized {
    const before = this.compare(new Map());
    this.goal = new Goal(this.reference.probabilities);
    const { forms, after: found } = this.find(before);
    const layers = this.nodes.filter(({ name }) => forms.has(name)).map(({ name, op }): AutoKeptLayer => {
      const as = forms.get(name)!;
      const narrow = as === 'int16' ? '8 bits' : 'int8';
      return { name, op, as, why: `${narrow} would ${this.reasons.get(name)}` };
    });
    const prepared = { ...this.prepared, ...this.changes(forms, new Map(layers.map(({ name, why }) => [name, why]))) };
    const { graph, after } = layers.length > 0
      ? this.refitted(prepared, forms, found)
      : { graph: this.fitted, after: found };
    const reached = this.goal.shortfall(after) === 0;
    return { graph, prepared, auto: { reached, layers, before, after, isHeldOut } };
  }

  /** The nodes to keep, and the outputs with them. */
  private find(before: Comparison): { forms: Forms; after: Comparison } {
    const nothing = { forms: new Map<string, Form>(), after: before };
    const shortfall = this.goal.shortfall(before);
    if (shortfall === 0 || this.nodes.length === 0) return nothing;
    const ranked = this.ranked();
    const kept = this.firstOf(ranked, before);
    if (kept.length === 0) return nothing;
    const after = this.compare(formsOf(kept));
    const bound = this.goal.shortfall(after);
    const given = this.givenBack(kept, after, bound);
    return this.widened(given, bound);
  }

  /** The names of the nodes, first those with the largest errors at outputs that miss the goal. */
  private ranked(): string[] {
    const { nodes, prepared: { graph, kept } } = this;
    const all = this.few.compare(this.fitted);
    const missed = all.outputs.flatMap((_, i) => (this.goal.isMissed(all, i) ? [i] : []));
    const counted = missed.length > 0 ? missed : all.outputs.map((_, i) => i);
    const names = graph.nodes.map(({ name }) => name);
    const errors = nodes.map((node, done): [name: string, error: number] => {
      this.options.onProgress?.('ranking layers', done, nodes.length);
      const others = new Map(names.filter((name) => name !== node.name).map((name) => [name, 'float32' as const]));
      const alone = this.few.compare(this.variant(others));
      return [node.name, counted.reduce((sum, i) => sum + relativeError(alone, all, i), 0)];
    });
    return errors.sort(([, a], [, b]) => b - a).map(([name]) => name).filter((name) => !kept.has(name));
  }

  /** The fewest first names with which the goal is reached, or nothing helps any more. */
  private firstOf(ranked: readonly string[], before: Comparison): string[] {
    const tried = new Map([[0, this.goal.shortfall(before)]]);
    const tryFirst = (count: number): number => {
      const shortfall = this.goal.shortfall(this.compare(formsOf(ranked.slice(0, count))));
      tried.set(count, shortfall);
      return shortfall;
    };
    let [failing, count] = [0, 1];
    while (tryFirst(count) > 0 && count < ranked.length) [failing, count] = [count, Math.min(ranked.length, 2 * count)];
    const goal = tried.get(count)! > 0 ? Math.min(...tried.values()) + LEAST_GAIN : 0;
    if (goal > 0) {
      const close = [...tried.keys()].sort((a, b) => a - b).find((size) => tried.get(size)! <= goal);
      return ranked.slice(0, close);
    }
    while (count - failing > 1) {
      const middle = (failing + count) >> 1;
      if (tryFirst(middle) > 0) failing = middle;
      else count = middle;
    }
    return ranked.slice(0, count);
  }

  /** Makes nodes int8 again, the last ones first, as long as the outputs allow it. */
  private givenBack(
    ranked: readonly string[],
    known: Comparison,
    bound: number,
  ): { kept: string[]; after: Comparison } {
    let kept = [...ranked];
    let after = known;
    const singles = ranked.length <= SINGLE ? 1 : 2 ** Math.floor(Math.log2(ranked.length / SINGLE));
    this.expected = this.variants + 3 * kept.length;
    for (let size = singles; size >= 1; size /= 2) {
      for (let end = kept.length; end > 0; end -= size) {
        const back = kept.slice(Math.max(0, end - size), end);
        if (this.variants >= MOST_VARIANTS) break;
        const rest = kept.filter((name) => !back.includes(name));
        const comparison = this.compare(formsOf(rest));
        if (this.goal.shortfall(comparison) <= bound) [kept, after] = [rest, comparison];
        else for (const name of back) this.reasons.set(name, this.goal.text(comparison));
      }
    }
    return { kept, after };
  }

  /** Gives kept nodes 16-bit activations instead of float32 where that suffices. */
  private widened(
    { kept, after: known }: { kept: readonly string[]; after: Comparison },
    bound: number,
  ): { forms: Forms; after: Comparison } {
    const { prepared } = this;
    const eligible = this.nodes.filter((node) =>
      kept.includes(node.name) && takesInt16(node) && prepared.activationBitsOf(node) !== 16
    ).map(({ name }) => name);
    let forms: Forms = formsOf(kept);
    let after = known;
    // all together, then one by one
    const choices = eligible.length > 1
      ? [eligible, ...kept.filter((name) => eligible.includes(name)).toReversed().map((name) => [name])]
      : [eligible];
    this.expected = this.variants + choices.length;
    for (const names of eligible.length > 0 ? choices : []) {
      if (this.variants >= MOST_VARIANTS) break;
      const changed = new Map([...forms, ...names.map((name) => [name, 'int16'] as const)]);
      const comparison = this.compare(changed);
      if (this.goal.shortfall(comparison) > bound) continue;
      [forms, after] = [changed, comparison];
      if (names === eligible) break;
    }
    return { forms, after };
  }

  /** The network with weights fitted again, unless the first weights are better. */
  private refitted(prepared: Prepared, forms: Forms, found: Comparison): { graph: Graph; after: Comparison } {
    const earlier = this.variant(forms);
    if (this.options.rounding === 'nearest') return { graph: earlier, after: found };
    const graph = quantizeFitted(prepared, this.options);
    const after = this.reference.compare(graph);
    return this.goal.shortfall(after) <= this.goal.shortfall(found)
      ? { graph, after }
      : { graph: earlier, after: found };
  }

  private compare(forms: Forms): Comparison {
    this.options.onProgress?.('choosing layers to keep', this.variants++, this.expected);
    return this.reference.compare(forms.size === 0 ? this.fitted : this.variant(forms));
  }

  private variant(forms: Forms): Graph {
    return withWeightsOf(quantizePrepared(this.prepared, this.changes(forms)), this.fitted);
  }

  /** What forms of nodes change in the preparation. */
  private changes(
    forms: Forms,
    reasons: ReadonlyMap<string, string> = new Map(),
  ): Pick<Prepared, 'kept' | 'activationBitsOf'> {
    const { prepared } = this;
    const floats = [...forms].filter(([, form]) => form === 'float32').map(([name]) => name);
    return {
      kept: new Map([...floats.map((name) => [name, reasons.get(name) ?? ''] as const), ...prepared.kept]),
      activationBitsOf: (node) => (forms.get(node.name) === 'int16' ? 16 : prepared.activationBitsOf(node)),
    };
  }
}

function formsOf(names: readonly string[]): Forms {
  return new Map(names.map((name) => [name, 'float32']));
}

/** The error of an output relative to that of another variant; both are positive. */
function relativeError(variant: Comparison, other: Comparison, i: number): number {
  const [a, b] = [variant.outputs[i]!, other.outputs[i]!];
  if (a.sqnr !== undefined && b.sqnr !== undefined) return 10 ** ((b.sqnr - a.sqnr) / 10);
  return (1 - (a.agreement ?? 1)) / Math.max(1 - (b.agreement ?? 1), Number.EPSILON);
}
