import { KletError } from '../../errors';
import { consumers, producers } from '../../graph/edit';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { BitsOf } from './activationBits';
import type { Situation } from './choose';
import type { Observations } from './observe';
import { ruleOf } from './rules';
import { activationQuantization, type Range } from './steps';

// What would ruin a network without a word: samples that say nothing, values that no scale can
// represent, a scale that is fixed and too coarse, and parts of one tensor with very different
// ranges.

/** What is known of a network without samples. */
type Known = Omit<Situation, 'samples'>;

/** Below this magnitude inputs count as zero. */
const NOTHING = 1e-9;
/** A node whose output has a fixed scale that leaves fewer decibels stays in float32. */
const MIN_FIXED_SQNR = 20;
/** The largest share of the samples whose best class may change by the rounding of the scores. */
const MAX_CHANGED = 0.01;
/** A part of a joined tensor keeps at least this many decibels. */
const MIN_PART_SQNR = 15;

/** The ratio of signal to error in decibels, of an error relative to signal and error together. */
export function decibels(error: number): number {
  return error === 0 ? Infinity : 10 * Math.log10((1 - error) / error);
}

/** @throws KletError `BAD_ARGUMENT` if all inputs of all samples are zero */
export function checkInputs(graph: Graph, { tensors, samples }: Observations): void {
  const inputs = graph.inputs.flatMap(({ name }) => tensors.get(name) ?? []);
  if (inputs.length === 0 || inputs.some(({ range }) => Math.max(-range[0], range[1]) > NOTHING)) return;
  const names = inputs.map(({ tensor }) => `"${tensor.name}"`).join(', ');
  throw new KletError(
    'BAD_ARGUMENT',
    `the samples say nothing: in all ${samples} of them every value of ${names} is ${
      inputs.every(({ range }) => range[0] === 0 && range[1] === 0) ? 'zero' : 'almost zero'
    }; give inputs that are typical for the network`,
  );
}

/**
 * Checks tensors that become int8.
 *
 * @throws KletError `BAD_ARGUMENT` if one has values that are not finite and make a difference
 */
export function checkFinite({ graph, observations, relevant }: Situation, tensors: Iterable<Tensor>): void {
  const made = producers(graph);
  for (const tensor of tensors) {
    const statistics = observations.tensors.get(tensor.name);
    const odd = statistics?.notFinite;
    if (!odd) continue;
    const [low, high] = relevant.get(tensor) ?? [-Infinity, Infinity];
    const isCut = odd.value < low && low > statistics.range[0] || odd.value > high && high < statistics.range[1];
    if (isCut) continue;
    const node = made.get(tensor);
    const what = Number.isNaN(odd.value) ? 'not a number' : 'infinite';
    throw new KletError(
      'BAD_ARGUMENT',
      `sample ${odd.sample + 1} makes a value of "${tensor.name}" ${what}${
        node ? `, which ${node.op} "${node.name}" computes` : ''
      }; int8 has no such values: leave out the sample, or keep the nodes around it in float32`,
    );
  }
}

/** The nodes whose fixed output scale is too coarse for the samples. */
export function lossyScales({ graph, observations }: Known, bitsOf: BitsOf): [node: AnyNode, reason: string][] {
  const found: [AnyNode, string][] = [];
  for (const node of graph.nodes) {
    const rule = ruleOf(node);
    const statistics = observations.tensors.get(node.outputs[0]!.name);
    if (typeof rule !== 'object' || operatorOf(node.op).isStateful || !statistics) continue;
    const { histogram, changedBest, lows, range } = statistics;
    const ends = [rule.scale * (-129 - rule.zeroPoint), rule.scale * (128 - rule.zeroPoint)] as const;
    // 16 bits have finer steps over the same range
    if (bitsOf(node) === 16 && range[0] >= ends[0] && range[1] <= ends[1]) continue;
    const power = histogram.power();
    const noise = histogram.noiseOf({ scale: [rule.scale], zeroPoint: [rule.zeroPoint], axis: 0 });
    const sqnr = decibels(noise / Math.max(noise + power, Number.MIN_VALUE));
    if (sqnr < MIN_FIXED_SQNR) {
      found.push([node, `its steps of ${rule.scale} leave ${sqnr.toFixed(1)} dB of its output`]);
    } else if (changedBest > MAX_CHANGED * lows.length) {
      const share = `${changedBest} of ${lows.length}`;
      found.push([node, `its steps of ${rule.scale} change the best class of ${share} samples`]);
    }
  }
  return found;
}

/** The nodes that join parts of which one would be lost in the steps of the others. */
export function lossyJoins(
  { graph, observations }: Known,
  ranges: ReadonlyMap<string, Range>,
  bitsOf: BitsOf,
): [node: AnyNode, reason: string][] {
  const readers = consumers(graph);
  const found: [AnyNode, string][] = [];
  for (const node of graph.nodes) {
    const output = node.outputs[0]!;
    if (!operatorOf(node.op).joins || bitsOf(node) === 16 || output.dtype !== 'float32' || !isShown(node, readers)) {
      continue;
    }
    const joined = activationQuantization(ranges.get(output.name) ?? [0, 0]);
    for (const part of node.inputs) {
      const statistics = part && observations.tensors.get(part.name);
      if (!statistics) continue;
      const { histogram, range } = statistics;
      const power = histogram.power();
      const noise = histogram.noiseOf(joined);
      const sqnr = decibels(noise / Math.max(noise + power, Number.MIN_VALUE));
      if (power === 0 || sqnr >= MIN_PART_SQNR) continue;
      const own = histogram.noise(range);
      if (decibels(own / (own + power)) < MIN_PART_SQNR) continue;
      const step = joined.scale[0]!.toPrecision(2);
      found.push([node, `the steps of ${step} that it would need leave ${sqnr.toFixed(1)} dB of "${part.name}"`]);
      break;
    }
  }
  return found;
}

/** Whether the output of a node reaches a result of the network or a float32 node unchanged. */
function isShown(node: AnyNode, readers: ReadonlyMap<Tensor, (AnyNode | undefined)[]>): boolean {
  return node.outputs.some((tensor) =>
    readers.get(tensor)?.some((reader) => {
      if (!reader) return true;
      const rule = ruleOf(reader);
      return rule === 'float' || (rule === 'same' && isShown(reader, readers));
    })
  );
}
