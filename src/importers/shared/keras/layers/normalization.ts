import { elementCount, type Tensor } from '../../../../graph/graph';
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

/** The scale and the bias of a normalization, in shapes that broadcast to x. */
function scaleAndBias(
  layer: KerasLayer,
  like: readonly number[],
  axes: readonly number[],
): [scale: Tensor | null, bias: Tensor | null] {
  const { emit, config } = layer;
  const shape = axes.map((axis) => like[axis]!);
  const along = (role: string): Tensor => alongAxes(emit, layer.weight(role, shape), axes, like);
  return [config.boolean('scale', true) ? along('gamma') : null, config.boolean('center', true) ? along('beta') : null];
}

const layerNormalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const axes = axesOf(layer, x.shape.length);
  const epsilon = config.number('epsilon', 1e-3);
  const isCentered = !config.boolean('rms_scaling', false);
  const [scale, bias] = scaleAndBias(layer, x.shape, axes);
  return emit.node('normalize', [x, scale, isCentered ? bias : null], { axes, epsilon, center: isCentered });
};

const rmsNormalization: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const axes = axesOf(layer, x.shape.length);
  const scale = alongAxes(emit, layer.weight('scale', axes.map((axis) => x.shape[axis]!)), axes, x.shape);
  return emit.node('normalize', [x, scale, null], { axes, epsilon: config.number('epsilon', 1e-6), center: false });
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
  const epsilon = config.number('epsilon', 1e-3);
  const y = emit.node('normalize', [grouped, null, null], { axes, epsilon, center: true });
  const [scale, bias] = scaleAndBias(layer, x.shape, [axis]);
  const scaled = scale ? emit.binary('mul', emit.reshape(y, x.shape), scale) : emit.reshape(y, x.shape);
  return bias ? emit.binary('add', scaled, bias) : scaled;
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
