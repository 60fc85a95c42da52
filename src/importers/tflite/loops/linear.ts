import { dequantizeConstant, stackRows, type Constant } from '../../shared/constants';
import { sliceRange } from '../../shared/slicing';
import type { Body } from './body';

/** One product of a layer: weights [n][K] by the input, the hidden state, or another tensor. */
interface Product {
  of: number;
  weights: Constant;
  isAsymmetric: boolean;
}

/** A sum of products with weights and of biases [n]. */
export interface Linear {
  width: number;
  products: Product[];
  biases: Float32Array[];
}

/** Rows `begin` to `end` of constants. */
function rows(constant: Constant, begin: number, end: number): Constant {
  const [count = 1, ...rest] = constant.shape;
  const size = constant.data.length / count;
  const { scale = [], zeroPoint = [], axis = 0 } = constant.quantization ?? {};
  const part = (list: number[]): number[] => (list.length > 1 ? list.slice(begin, end) : list);
  return {
    ...constant,
    shape: [end - begin, ...rest],
    data: constant.data.slice(begin * size, end * size),
    ...(constant.quantization && { quantization: { scale: part(scale), zeroPoint: part(zeroPoint), axis } }),
  };
}

function columnsOf(linear: Linear, begin: number, end: number): Linear {
  return {
    width: end - begin,
    products: linear.products.map((product) => ({ ...product, weights: rows(product.weights, begin, end) })),
    biases: linear.biases.map((bias) => bias.slice(begin, end)),
  };
}

