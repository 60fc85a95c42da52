import type { Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import { product } from '../../shared/products';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { microsoftQuantized } from './quantized';

// Operators of ONNX Runtime's own domain com.microsoft, which its optimizer and transformer tools
// write. Source: docs/ContribOperators.md of ONNX Runtime.

const biasGelu: Mapping = ({ emit, inputs: [x, bias] }) => emit.unary('gelu', emit.binary('add', x!, bias!));

const fastGelu: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  return emit.unary('geluTanh', operator.has(1) ? emit.binary('add', x, operator.input(1)) : x);
};

/** x · logistic(alpha · x) */
const quickGelu: Mapping = ({ emit, inputs: [x], attributes }) => {
  const alpha = attributes.float('alpha', 1.702);
  return emit.binary('mul', x!, emit.unary('logistic', alpha === 1 ? x! : emit.binary('mul', x!, alpha)));
};

// ── fused operators ─────────────────────────────────────────────────────────────────────────────────

/** The activation that a layer has fused, with the parameters of the operator of this name. */
function activated(operator: OnnxOperator, y: Tensor, parameters: readonly number[]): Tensor {
  const { emit, attributes } = operator;
  const kind = attributes.string('activation', '');
  const [first, second] = parameters;
  switch (kind) {
    case '':
      return y;
    case 'Relu':
      return emit.unary('relu', y);
    case 'Tanh':
      return emit.unary('tanh', y);
    case 'Sigmoid':
      return emit.unary('logistic', y);
    case 'LeakyRelu':
      return emit.unary('leakyRelu', y, first ?? 0.01);
    case 'HardSigmoid':
      return emit.unary('hardSigmoid', y, first ?? 0.2, second ?? 0.5);
    case 'HardSwish':
      return emit.unary('hardSwish', y);
    case 'Clip':
      return emit.binary('minimum', emit.binary('maximum', y, first ?? -Infinity), second ?? Infinity);
    default:
      operator.check(false, `the activation ${kind}`);
      return y;
  }
}

/** Runs the operator of this kind on its first `count` operands. */
function base(operator: OnnxOperator, kind: string, count: number): Tensor {
  return [operator.network.map(kind, operator, operator.operands.slice(0, count), 17)].flat()[0]!;
}

/** A convolution, to which a fourth operand is added before the activation. */
const fusedConv: Mapping = (operator) => {
  const y = base(operator, 'Conv', 3);
  const sum = operator.has(3) ? operator.emit.binary('add', y, operator.input(3)) : y;
  return activated(operator, sum, operator.attributes.floats('activation_params') ?? []);
};

const fusedGemm: Mapping = (operator) => {
  const { attributes } = operator;
  const parameters = ['activation_alpha', 'activation_beta'].filter((name) => attributes.has(name)).map((name) =>
    attributes.float(name, 0)
  );
  return activated(operator, base(operator, 'Gemm', 3), parameters);
};

/** alpha · A · B, with the last two dimensions of either in the other order. */
const fusedMatMul: Mapping = (operator) => {
  const { emit, attributes, inputs } = operator;
  operator.check(
    ['transBatchA', 'transBatchB'].every((name) => attributes.int(name, 0) === 0),
    'a batch that is not the first dimension',
  );
  const [a, b] = inputs.map((x, i) => {
    const { length } = x.shape;
    const isTurned = attributes.int(i === 0 ? 'transA' : 'transB', 0) === 1 && length > 1;
    const order = x.shape.map((_, d) => d);
    return isTurned ? emit.transpose(x, [...order.slice(0, -2), length - 1, length - 2]) : x;
  });
  const alpha = attributes.float('alpha', 1);
  const y = product(emit, a!, b!);
  return alpha === 1 ? y : emit.binary('mul', y, alpha);
};

/** Normalizes the sum of two tensors and a bias. The sum is the fourth output. */
function skipNormalization(kind: string, biasAt: number): Mapping {
  return (operator) => {
    const { emit, attributes, network } = operator;
    const sums = emit.binary('add', operator.input(0), operator.input(1));
    const sum = operator.has(biasAt) ? emit.binary('add', sums, operator.input(biasAt)) : sums;
    const parameters = operator.operands.slice(2, biasAt);
    const changed = attributes.with('epsilon', attributes.float('epsilon', 1e-12));
    const [y, mean, deviation] = [network.map(kind, operator, [sum, ...parameters], 17, changed)].flat();
    return [y, mean, deviation, sum] as Tensor[];
  };
}

/** An operator that ONNX has under the same name. */
function asOnnx(kind: string): Mapping {
  return (operator) => operator.network.map(kind, operator, operator.operands, 17);
}

// ── attention ───────────────────────────────────────────────────────────────────────────────────────

/** [B][T][heads · size] → [B][heads][T][size] */
function apart(emit: NodeEmitter, x: Tensor, heads: number): Tensor {
  const [batch, steps, size] = x.shape as [number, number, number];
  return emit.transpose(emit.reshape(x, [batch, steps, heads, size / heads]), [0, 2, 1, 3]);
}

