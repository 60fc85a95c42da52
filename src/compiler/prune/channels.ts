import { consumers } from '../../graph/edit';
import { innermost, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { inputRows, type Sample } from './calibration';
import { layerOf, realWeights, shiftBias, type PrunableLayer } from './layers';

// Pruning of whole output channels. A channel is removed from its layer, from all channelwise
// operators after it, and from the inputs of the layers that read the result. A reshape keeps the
// channels innermost if the last dimension stays a multiple of their number.

/**
 * Channels per panel of the kernels. The last panel of a layer is padded if the number of channels
 * is not a multiple of this.
 */
const PANEL = 8;

/**
 * Where the channels of a layer are used: in tensors that have them as their last dimension
 * (possibly repeated), in channelwise nodes, and in layers that sum over them.
 */
interface Channels {
  carriers: Set<Tensor>;
  through: AnyNode[];
  readers: PrunableLayer[];
}

/**
 * Removes output channels of a layer. Without samples it removes the channels with the smallest
 * weights. With samples it removes those whose replacement by their mean changes the next layers
 * least (Σ |weight| · E|x − mean|), and adds the means to the biases there.
 *
 * @returns the number of removed channels, or the reason why none can be removed
 */
export function removeChannels(
  graph: Graph,
  node: AnyNode,
  sparsity: number,
  samples: readonly Sample[] | undefined,
): number | string {
  const layer = layerOf(node)!;
  const { N } = layer;
  const channels = follow(graph, node);
  const keeps = N > PANEL
    ? Math.max(PANEL, Math.round(N * (1 - sparsity) / PANEL) * PANEL)
    : Math.max(1, Math.round(N * (1 - sparsity)));
  if (typeof channels === 'string') return channels;
  if (keeps >= N) return 0;
  const effects = samples && channels.readers.map((reader) => effectOf(graph, reader, samples));
  const costs = effects ? sumEffects(channels.readers, effects, N) : magnitudes(layer);
  const stays = Array.from(costs.keys()).sort((a, b) => costs[b]! - costs[a]! || a - b).slice(0, keeps).sort((a, b) =>
    a - b
  );
  const left = new Set(stays);
  effects?.forEach(({ mean }, i) => {
    moveToBias(channels.readers[i]!, mean, (k) => !left.has(k % N));
  });
  const places = (size: number): number[] =>
    Array.from({ length: size / N }, (_, tile) => stays.map((c) => tile * N + c)).flat();
  node.inputs = node.inputs.map((
    tensor,
    i,
  ) => (i > 0 && tensor ? slice(tensor, i === 1 ? 0 : tensor.shape.length - 1, stays) : tensor));
  for (const { inputs } of channels.through) {
    inputs.forEach((tensor, i) => {
      if (tensor?.data && tensor.shape.length > 0 && innermost(tensor.shape) > 1) {
        inputs[i] = slice(tensor, tensor.shape.length - 1, places(innermost(tensor.shape)));
      }
    });
  }
  for (const { node: { inputs } } of channels.readers) {
    inputs[1] = slice(inputs[1]!, inputs[1]!.shape.length - 1, places(innermost(inputs[1]!.shape)));
  }
  for (const { shape } of channels.carriers) shape[shape.length - 1] = innermost(shape) / N * keeps;
  return N - keeps;
}

/**
 * Follows the channels of a layer to the layers that sum over them. @returns the reason if
 * something prevents pruning
 */
function follow(graph: Graph, layer: AnyNode): Channels | string {
  const y = layer.outputs[0]!;
  const N = innermost(y.shape);
  const readersOf = consumers(graph);
  const found: Channels = { carriers: new Set([y]), through: [], readers: [] };
  if (N < 2) return 'it has one channel';
  for (const node of graph.nodes) {
    const carried = node.inputs.filter((tensor) => tensor && found.carriers.has(tensor));
    if (carried.length === 0) continue;
    const reader = layerOf(node);
    const others = node.inputs.filter((tensor) => tensor && !tensor.data && !found.carriers.has(tensor));
    if (others.length > 0) return `its outputs are combined with others in ${node.op} "${node.name}"`;
    if (reader) found.readers.push(reader);
    else if (!isChannelwise(node, N)) return `${node.op} "${node.name}" does not work on each channel alone`;
    else {
      found.through.push(node);
      for (const tensor of node.outputs) found.carriers.add(tensor);
    }
  }
  for (const tensor of found.carriers) {
    if (readersOf.get(tensor)?.includes(undefined)) return 'its outputs are outputs of the network';
  }
  return found;
}

function isChannelwise(node: AnyNode, channels: number): boolean {
  const constants = node.inputs.flatMap((tensor) => (tensor?.data ? [tensor] : []));
  if (constants.length === node.inputs.length) return false;
  // constants must have one value, or one per channel
  if (constants.some(({ shape }) => shape.length > 0 && innermost(shape) > 1 && innermost(shape) % channels !== 0)) {
    return false;
  }
  const { isChannelwise: answer } = operatorOf(node.op);
  return typeof answer === 'function' ? answer(node, channels) : answer;
}

/** Σ w² of each output. */
function magnitudes(layer: PrunableLayer): Float64Array {
  const costs = new Float64Array(layer.N);
  realWeights(layer).forEach((w, i) => {
    costs[Math.floor(i / layer.K)]! += w * w;
  });
  return costs;
}

/** For each input of a layer, the mean of its activation and Σ |weight| · E|x − mean|. */
function effectOf(
  graph: Graph,
  layer: PrunableLayer,
  samples: readonly Sample[],
): { mean: Float64Array; effect: Float64Array } {
  const { N, K } = layer;
  const { count, values } = inputRows(graph, [layer], samples).get(layer.name)!;
  const weights = realWeights(layer);
  const mean = new Float64Array(K);
  const spread = new Float64Array(K);
  const size = new Float64Array(K);
  for (let i = 0; i < count * K; i++) mean[i % K]! += values[i]! / count;
  for (let i = 0; i < count * K; i++) spread[i % K]! += Math.abs(values[i]! - mean[i % K]!) / count;
  for (let i = 0; i < N * K; i++) size[i % K]! += Math.abs(weights[i]!);
  return { mean, effect: size.map((s, k) => s * spread[k]!) };
}

function sumEffects(
  readers: readonly PrunableLayer[],
  effects: readonly { effect: Float64Array }[],
  N: number,
): Float64Array {
  const costs = new Float64Array(N);
  readers.forEach(({ K }, i) => {
    for (let k = 0; k < K; k++) costs[k % N]! += effects[i]!.effect[k]!;
  });
  return costs;
}

/** Adds the mean contribution of the removed inputs to the bias. */
function moveToBias(layer: PrunableLayer, mean: Float64Array, goes: (k: number) => boolean): void {
  const { N, K } = layer;
  const weights = realWeights(layer);
  const shift = new Float64Array(N);
  for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) if (goes(k)) shift[n]! += weights[n * K + k]! * mean[k]!;
  shiftBias(layer, shift);
}

/** Selects entries of a constant along one dimension. */
function slice(tensor: Tensor, axis: number, places: readonly number[]): Tensor {
  const { shape, quantization: q } = tensor;
  const data = tensor.data!;
  const size = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = data.length / size / inner;
  const sliced = data.slice(0, outer * places.length * inner);
  for (let o = 0; o < outer; o++) {
    places.forEach((place, i) => {
      sliced.set(
        data.subarray((o * size + place) * inner, (o * size + place + 1) * inner),
        (o * places.length + i) * inner,
      );
    });
  }
  const perPlace = q && q.scale.length > 1 && q.axis === axis;
  return {
    ...tensor,
    data: sliced,
    shape: shape.with(axis, places.length),
    ...(perPlace && {
      quantization: {
        ...q,
        scale: places.map((place) => q.scale[place]!),
        zeroPoint: places.map((place) => q.zeroPoint[place] ?? 0),
      },
    }),
  };
}
