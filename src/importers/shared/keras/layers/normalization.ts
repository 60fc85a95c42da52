import { elementCount, type Tensor } from '../../../../graph/graph';
import type { NodeEmitter } from '../../nodeEmitter';
import { relu, softmax } from '../activations';
import type { KerasLayer, Mapping, Mappings } from '../layer';
import { alongAxes } from './layout';

/** The axes of a normalization, ascending. */
function axesOf(layer: KerasLayer, rank: number, otherwise: readonly number[] = [-1]): number[] {
  const axes = layer.config.integers('axis', otherwise).map((axis) => layer.axis(axis, rank));
  layer.check(new Set(axes).size === axes.length, `the axes ${axes.join(', ')}`);
  return axes.sort((a, b) => a - b);
}

/** (x − mean) / √(variance + epsilon) · gamma + beta, as x · factor + offset */
const batchNormalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  // Keras 1 has other modes
  layer.check(config.number('mode', 0) !== 1, 'mode 1, statistics of each sample');
  const [axis] = axesOf(layer, x.shape.length);
  const size = [x.shape[axis!]!];
  const mean = layer.weight('moving_mean', size);
  const variance = layer.weight('moving_variance', size);
  const inverse = emit.unary('rsqrt', emit.binary('add', variance, config.number('epsilon', 1e-3)));
  const factor = config.boolean('scale', true) ? emit.binary('mul', layer.weight('gamma', size), inverse) : inverse;
  const negative = emit.unary('neg', emit.binary('mul', mean, factor));
  const offset = config.boolean('center', true) ? emit.binary('add', layer.weight('beta', size), negative) : negative;
  const along = (values: Tensor): Tensor => alongAxes(emit, values, [axis!], x.shape);
  return emit.binary('add', emit.binary('mul', x, along(factor)), along(offset));
};

/** x minus its mean over `axes`, divided by √(variance + epsilon) */
function standardized(emit: NodeEmitter, x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centered = emit.binary('sub', x, emit.reduce('mean', x, axes, true));
  const variance = emit.reduce('mean', emit.unary('square', centered), axes, true);
  return emit.binary('mul', centered, emit.unary('rsqrt', emit.binary('add', variance, epsilon)));
}

/** Multiplies by gamma and adds beta, if the layer has them. */
function scaleAndCenter(layer: KerasLayer, x: Tensor, shape: readonly number[], axes: readonly number[]): Tensor {
  const { emit, config } = layer;
  let y = x;
  if (config.boolean('scale', true)) {
    y = emit.binary('mul', y, alongAxes(emit, layer.weight('gamma', shape), axes, x.shape));
  }
  if (config.boolean('center', true)) {
    y = emit.binary('add', y, alongAxes(emit, layer.weight('beta', shape), axes, x.shape));
  }
  return y;
}

const layerNormalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const axes = axesOf(layer, x.shape.length);
  const shape = axes.map((axis) => x.shape[axis]!);
  const epsilon = config.number('epsilon', 1e-3);
  if (!config.boolean('rms_scaling', false)) {
    return scaleAndCenter(layer, standardized(emit, x, axes, epsilon), shape, axes);
  }
  const y = rootMeanSquare(emit, x, axes, epsilon);
  return config.boolean('scale', true)
    ? emit.binary('mul', y, alongAxes(emit, layer.weight('gamma', shape), axes, x.shape))
    : y;
};

function rootMeanSquare(emit: NodeEmitter, x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const mean = emit.reduce('mean', emit.unary('square', x), axes, true);
  return emit.binary('mul', x, emit.unary('rsqrt', emit.binary('add', mean, epsilon)));
}

const rmsNormalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const axes = axesOf(layer, x.shape.length);
  const scale = layer.weight('scale', axes.map((axis) => x.shape[axis]!));
  return emit.binary(
    'mul',
    rootMeanSquare(emit, x, axes, config.number('epsilon', 1e-6)),
    alongAxes(emit, scale, axes, x.shape),
  );
};

