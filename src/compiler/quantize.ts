import { checkOptions, type Options } from '../arguments';
import { KletError } from '../errors';
import { cloneGraph, tensorsOf } from '../graph/edit';
import { elementCount, entriesOf, perTensor, type AnyNode, type Graph, type Quantization,
  type Tensor } from '../graph/graph';
import { operatorOf } from '../ops/index';
import { dequantizeNode, quantizeNode } from '../ops/nodes';
import type { QuantizationRule } from '../ops/operator';
import { quantizedBias, leastScale } from '../ops/shared/bias';
import { floatStates, rangeStates, quantizedStates, type FloatStates, type Range } from './quantizeStates';
import { f32, roundAway } from '../ops/shared/rounding';
import { loadSync } from './runtime';
import { checkGiven, checkGraph, checkSamples } from './check';
import { compile } from './compile';
import { dropDead } from './passes/dropDead';
import { fuseActivation } from './passes/fuseActivation';

/** One input, or several by name. */
type Sample = Float32Array | Record<string, Float32Array>;

export interface QuantizeOptions {
  /**
   * Typical inputs; the ranges of their activations determine the scales. A few hundred are usual.
   * A network with state is reset before each sample, so its samples should be arrays of
   * consecutive inputs.
   */
  samples: Iterable<Sample | readonly Sample[]>;
  /** Keep inputs and outputs float32 (default false: int8 with scale and zero point). */
  floatIo?: boolean;
}

const quantizeOptions = { samples: 'object', floatIo: 'boolean' } satisfies Options<QuantizeOptions>;

/**
 * Post-training quantization of a float32 network to int8: activations per tensor by their minimum
 * and maximum over the samples (asymmetric), weights per output channel (symmetric), biases int32
 * (Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference", 2018).
 *
 * @returns a new graph; the given one is not changed
 * @throws KletError `BAD_ARGUMENT` without samples, `UNSUPPORTED_TYPE` for a network that is not
 *   float32
 */
export function quantize(graph: Graph, options: QuantizeOptions): Graph {
  checkGiven(graph, 'quantize()');
  checkOptions(options, quantizeOptions, 'quantize()');
  checkSamples(options.samples, 'quantize()');
  const work = cloneGraph(graph);
  const foreign = tensorsOf(work).find((tensor) => tensor.dtype === 'int8' || tensor.dtype === 'uint8');
  if (foreign) {
    throw new KletError(
      'UNSUPPORTED_TYPE',
      `"${graph.name}" is already quantized ("${foreign.name}" is ${foreign.dtype}); quantize() takes float32 networks`,
    );
  }
  dropDead(work);
  fuseActivation(work);
  checkGraph(work, 'fuseActivation');
  const cellRanges = new Map<string, number>();
  const ranges = calibrate(work, options.samples, cellRanges);
  const kept = floatStates(work, ruleOf);
  const rules = (node: AnyNode): QuantizationRule => (kept.movers.has(node) ? 'float' : ruleOf(node));
  const chosen = chooseQuantization(work, ranges, kept, rules);
  const result = rewrite(work, chosen, ranges, rules, cellRanges, options.floatIo ?? false);
  checkGraph(result, 'quantize()');
  return result;
}

/** Distinguishes a sequence of samples from one input that is given as an array of numbers. */
function isSequence(sample: Sample | readonly Sample[]): sample is readonly Sample[] {
  return Array.isArray(sample) && typeof sample[0] === 'object';
}

/** Minimum and maximum of every float tensor over the samples. */
function calibrate(
  graph: Graph,
  samples: QuantizeOptions['samples'],
  cellRanges: Map<string, number>,
): Map<string, Range> {
  const observed = tensorsOf(graph).filter((tensor) => tensor.dtype === 'float32' && !tensor.data);
  const watched = cloneGraph(graph);
  const byName = new Map(tensorsOf(watched).map((tensor) => [tensor.name, tensor]));
  watched.outputs = observed.map((tensor) => byName.get(tensor.name)!);
  const model = loadSync(compile(watched, { debugInfo: false }));
  const ranges = new Map<string, Range>();
  let count = 0;
  for (const sample of samples) {
    count++;
    model.reset();
    for (const piece of isSequence(sample) ? sample : [sample]) see(piece);
  }
  model.dispose();
  if (count === 0) {
    throw new KletError('BAD_ARGUMENT', 'quantize() needs samples: inputs that are typical for the network');
  }
  return ranges;

  function see(sample: Sample): void {
    const values = observed.length === 1
      ? { [model.outputs[0]!.name]: model.predict(sample) }
      : (model.predict(sample) as Record<string, Float32Array>);
    observed.forEach((tensor, i) => {
      const range = ranges.get(tensor.name) ?? [0, 0];
      for (const value of values[model.outputs[i]!.name]!) {
        if (value < range[0]) range[0] = value;
        if (value > range[1]) range[1] = value;
      }
      ranges.set(tensor.name, range);
    });
    for (const node of graph.nodes) {
      const { int8 } = operatorOf(node.op);
      if (!int8?.observe) continue;
      const x = values[model.outputs[observed.findIndex((tensor) => tensor === node.inputs[0])]!.name]!;
      cellRanges.set(node.name, Math.max(cellRanges.get(node.name) ?? 0, int8.observe(node, x)));
    }
  }
}