/** The mixture of the heads of q, k and v [B][T][heads · size], with what is added to scores. */
function attention(operator: OnnxOperator, q: Tensor, k: Tensor, v: Tensor, added: readonly Tensor[]): Tensor {
  const { emit, attributes } = operator;
  const heads = attributes.int('num_heads', 1);
  operator.check([q, k, v].every(({ shape }) => shape[2]! % heads === 0), `${heads} heads of another size`);
  const scale = attributes.float('scale', 0) || 1 / Math.sqrt(q.shape[2]! / heads);
  const [queries, keys, values] = [q, k, v].map((x) => apart(emit, x, heads)) as [Tensor, Tensor, Tensor];
  const scores = emit.node('batchMatmul', [queries, keys], { transposeA: false, transposeB: true });
  const sums = added.reduce((sum, x) => emit.binary('add', sum, x), emit.binary('mul', scores, scale));
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  const isCausal = attributes.int('unidirectional', 0) === 1;
  const visible = isCausal ? emit.binary('add', sums, futureMask(emit, rows, columns)) : sums;
  const weights = emit.node('softmax', [visible], { beta: 1 });
  const mixed = emit.node('batchMatmul', [weights, values], { transposeA: false, transposeB: false });
  return emit.reshape(emit.transpose(mixed, [0, 2, 1, 3]), [q.shape[0]!, rows, v.shape[2]!]);
}

/** A large negative number for steps after the step of the row, which is one of the last. */
function futureMask(emit: NodeEmitter, rows: number, columns: number): Tensor {
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++) {
    if (i % columns > Math.floor(i / columns) + columns - rows) data[i] = -1e30;
  }
  return emit.constant(data, [rows, columns], 'float32');
}

/** What a mask [B][T] of ones adds to scores [B][heads][T'][T] where it is 0. */
function paddingMask(operator: OnnxOperator, at: number): Tensor[] {
  if (!operator.has(at)) return [];
  const { emit, attributes } = operator;
  const mask = operator.input(at);
  operator.check(mask.shape.length === 2, `a mask of ${mask.shape.length} dimensions`);
  const far = emit.binary('sub', emit.number(1), emit.cast(mask, 'float32'));
  const added = emit.binary('mul', far, attributes.float('mask_filter_value', -10000));
  return [emit.reshape(added, [mask.shape[0]!, 1, 1, mask.shape[1]!])];
}

/** One product with weights makes queries, keys and values. */
const selfAttention: Mapping = (operator) => {
  const { emit, attributes } = operator;
  operator.check(!operator.has(4) && attributes.int('do_rotary', 0) === 0, 'past states or rotations');
  const joined = product(emit, operator.input(0), operator.input(1));
  const all = operator.has(2) ? emit.binary('add', joined, operator.input(2)) : joined;
  const third = all.shape[2]! / 3;
  const sizes = attributes.ints('qkv_hidden_sizes') ?? [third, third, third];
  const [q, k, v] = emit.split(all, 2, sizes) as [Tensor, Tensor, Tensor];
  const bias = operator.has(5) ? [operator.input(5)] : [];
  return [attention(operator, q, k, v, [...paddingMask(operator, 3), ...bias])];
};

const multiHeadAttention: Mapping = (operator) => {
  const { emit } = operator;
  operator.check(!operator.has(6) && !operator.has(7), 'past states');
  const operands = [0, 1, 2].map((i) => operator.optional(i));
  operator.check(operands.every((x) => x?.shape.length === 3), 'packed queries, keys or values');
  const parts = operands as Tensor[];
  const biases = operator.has(3) ? emit.split(operator.input(3), 0, parts.map(({ shape }) => shape[2]!)) : [];
  const [q, k, v] = parts.map((x, i) => (biases[i] ? emit.binary('add', x, biases[i]) : x)) as [Tensor, Tensor, Tensor];
  const bias = operator.has(5) ? [operator.input(5)] : [];
  return [attention(operator, q, k, v, [...paddingMask(operator, 4), ...bias])];
};

export const microsoft: Mappings = {
  ...microsoftQuantized,
  Gelu: ({ emit, inputs: [x] }) => emit.unary('gelu', x!),
  FastGelu: fastGelu,
  BiasGelu: biasGelu,
  QuickGelu: quickGelu,
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  FusedMatMul: fusedMatMul,
  LayerNormalization: asOnnx('LayerNormalization'),
  SimplifiedLayerNormalization: asOnnx('SimplifiedLayerNormalization'),
  SkipLayerNormalization: skipNormalization('LayerNormalization', 4),
  SkipSimplifiedLayerNormalization: skipNormalization('SimplifiedLayerNormalization', 3),
  Attention: selfAttention,
  MultiHeadAttention: multiHeadAttention,
};