/** Statistics of each group of channels over all positions */
const groupNormalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const rank = x.shape.length;
  const [axis] = axesOf(layer, rank) as [number];
  const channels = x.shape[axis]!;
  const stated = config.integers('groups', [32])[0]!;
  const groups = stated === -1 ? channels : stated;
  layer.check(axis > 0 && groups > 0 && channels % groups === 0, `${groups} groups of ${channels} channels`);
  const grouped = emit.reshape(x, x.shape.toSpliced(axis, 1, groups, channels / groups));
  const axes = Array.from({ length: rank + 1 }, (_, i) => i).filter((i) => i !== 0 && i !== axis);
  const y = emit.reshape(standardized(emit, grouped, axes, config.number('epsilon', 1e-3)), x.shape);
  return scaleAndCenter(layer, y, [channels], [axis]);
};

/** x / √max(Σ x², 1e-12) over the axes */
const unitNormalization: Mapping = (layer) => {
  const { emit } = layer;
  const x = layer.floatInput;
  const axes = axesOf(layer, x.shape.length);
  const sum = emit.reduce('sum', emit.unary('square', x), axes, true);
  return emit.binary('mul', x, emit.unary('rsqrt', emit.binary('maximum', sum, 1e-12)));
};

/** (x − mean) / max(√variance, 1e-7), with given or learned statistics */
const normalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const rank = x.shape.length;
  const axes = config.has('axis') ? axesOf(layer, rank) : [];
  layer.check(!axes.includes(0) || rank === 1, 'statistics of each item of the batch');
  const shape = axes.map((axis) => x.shape[axis]!);
  const statistic = (key: 'mean' | 'variance'): Tensor => {
    const given = config.raw(key);
    if (given === undefined) return alongAxes(emit, layer.weight(key, shape), axes, x.shape);
    const values = [given].flat(Infinity) as number[];
    if (!values.every((v) => typeof v === 'number')) throw config.malformed(key, 'numbers');
    const count = elementCount(shape);
    layer.check(values.length === 1 || values.length === count, `${values.length} numbers as ${key}`);
    const constant = emit.constant(Float32Array.from(values), [values.length], 'float32');
    return values.length === 1 ? constant : alongAxes(emit, constant, axes, x.shape);
  };
  const mean = statistic('mean');
  const deviation = emit.binary('maximum', emit.unary('sqrt', statistic('variance')), 1e-7);
  if (config.boolean('invert', false)) return emit.binary('add', emit.binary('mul', x, deviation), mean);
  const inverse = emit.binary('div', emit.number(1), deviation);
  return emit.binary('mul', emit.binary('sub', x, mean), inverse);
};

const softmaxLayer: Mapping = (layer) => {
  const x = layer.floatInput;
  layer.check(layer.inputs.length < 2, 'a mask');
  return softmax(layer, x, axesOf(layer, x.shape.length));
};

const reluLayer: Mapping = ({ emit, config, floatInput }) => {
  const maximum = config.optionalNumber('max_value');
  return relu(emit, floatInput, {
    slope: config.number('negative_slope', 0),
    ...(maximum !== undefined && { maximum }),
    threshold: config.number('threshold', 0),
  });
};

/** The slope below zero, for each position that the shared axes do not share */
const prelu: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const shared = config.has('shared_axes')
    ? config.integers('shared_axes').map((axis) => layer.axis(axis, x.shape.length))
    : [];
  const shape = x.shape.slice(1).map((size, i) => (shared.includes(i + 1) ? 1 : size));
  return emit.node('prelu', [x, layer.weight('alpha', shape)], {});
};

const leakyRelu: Mapping = ({ emit, config, floatInput }) => {
  const slope = config.optionalNumber('alpha') ?? config.number('negative_slope', 0.3);
  return emit.unary('leakyRelu', floatInput, slope);
};

export const normalizations: Mappings = {
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  BatchNormalizationV2: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: unitNormalization,
  Normalization: normalization,
  Softmax: softmaxLayer,
  ReLU: reluLayer,
  PReLU: prelu,
  LeakyReLU: leakyRelu,
  ELU: ({ emit, config, floatInput }) => emit.unary('elu', floatInput, config.number('alpha', 1)),
  ThresholdedReLU: ({ emit, config, floatInput }) =>
    emit.unary('thresholdedRelu', floatInput, config.number('theta', 1)),
};
