import type { DType, Quantization, Tensor } from '../../../graph/graph';
import { elementCount } from '../../../graph/graph';
import { sameQuantization } from '../../../ops/shared/quantized';
import type { Constant } from '../../shared/constants';
import { realNumbers } from '../../shared/storedIntegers';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import { UnsupportedForm } from '../../shared/unsupported';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { elementType } from '../tensors';

// Quantized operators become float operators between dequantize and quantize nodes. When the whole
// graph is known, `fuseQuantized` makes int8 operators of them.

/** Integers that a number is quantized to: their range, and the type that holds them. */
interface IntegerType {
  dtype: DType;
  low: number;
  high: number;
}

const integerTypes: Record<string, IntegerType> = {
  uint8: { dtype: 'uint8', low: 0, high: 255 },
  int8: { dtype: 'int8', low: -128, high: 127 },
  uint16: { dtype: 'int32', low: 0, high: 65535 },
  int16: { dtype: 'int32', low: -32768, high: 32767 },
  int32: { dtype: 'int32', low: -(2 ** 31), high: 2 ** 31 - 1 },
  uint4: { dtype: 'uint8', low: 0, high: 15 },
  int4: { dtype: 'int8', low: -8, high: 7 },
};

/** A scale and a zero point, for a tensor, a dimension, or blocks of a dimension. */
export interface Parameters {
  scale: Tensor;
  /** 0 if null. */
  zeroPoint: Tensor | null;
  axis: number;
  /** Elements along `axis` that share a scale; 0 without blocks. */
  block: number;
}

/** The operands of a quantized tensor, which are the scale at `at` and the zero point behind it. */
function parametersAt(operator: OnnxOperator, at: number, axis = 0): Parameters {
  return { scale: operator.input(at), zeroPoint: operator.optional(at + 1), axis, block: 0 };
}

/** The parameters as a quantization of the graph: constant, and one for a tensor or a dimension. */
function quantizationOf({ scale, zeroPoint, axis, block }: Parameters): Quantization | undefined {
  const isKnown = scale.data && (!zeroPoint || zeroPoint.data) && block === 0 && scale.shape.length < 2;
  if (!isKnown || scale.data!.some((s) => !(s > 0 && s < Infinity))) return undefined;
  const scales = Array.from(scale.data!);
  const zeroPoints = zeroPoint ? Array.from(zeroPoint.data!) : [0];
  return {
    scale: scales,
    zeroPoint: scales.map((_, i) => zeroPoints[zeroPoints.length === 1 ? 0 : i]!),
    axis: scales.length === 1 ? 0 : axis,
  };
}

/** A scale or zero point in a shape that broadcasts to `shape`, in float32. */
function spread(emit: NodeEmitter, values: Tensor, shape: readonly number[], { axis, block }: Parameters): Tensor {
  const floats = emit.cast(values, 'float32');
  if (elementCount(values.shape) === 1) return emit.reshape(floats, []);
  if (block === 0) return emit.reshape(floats, shape.map((d, i) => (i === axis ? d : 1)));
  const blocks = values.shape;
  const apart = emit.reshape(floats, [...blocks.slice(0, axis + 1), 1, ...blocks.slice(axis + 1)]);
  const wide = emit.broadcastTo(apart, [...blocks.slice(0, axis + 1), block, ...blocks.slice(axis + 1)]);
  const joined = emit.reshape(wide, blocks.with(axis, blocks[axis]! * block));
  return emit.slice(joined, shape.map(() => 0), shape);
}

/** round(x / scale) + zero point within the range of `type`, as whole float32 numbers. */
function steps(emit: NodeEmitter, x: Tensor, parameters: Parameters, type: IntegerType): Tensor {
  const rounded = emit.unary('round', emit.binary('div', x, spread(emit, parameters.scale, x.shape, parameters)));
  const moved = parameters.zeroPoint
    ? emit.binary('add', rounded, spread(emit, parameters.zeroPoint, x.shape, parameters))
    : rounded;
  return emit.binary('minimum', emit.binary('maximum', moved, type.low), type.high);
}

export function quantize(emit: NodeEmitter, x: Tensor, parameters: Parameters, type: IntegerType): Tensor {
  const quantization = quantizationOf(parameters);
  const isByte = type === integerTypes.int8 || type === integerTypes.uint8;
  if (quantization?.scale.length === 1 && isByte && !x.data) {
    return emit.node('quantize', [x], {}, { dtype: type.dtype, quantization });
  }
  const whole = steps(emit, x, parameters, type);
  const y = emit.cast(whole, type.dtype);
  emit.quantized.whole.set(y, whole);
  return y;
}