/** Where a tensor is some columns of another: that tensor and the columns. */
function columns(body: Body, index: number): { of: number; begin: number; end: number } | undefined {
  const producer = body.find(index, 'SPLIT', 'SPLIT_V', 'STRIDED_SLICE', 'SLICE');
  if (!producer) return undefined;
  const { inputs, outputs } = producer.source;
  const width = body.shape(index).at(-1) ?? 0;
  const integers = (i: number): number[] => body.integers(inputs[i] ?? -1) ?? [NaN];
  if (producer.kind === 'SPLIT' || producer.kind === 'SPLIT_V') {
    const isV = producer.kind === 'SPLIT_V';
    const [axis] = integers(isV ? 2 : 0);
    if (axis !== 1 && axis !== -1) throw body.mismatch(index, 'a split of its gates');
    const before = outputs.slice(0, outputs.indexOf(index));
    const begin = before.reduce((sum, part) => sum + (body.shape(part).at(-1) ?? 0), 0);
    return { of: inputs[isV ? 0 : 1] ?? -1, begin, end: begin + width };
  }
  const of = inputs[0] ?? -1;
  const begins = integers(1);
  if (producer.kind === 'SLICE') return { of, begin: begins[1] ?? NaN, end: (begins[1] ?? NaN) + width };
  const [ends, strides] = [integers(2), integers(3)];
  const { beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = body.options('STRIDED_SLICE', producer);
  const isPlain = ellipsisMask + newAxisMask + shrinkAxisMask === 0 && strides[0] === 1 && strides[1] === 1;
  if (!isPlain || begins.length !== 2 || ends.length !== 2) throw body.mismatch(index, 'a split of its gates');
  const { begin, count } = sliceRange(
    body.shape(of).at(-1) ?? 0,
    beginMask & 2 ? null : begins[1]!,
    endMask & 2 ? null : ends[1]!,
    1,
  );
  return { of, begin, end: begin + count };
}

/** A bias of `width` elements, whose shape may have dimensions of 1 before the last. */
function biasOf(body: Body, index: number, width: number): Float32Array | undefined {
  const constant = body.constant(index);
  const length = constant?.shape.at(-1) ?? 1;
  if (!constant || constant.data.length !== length || (length !== width && length !== 1)) return undefined;
  const { data } = dequantizeConstant(constant);
  return Float32Array.from({ length: width }, (_, i) => data![length === 1 ? 0 : i]!);
}

/**
 * A tensor of the body as a sum of products and biases, or a mismatch. `ofActivated` allows a fused
 * activation in the last operator, which the caller then applies.
 */
export function linear(body: Body, index: number, ofActivated = false): Linear {
  const part = columns(body, index);
  if (part) {
    const whole = linear(body, part.of);
    if (!(part.begin >= 0 && part.end <= whole.width)) throw body.mismatch(index, 'a split of its gates');
    return columnsOf(whole, part.begin, part.end);
  }
  const product = body.find(index, 'FULLY_CONNECTED');
  if (product) return fullyConnected(body, index, ofActivated);
  const [a = -1, b = -1] = body.inputsOf(index, 'FULLY_CONNECTED', 'ADD');
  if (!ofActivated && !body.isUnfused(index)) throw body.mismatch(index, 'no fused activation');
  for (const [sum, addend] of [[a, b], [b, a]] as const) {
    if (!body.constant(addend)) continue;
    const rest = linear(body, sum);
    const bias = biasOf(body, addend, rest.width);
    if (!bias) throw body.mismatch(index, `a bias of ${rest.width} numbers`);
    return { ...rest, biases: [...rest.biases, bias] };
  }
  const [p, q] = [linear(body, a), linear(body, b)];
  if (p.width !== q.width) throw body.mismatch(index, 'a sum of equal widths');
  return { width: p.width, products: [...p.products, ...q.products], biases: [...p.biases, ...q.biases] };
}

function fullyConnected(body: Body, index: number, ofActivated: boolean): Linear {
  const producer = body.find(index, 'FULLY_CONNECTED')!;
  const options = body.options('FULLY_CONNECTED', producer);
  const [x = -1, w = -1, b = -1] = producer.source.inputs;
  const weights = body.constant(w);
  const isKnown = weights?.shape.length === 2 && (weights.dtype === 'float32' || weights.dtype === 'int8');
  if (!isKnown || options.weightsFormat !== 0 || (options.fusedActivationFunction !== 0 && !ofActivated)) {
    throw body.mismatch(index, 'a product with constant float32 or int8 weights');
  }
  const width = weights.shape[0]!;
  const bias = b < 0 ? undefined : biasOf(body, b, width);
  if (b >= 0 && (!bias || body.constant(b)?.data.length !== width)) {
    throw body.mismatch(index, `a bias of ${width} numbers`);
  }
  return {
    width,
    products: [{ of: body.plain(x), weights, isAsymmetric: options.asymmetricQuantizeInputs }],
    biases: bias ? [bias] : [],
  };
}

/** Weights of a layer and how it multiplies int8 ones. */
export interface Matrices {
  w: Constant;
  u: Constant;
  hybrid?: 'symmetric' | 'asymmetric';
}

/**
 * The weights of all gates. A layer multiplies int8 weights as TensorFlow Lite does if all gates of
 * both matrices have them, with one scale each; otherwise they become float32.
 */
export function matricesOf(inputs: Product[], hidden: Product[], name: string): Matrices {
  const all = [...inputs, ...hidden];
  const isHybrid = all.every(({ weights, isAsymmetric }) =>
    weights.dtype === 'int8' && isAsymmetric === all[0]!.isAsymmetric && isUniform(weights)
  );
  const stack = (products: Product[], suffix: string): Constant =>
    stackRows(
      products.map(({ weights }) => (isHybrid ? weights : dequantizeConstant(weights) as Constant)),
      `${name}/${suffix}`,
    );
  return {
    w: stack(inputs, 'weights'),
    u: stack(hidden, 'recurrent'),
    ...(isHybrid && { hybrid: all[0]!.isAsymmetric ? 'asymmetric' : 'symmetric' }),
  };
}

function isUniform({ quantization }: Constant): boolean {
  if (!quantization) return false;
  const { scale, zeroPoint } = quantization;
  return scale.every((s) => s === scale[0]) && zeroPoint.every((z) => z === 0);
}