/** Asymmetric int8 over a range that includes zero, which is represented exactly. */
function activationQuantization([low, high]: Range): Quantization {
  const scale = f32(Math.max(high - low, 1e-8) / 255);
  return { scale: [scale], zeroPoint: [Math.max(-128, Math.min(127, roundAway(-128 - low / scale)))], axis: 0 };
}

function ruleOf(node: AnyNode): QuantizationRule {
  const { quantization: rule } = operatorOf(node.op);
  return typeof rule === 'function' ? rule(node) : rule;
}

/** Scale and zero point of every tensor that becomes int8. */
function chooseQuantization(
  graph: Graph,
  ranges: Map<string, Range>,
  kept: FloatStates,
  rules: typeof ruleOf,
): Map<Tensor, Quantization> {
  const chosen = rangeStates(graph, ranges, rules);
  for (const value of kept.values) chosen.delete(value);
  const byRange = (tensor: Tensor): Quantization => activationQuantization(ranges.get(tensor.name) ?? [0, 0]);
  for (const tensor of entriesOf(graph)) {
    if (tensor.dtype === 'float32' && !chosen.has(tensor) && !kept.values.has(tensor)) {
      chosen.set(tensor, byRange(tensor));
    }
  }
  for (const node of graph.nodes) {
    const rule = rules(node);
    const source = node.inputs[0];
    for (const tensor of node.outputs) {
      if (tensor.dtype !== 'float32' || rule === 'float') continue;
      if (rule === 'same') chosen.set(tensor, (source && chosen.get(source)) ?? byRange(tensor));
      else if (rule === 'weights' || rule === 'free') chosen.set(tensor, byRange(tensor));
      else chosen.set(tensor, { scale: [rule.scale], zeroPoint: [rule.zeroPoint], axis: 0 });
    }
  }
  return chosen;
}