export function dequantize(emit: NodeEmitter, x: Tensor, parameters: Parameters): Tensor {
  const quantization = quantizationOf(parameters);
  const isByte = x.dtype === 'int8' || x.dtype === 'uint8';
  if (quantization?.scale.length === 1 && isByte && !x.data) {
    return emit.node('dequantize', [interpreted(emit, x, quantization)], {}, { dtype: 'float32' });
  }
  if (x.data && quantization) return storedConstant(emit, x as Constant, quantization);
  const floats = emit.cast(x, 'float32');
  const steps = parameters.zeroPoint
    ? emit.binary('sub', floats, spread(emit, parameters.zeroPoint, x.shape, parameters))
    : floats;
  return emit.binary('mul', steps, spread(emit, parameters.scale, x.shape, parameters));
}

/** The real numbers of a constant, whose integers are remembered. */
function storedConstant(emit: NodeEmitter, x: Constant, quantization: Quantization): Tensor {
  const integers = { ...x, quantization };
  const y = emit.constant(realNumbers(integers), x.shape, 'float32');
  emit.quantized.stored.set(y, integers);
  return y;
}

/** The stored integers of `x` with another meaning. */
function interpreted(emit: NodeEmitter, x: Tensor, quantization: Quantization): Tensor {
  const like = { ...x, quantization };
  if (sameQuantization(x, like)) return x;
  const isInput = !x.quantization && !emit.nodes.some(({ outputs }) => outputs.includes(x));
  if (isInput) {
    x.quantization = quantization;
    return x;
  }
  return emit.node('cast', [x], {}, { dtype: x.dtype, quantization });
}

/** The type that the zero point has, or the attribute `output_dtype` says. uint8 by default. */
function resultType(operator: OnnxOperator, zeroPoint: Tensor | null): IntegerType {
  const code = operator.attributes.int('output_dtype', 0);
  const name = zeroPoint ? operator.network.storedType(zeroPoint) : elementType(code || 2, operator.name).stored;
  const type = integerTypes[name];
  if (!type) throw new UnsupportedForm(`results of type ${name}`);
  return type;
}

/** Quantizes the result of an operator with the scale at `at` and the zero point behind it. */
function quantizeResult(operator: OnnxOperator, y: Tensor, at: number): Tensor {
  const parameters = parametersAt(operator, at);
  return quantize(operator.emit, y, parameters, resultType(operator, parameters.zeroPoint));
}

/** Operand `at`, dequantized with the scale at `at` + 1 and the zero point behind it. */
function dequantized(operator: OnnxOperator, at: number, axis = 0): Tensor {
  return dequantize(operator.emit, operator.input(at), parametersAt(operator, at + 1, axis));
}

/** The parameters of QuantizeLinear and DequantizeLinear for an input of this shape. */
function linearParameters(operator: OnnxOperator, shape: readonly number[]): Parameters {
  const { attributes } = operator;
  const parameters = parametersAt(operator, 1);
  const isPlain = elementCount(parameters.scale.shape) === 1;
  const axis = isPlain ? 0 : operator.axis(attributes.int('axis', 1), shape.length);
  return { ...parameters, axis, block: isPlain ? 0 : attributes.int('block_size', 0) };
}

const quantizeLinear: Mapping = (operator) => {
  const x = operator.emit.cast(operator.input(0), 'float32');
  const parameters = linearParameters(operator, x.shape);
  return quantize(operator.emit, x, parameters, resultType(operator, parameters.zeroPoint));
};

const dequantizeLinear: Mapping = (operator) => {
  const x = operator.input(0);
  return dequantize(operator.emit, x, linearParameters(operator, x.shape));
};

// ── dynamic quantization ────────────────────────────────────────────────────────────────────────────

/** Quantizes to uint8 by the range of the whole tensor, widened to contain 0. */
function dynamicQuantize(emit: NodeEmitter, x: Tensor): { q: Tensor; scale: Tensor; zeroPoint: Tensor } {
  const axes = x.shape.map((_, i) => i);
  const low = emit.binary('minimum', emit.reduce('min', x, axes, false), 0);
  const high = emit.binary('maximum', emit.reduce('max', x, axes, false), 0);
  const range = emit.binary('div', emit.binary('sub', high, low), 255);
  // a tensor of zeros has the scale 1
  const isEmpty = emit.node('compare', [range, emit.number(0)], { kind: 'equal' }, { dtype: 'bool' });
  const scale = emit.node('select', [emit.number(1), range, isEmpty], {});
  const limited = (y: Tensor): Tensor => emit.binary('minimum', emit.binary('maximum', y, 0), 255);
  const zero = emit.unary('round', limited(emit.binary('div', emit.unary('neg', low), scale)));
  const whole = limited(emit.binary('add', emit.unary('round', emit.binary('div', x, scale)), zero));
  const q = emit.cast(whole, 'uint8');
  const zeroPoint = emit.cast(zero, 'uint8');
  emit.quantized.whole.set(q, whole);
  emit.quantized.whole.set(zeroPoint, zero);
  emit.quantized.dynamic.set(whole, { x, scale, zero });
  return { q, scale, zeroPoint };
}

