import type { Tensor } from '../../../../graph/graph';
import type { BinaryKind } from '../../../../graph/operators';
import type { NodeEmitter } from '../../nodeEmitter';
import type { KerasLayer, Mapping, Mappings } from '../layer';

/** Operands of one type: that which holds the values of all. */
export function unified(emit: NodeEmitter, tensors: readonly Tensor[]): Tensor[] {
  const order = ['bool', 'uint8', 'int8', 'int32', 'int64', 'float32'] as const;
  const type = order.findLast((dtype) => tensors.some((tensor) => tensor.dtype === dtype)) ?? 'float32';
  // the core computes on int32
  const dtype = type === 'bool' || type === 'uint8' || type === 'int8' ? 'int32' : type;
  return tensors.map((tensor) => emit.cast(tensor, dtype));
}

/** Inputs of fewer dimensions get dimensions of 1 after the batch. */
function aligned(emit: NodeEmitter, inputs: readonly Tensor[]): Tensor[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  return unified(emit, inputs).map((x) => {
    const missing = new Array<number>(rank - x.shape.length).fill(1);
    return emit.reshape(x, x.shape.toSpliced(1, 0, ...missing));
  });
}

function several(layer: KerasLayer): Tensor[] {
  const { inputs } = layer;
  layer.check(inputs.length >= 2, `${inputs.length} inputs`);
  return aligned(layer.emit, inputs);
}

function merged(kind: BinaryKind): Mapping {
  return (layer) => several(layer).reduce((a, b) => layer.emit.binary(kind, a, b));
}

const subtract: Mapping = (layer) => {
  const [a, b] = several(layer) as [Tensor, Tensor];
  layer.check(layer.inputs.length === 2, `${layer.inputs.length} inputs`);
  return layer.emit.binary('sub', a, b);
};

const average: Mapping = (layer) => {
  const { emit } = layer;
  const parts = several(layer).map((x) => emit.cast(x, 'float32'));
  return emit.binary('mul', parts.reduce((a, b) => emit.binary('add', a, b)), 1 / parts.length);
};

const concatenate: Mapping = (layer) => {
  const { emit } = layer;
  const inputs = unified(emit, layer.inputs);
  const [first] = inputs as [Tensor];
  layer.check(inputs.length > 0, 'no inputs');
  return emit.concat(inputs, layer.axis(layer.config.integers('axis', [-1])[0]!, first.shape.length));
};

/** Sums of products along one axis of each input */
const dot: Mapping = (layer) => {
  const { emit, config } = layer;
  const [a, b] = layer.inputs.map((x) => emit.cast(x, 'float32')) as [Tensor, Tensor];
  layer.check(layer.inputs.length === 2, `${layer.inputs.length} inputs`);
  const axes = config.sizes('axes', 2, undefined, -8);
  const operands = [a, b].map((x, i) => {
    const axis = layer.axis(axes[i]!, x.shape.length);
    layer.check(axis > 0, 'the axis of the batch');
    return { x: config.boolean('normalize', false) ? normalized(emit, x, axis) : x, axis };
  }) as [{ x: Tensor; axis: number }, { x: Tensor; axis: number }];
  // [B][…][K] and [B][…][K] as matrices
  const matrices = operands.map(({ x, axis }) => {
    const rest = [...x.shape.keys()].filter((d) => d !== axis && d !== 0);
    const shape = rest.map((d) => x.shape[d]!);
    const rows = shape.reduce((n, size) => n * size, 1);
    const moved = emit.transpose(x, [0, ...rest, axis]);
    return { matrix: emit.reshape(moved, [x.shape[0]!, rows, x.shape[axis]!]), shape };
  });
  const [left, right] = matrices as [typeof matrices[0], typeof matrices[0]];
  const y = emit.node('batchMatmul', [left.matrix, right.matrix], { transposeA: false, transposeB: true });
  const shape = [...left.shape, ...right.shape];
  return emit.reshape(y, [a.shape[0]!, ...(shape.length === 0 ? [1] : shape)]);
};

function normalized(emit: NodeEmitter, x: Tensor, axis: number): Tensor {
  const sum = emit.reduce('sum', emit.unary('square', x), [axis], true);
  return emit.binary('mul', x, emit.unary('rsqrt', emit.binary('maximum', sum, 1e-12)));
}

/** Merge of Keras 1 */
const merge: Mapping = (layer) => {
  const mode = layer.config.string('mode', 'sum');
  const mapping = { sum: merged('add'), mul: merged('mul'), max: merged('maximum'), ave: average }[mode];
  if (mapping) return mapping(layer);
  layer.check(mode === 'concat', `mode "${mode}"`);
  const { emit, inputs } = layer;
  return emit.concat(inputs, layer.axis(layer.config.integers('concat_axis', [-1])[0]!, inputs[0]!.shape.length));
};

export const merges: Mappings = {
  Add: merged('add'),
  Subtract: subtract,
  Multiply: merged('mul'),
  Average: average,
  Maximum: merged('maximum'),
  Minimum: merged('minimum'),
  Concatenate: concatenate,
  Dot: dot,
  Merge: merge,
};
