import { elementCount, innermost, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { roundAway } from '../../ops/shared/rounding';

/**
 * Weights that can go: those of a convolution or fully connected layer, or one of the two matrices
 * of a recurrent layer.
 */
export interface PrunableLayer {
  node: AnyNode;
  name: string;
  /** Outputs, products of each, and pixels of a filter. */
  N: number;
  K: number;
  taps: number;
  /** Output pixels (or rows) of one picture, steps of a recurrent layer. */
  pixels: number;
  /** Outputs of one gate, with each of which blocks begin anew; N where there are no gates. */
  lanes: number;
  /** Which operands of the node its weights and bias are. */
  weightsAt: number;
  biasAt: number;
  /** Whose rows meet the weights, where a run shows them. */
  seen?: Tensor;
}

/** A layer whose only sums are those of its weights. */
export interface WeightedLayer extends PrunableLayer {
  node: AnyNode & { op: 'conv2d' | 'fullyConnected' };
}

/** Layers of one group whose weights are constant. */
export function weightedLayers(graph: Graph): WeightedLayer[] {
  return graph.nodes.flatMap((node) => layerOf(node) ?? []);
}

/**
 * Those with an even number of channels where a filter has several pixels, and matrices of
 * recurrent layers: what there are kernels for.
 */
export function prunableLayers(graph: Graph): PrunableLayer[] {
  return graph.nodes.flatMap((node): PrunableLayer[] => {
    const layer = layerOf(node);
    return layer ? (layer.taps === 1 || (layer.K / layer.taps) % 2 === 0 ? [layer] : []) : matricesOf(node);
  });
}

export function isWeighted(layer: PrunableLayer): layer is WeightedLayer {
  return layer.node.op === 'conv2d' || layer.node.op === 'fullyConnected';
}

/** Of a recurrent layer with constant weights, those of the input and those of the hidden state. */
function matricesOf(node: AnyNode): PrunableLayer[] {
  if ((node.op !== 'lstm' && node.op !== 'gru' && node.op !== 'rnn') ||
    node.inputs.some((tensor, i) => i > 0 && tensor && !tensor.data)) return [];
  const [x, w, u] = node.inputs as [Tensor, Tensor, Tensor];
  const y = node.outputs[0]!;
  const [N, inputs] = w.shape as [number, number];
  const outputs = u.shape[1]!;
  const steps = elementCount(x.shape) / inputs;
  const pictures = x.shape.length === 2 ? steps : x.shape[node.attributes.timeMajor ? 1 : 0]!;
  const hasNorm = node.op === 'lstm' && Boolean(node.inputs[7]);
  const common = { node, N, taps: 1, lanes: node.op === 'lstm' && node.inputs[5] ? node.inputs[5].shape[1]! : outputs };
  // a norm takes means away, and where the reset gate comes first one gate sees another product
  // than the others; a first step's state is nothing
  const seesState = !hasNorm && (node.op !== 'gru' || node.attributes.resetAfter) && steps > pictures;
  return [{
    ...common,
    name: `${node.name}/input`,
    K: inputs,
    pixels: steps,
    weightsAt: 1,
    biasAt: 3,
    ...(!hasNorm && { seen: x }),
  }, {
    ...common,
    name: `${node.name}/recurrent`,
    K: outputs,
    pixels: steps - pictures,
    weightsAt: 2,
    biasAt: node.op === 'gru' ? 4 : 3,
    ...(seesState && { seen: y }),
  }];
}

export function layerOf(node: AnyNode): WeightedLayer | undefined {
  if (node.op !== 'conv2d' && node.op !== 'fullyConnected') return undefined;
  const tensor = node.inputs[1];
  const bias = node.inputs[2];
  const groups = node.op === 'conv2d' ? node.attributes.groups : 1;
  if (!tensor?.data || (bias && !bias.data) || groups !== 1) return undefined;
  const shape = tensor.shape;
  const N = shape[0]!;
  const K = elementCount(shape.slice(1));
  const out = node.outputs[0]!.shape;
  return {
    node,
    name: node.name,
    N,
    K,
    taps: K / innermost(shape),
    pixels: node.op === 'conv2d' ? out[1]! * out[2]! : out[0]!,
    lanes: N,
    weightsAt: 1,
    biasAt: 2,
    seen: node.inputs[0]!,
  };
}

/** The scale and zero point of weight n; floats are what they are. */
function stepOf({ quantization }: Tensor, n: number): { scale: number; zero: number } {
  if (!quantization) return { scale: 1, zero: 0 };
  const i = quantization.scale.length === 1 ? 0 : n;
  return { scale: quantization.scale[i]!, zero: quantization.zeroPoint[i] ?? 0 };
}

/** Real values of the weights, [N][K]. */
export function realWeights({ node, N, K, weightsAt }: PrunableLayer): Float64Array {
  const tensor = node.inputs[weightsAt]!;
  const real = new Float64Array(N * K);
  for (let n = 0; n < N; n++) {
    const { scale, zero } = stepOf(tensor, n);
    for (let k = n * K; k < (n + 1) * K; k++) real[k] = scale * (tensor.data![k]! - zero);
  }
  return real;
}

/**
 * Gives the layer new weights, real values [N][K] in the steps that it has; what the mask (1:
 * stays) leaves out becomes its zero.
 */
export function replaceWeights({ node, N, K, weightsAt }: PrunableLayer, real: Float64Array, mask: Uint8Array): void {
  const tensor = node.inputs[weightsAt]!;
  const data = tensor.data!.slice();
  const [low, high] = data instanceof Uint8Array ? [0, 255] : [-128, 127];
  for (let n = 0; n < N; n++) {
    const { scale, zero } = stepOf(tensor, n);
    for (let k = n * K; k < (n + 1) * K; k++) {
      data[k] = mask[k] === 0
        ? zero
        : data instanceof Float32Array
        ? real[k]!
        : Math.max(low, Math.min(high, roundAway(real[k]! / scale) + zero));
    }
  }
  node.inputs[weightsAt] = { ...tensor, data };
}

/** Adds real values [N] to the bias, which the layer may not have had. */
export function shiftBias({ node, name: layer, N, biasAt }: PrunableLayer, shift: Float64Array): void {
  // a bias counts in steps of the input's products, but the second one of a gru
  const [x, weights] = (biasAt === 4 ? [node.outputs[0], node.inputs[2]] : node.inputs) as [Tensor, Tensor];
  const bias = node.inputs[biasAt];
  const known = bias?.data;
  const name = `${layer} (bias)`;
  const base = bias ?? { name, shape: [N], dtype: x.dtype === 'float32' ? 'float32' as const : 'int32' as const };
  const data = x.dtype === 'float32' ?
    Float32Array.from(shift, (s, n) => (known?.[n] ?? 0) + s)
    : Int32Array.from(shift, (s, n) =>
      (known?.[n] ?? 0) + roundAway(s / (x.quantization!.scale[0]! * stepOf(weights, n).scale)));
  while (node.inputs.length < biasAt) node.inputs.push(null);
  node.inputs[biasAt] = { ...base, data };
}