const dynamicQuantizeLinear: Mapping = ({ emit, inputs: [x] }) => {
  const { q, scale, zeroPoint } = dynamicQuantize(emit, x!);
  return [q, scale, zeroPoint];
};

/** The integers of `x` minus their zero point, in float32. */
function centered(emit: NodeEmitter, x: Tensor, zeroPoint: Tensor | null, axis: number): Tensor {
  const shape = zeroPoint?.shape ?? [];
  const one = emit.constant(new Float32Array(elementCount(shape)).fill(1), shape, 'float32');
  const parameters = { scale: one, zeroPoint, axis, block: 0 };
  if (x.data) return dequantize(emit, x, parameters);
  const whole = emit.cast(x, 'float32');
  const y = zeroPoint ? emit.binary('sub', whole, spread(emit, zeroPoint, x.shape, parameters)) : whole;
  const dynamic = emit.quantized.dynamic.get(whole);
  if (dynamic && dynamic.zero === (zeroPoint && emit.cast(zeroPoint, 'float32'))) emit.quantized.steps.set(y, dynamic);
  const known = x.quantization;
  const zero = zeroPoint ? zeroPoint.data?.[0] : 0;
  if (known?.scale.length === 1 && zero === known.zeroPoint[0]) {
    emit.quantized.steps.set(y, { x, scale: emit.number(known.scale[0]!) });
  }
  return y;
}

/** Runs the float operator of this kind on other operands. */
function asFloat(
  operator: OnnxOperator,
  kind: string,
  operands: (Tensor | null)[],
  version = operator.version,
): Tensor {
  return [operator.network.map(kind, operator, operands, version)].flat()[0]!;
}

/** A product of integers as int32. Its sums are exact up to 2^24. */
function integerProduct(kind: string, weightsAxis: (rank: number) => number): Mapping {
  return (operator) => {
    const { emit } = operator;
    const [a, b] = [operator.input(0), operator.input(1)];
    const left = centered(emit, a, operator.optional(2), Math.max(a.shape.length - 2, 0));
    const right = centered(emit, b, operator.optional(3), weightsAxis(b.shape.length));
    const whole = asFloat(operator, kind, [left, right]);
    const y = emit.cast(whole, 'int32');
    emit.quantized.whole.set(y, whole);
    return y;
  };
}

const lastAxis = (rank: number): number => Math.max(rank - 1, 0);

/** A float product of integers with scales, and a bias. */
function scaledProduct(
  operator: OnnxOperator,
  a: { q: Tensor; scale: Tensor; zeroPoint: Tensor | null },
  b: { q: Tensor; scale: Tensor; zeroPoint: Tensor | null },
  bias: Tensor | null,
): Tensor {
  const { emit } = operator;
  const left = centered(emit, a.q, a.zeroPoint, 0);
  const right = centered(emit, b.q, b.zeroPoint, lastAxis(b.q.shape.length));
  const product = asFloat(operator, 'MatMul', [left, right]);
  const y = emit.binary('mul', product, emit.binary('mul', a.scale, b.scale));
  return bias ? emit.binary('add', y, bias) : y;
}

const matMulIntegerToFloat: Mapping = (operator) =>
  scaledProduct(operator, { q: operator.input(0), scale: operator.input(2), zeroPoint: operator.optional(4) }, {
    q: operator.input(1),
    scale: operator.input(3),
    zeroPoint: operator.optional(5),
  }, operator.optional(6));

const dynamicQuantizeMatMul: Mapping = (operator) =>
  scaledProduct(operator, dynamicQuantize(operator.emit, operator.input(0)), {
    q: operator.input(1),
    scale: operator.input(2),
    zeroPoint: operator.optional(3),
  }, operator.optional(4));

// ── operators with quantized operands ───────────────────────────────────────────────────────────────