function rewrite(
  graph: Graph,
  chosen: Map<Tensor, Quantization>,
  ranges: Map<string, Range>,
  rules: typeof ruleOf,
  cellRanges: Map<string, number>,
  floatIo: boolean,
): Graph {
  const twins = new Map<Tensor, Tensor>();
  const converted = new Map<Tensor, Tensor>();
  const nodes: AnyNode[] = [];
  const twin = (tensor: Tensor): Tensor => {
    const quantization = chosen.get(tensor);
    if (!quantization) return tensor;
    const made = twins.get(tensor) ?? { ...tensor, dtype: 'int8' as const, quantization };
    twins.set(tensor, made);
    return made;
  };
  const toInt8 = (from: Tensor, to: Tensor): void => {
    nodes.push(quantizeNode(from, to, `${to.name} (quantize)`));
  };
  const toFloat = (from: Tensor, to: Tensor): void => {
    nodes.push(dequantizeNode(from, to, `${to.name} (dequantize)`));
  };
  /** The dequantized tensor, for operators that stay in float32. */
  const asFloat = (tensor: Tensor): Tensor => {
    if (!chosen.has(tensor)) return tensor;
    const made = converted.get(tensor) ?? { ...tensor, name: `${tensor.name} (float32)` };
    if (!converted.has(tensor)) toFloat(twin(tensor), made);
    converted.set(tensor, made);
    return made;
  };
  /** The int8 tensor, for operators that are quantized. */
  const asInt8 = (tensor: Tensor): Tensor => {
    if (chosen.has(tensor) || tensor.data || tensor.dtype !== 'float32') return twin(tensor);
    const made = converted.get(tensor) ??
      {
        ...tensor,
        name: `${tensor.name} (int8)`,
        dtype: 'int8' as const,
        quantization: activationQuantization(ranges.get(tensor.name) ?? [0, 0]),
      };
    if (!converted.has(tensor)) toInt8(tensor, made);
    converted.set(tensor, made);
    return made;
  };
  const inputs = graph.inputs.map((tensor) => {
    const inside = twin(tensor);
    if (!floatIo || inside === tensor) return inside;
    const outside: Tensor = { ...tensor };
    inside.name = `${tensor.name} (int8)`;
    toInt8(outside, inside);
    return outside;
  });
  for (const node of graph.nodes) {
    const rule = rules(node);
    const { int8 } = operatorOf(node.op);
    if (int8 && rule !== 'float') {
      const made = int8.convert(node, asInt8(node.inputs[0]!), twin(node.outputs[0]!), cellRanges.get(node.name));
      nodes.push({ ...made, outputs: node.outputs.map(twin) } as AnyNode);
      continue;
    }
    const inputs = node.inputs.map((tensor, i) =>
      tensor && (rule === 'float' ? asFloat(tensor) : quantizedInput(node, tensor, i, rule, asInt8))
    );
    nodes.push({ ...node, inputs, outputs: node.outputs.map(twin) });
  }
  const outputs = graph.outputs.map((tensor) => {
    const inside = twin(tensor);
    if (!floatIo || inside === tensor) return inside;
    const outside: Tensor = { ...tensor };
    inside.name = `${tensor.name} (int8)`;
    toFloat(inside, outside);
    return outside;
  });
  const states = quantizedStates(graph.states ?? [], twin, intoSteps, toInt8, asFloat);
  return {
    name: graph.name,
    inputs,
    outputs,
    nodes,
    ...(states.length > 0 && { states }),
    ...(graph.carries && { carries: true }),
  };
}

function quantizedInput(
  node: AnyNode,
  tensor: Tensor,
  index: number,
  rule: QuantizationRule,
  twin: (tensor: Tensor) => Tensor,
): Tensor {
  if (!tensor.data || tensor.dtype !== 'float32') return twin(tensor);
  if (operatorOf(node.op).keepsConstants) return tensor;
  if (rule === 'weights' && (index === 1 || index === 2)) {
    const [x, w, bias] = node.inputs as [Tensor, Tensor, Tensor | null | undefined];
    const step = perTensor(twin(x)).scale;
    const weights = quantizedWeights(node, w, bias, step);
    return index === 1 ? weights : quantizedBias(tensor, weights, step);
  }
  const values = tensor.data as Float32Array;
  const range: Range = [0, 0];
  for (const value of values) {
    range[0] = Math.min(range[0], value);
    range[1] = Math.max(range[1], value);
  }
  const quantization = activationQuantization(range);
  return { ...tensor, dtype: 'int8', quantization, data: intoSteps(values, quantization) };
}

function intoSteps(values: Float32Array, { scale, zeroPoint }: Quantization): Int8Array {
  return Int8Array.from(values, (v) => Math.max(-128, Math.min(127, roundAway(v / scale[0]!) + zeroPoint[0]!)));
}

/**
 * Symmetric int8 weights per output channel, which is the last dimension of depthwise weights and
 * the first of all others. The scale is large enough for the bias to fit in int32.
 */
function quantizedWeights(node: AnyNode, tensor: Tensor, bias: Tensor | null | undefined, step: number): Tensor {
  const axis = operatorOf(node.op).weights?.outputAxis === 'last' ? tensor.shape.length - 1 : 0;
  const channels = tensor.shape[axis]!;
  const values = tensor.data as Float32Array;
  const inner = elementCount(tensor.shape.slice(axis + 1));
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const largest = new Float64Array(channels);
  values.forEach((v, i) => {
    largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, Math.abs(v));
  });
  const K = values.length / channels;
  const scale = Array.from(
    largest,
    (m, c) => f32(Math.max((m || 1) / 127, leastScale(Number(bias?.data?.[c] ?? 0), step, K))),
  );
  return {
    ...tensor,
    dtype: 'int8',
    quantization: { scale, zeroPoint: scale.map(() => 0), axis },
    data: Int8Array.from(values, (v, i) => Math.max(-127, Math.min(127, roundAway(v / scale[channelOf(i)]!)))),
  };
}