/** x, its parameters, w, its parameters, those of y, and an int32 bias in units of both scales */
function qLinearConv(kind: string, weightsAxis: number): Mapping {
  return (operator) => {
    const { emit } = operator;
    const [x, w] = [dequantized(operator, 0), dequantized(operator, 3, weightsAxis)];
    const bias = operator.has(8)
      ? dequantizedBias(emit, operator.input(8), operator.input(1), operator.input(4))
      : null;
    return quantizeResult(operator, asFloat(operator, kind, [x, w, bias]), 6);
  };
}

/** An int32 bias in units of the scale of the input times that of the weights. */
function dequantizedBias(emit: NodeEmitter, bias: Tensor, x: Tensor, w: Tensor): Tensor {
  const unit = emit.binary('mul', emit.reshape(x, []), w);
  return dequantize(emit, bias, { scale: unit, zeroPoint: null, axis: Math.max(bias.shape.length - 1, 0), block: 0 });
}

const qLinearMatMul: Mapping = (operator) => {
  const [a, b] = [operator.input(0), operator.input(3)];
  const left = dequantized(operator, 0, Math.max(a.shape.length - 2, 0));
  const right = dequantized(operator, 3, lastAxis(b.shape.length));
  return quantizeResult(operator, asFloat(operator, 'MatMul', [left, right]), 6);
};

/** The result of a QGemm without a scale is float. */
const qGemm: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [a, b] = [dequantized(operator, 0), dequantized(operator, 3, attributes.int('transB', 0) === 1 ? 0 : 1)];
  // alpha also scales C
  const alpha = attributes.float('alpha', 1);
  const scaled = (x: Tensor): Tensor => (alpha === 1 ? x : emit.binary('mul', x, alpha));
  const c = operator.has(6)
    ? scaled(dequantizedBias(emit, operator.input(6), operator.input(1), operator.input(4)))
    : null;
  const y = asFloat(operator, 'Gemm', [a, b, c]);
  return operator.has(7) ? quantizeResult(operator, y, 7) : y;
};

/** An operator of one operand: x, its parameters and those of y. */
function unary(kind: string, version = 17): Mapping {
  return (operator) => quantizeResult(operator, asFloat(operator, kind, [dequantized(operator, 0)], version), 3);
}

function binary(kind: string): Mapping {
  return (operator) =>
    quantizeResult(operator, asFloat(operator, kind, [dequantized(operator, 0), dequantized(operator, 3)]), 6);
}

/** A pool, of images [N][H][W][C] with `channels_last`. */
function pool(kind: string): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const x = dequantized(operator, 0);
    if (attributes.int('channels_last', 0) === 0) return quantizeResult(operator, asFloat(operator, kind, [x]), 3);
    const { length } = x.shape;
    const order = x.shape.map((_, i) => i);
    const y = asFloat(operator, kind, [emit.transpose(x, [0, length - 1, ...order.slice(1, -1)])]);
    return quantizeResult(operator, emit.transpose(y, [0, ...order.slice(2), 1]), 3);
  };
}

/** The parameters of y, and each part with its parameters. */
const qLinearConcat: Mapping = (operator) => {
  const parts = Array.from({ length: (operator.inputCount - 2) / 3 }, (_, i) => dequantized(operator, 2 + 3 * i));
  return quantizeResult(operator, asFloat(operator, 'Concat', parts), 0);
};

const qLinearWhere: Mapping = (operator) =>
  quantizeResult(
    operator,
    asFloat(operator, 'Where', [operator.input(0), dequantized(operator, 1), dequantized(operator, 4)]),
    7,
  );

export const quantized: Mappings = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  QLinearConv: qLinearConv('Conv', 0),
  QLinearMatMul: qLinearMatMul,
  ConvInteger: integerProduct('Conv', () => 0),
  MatMulInteger: integerProduct('MatMul', lastAxis),
};

/** Quantized operators of the domain com.microsoft. */
export const microsoftQuantized: Mappings = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  MatMulIntegerToFloat: matMulIntegerToFloat,
  DynamicQuantizeMatMul: dynamicQuantizeMatMul,
  QGemm: qGemm,
  QLinearConv: qLinearConv('Conv', 0),
  QLinearConvTranspose: qLinearConv('ConvTranspose', 1),
  QLinearAdd: binary('Add'),
  QLinearMul: binary('Mul'),
  QLinearSigmoid: unary('Sigmoid'),
  QLinearLeakyRelu: unary('LeakyRelu'),
  QLinearReduceMean: unary('ReduceMean'),
  QLinearSoftmax: (operator) => unary('Softmax', operator.attributes.int('opset', 13))(operator),
  QLinearGlobalAveragePool: pool('GlobalAveragePool'),
  QLinearAveragePool: pool('AveragePool'),
  QLinearConcat: qLinearConcat,
  QLinearWhere: qLinearWhere,
};
