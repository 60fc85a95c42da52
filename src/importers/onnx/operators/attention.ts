import type { Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import { product } from '../../shared/products';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

/** Hides a key: its weight after the softmax is 0. */
const HIDDEN = -3.4028234663852886e38;

/** [B][S][heads·D] → [B][heads][S][D] */
function split(emit: NodeEmitter, x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return emit.transpose(emit.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B][heads][S][D] with each head `times` times, one after the other */
function repeated(emit: NodeEmitter, x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, heads, length, width] = x.shape as [number, number, number, number];
  const apart = emit.reshape(x, [batch, heads, 1, length, width]);
  return emit.reshape(emit.broadcastTo(apart, [batch, heads, times, length, width]), [batch, heads * times, length,
    width]);
}

/** What is added to the scores before the softmax. */
function masks(operator: OnnxOperator, queries: number, keys: number): Tensor[] {
  const { emit, attributes } = operator;
  const list: Tensor[] = [];
  const mask = operator.optional(3);
  if (mask) {
    operator.check(mask.shape.at(-1) === keys || mask.shape.at(-1) === 1, `a mask [${mask.shape.join(', ')}]`);
    const bias = mask.dtype === 'bool' ? emit.node('select', [emit.number(0), emit.number(HIDDEN), mask], {}) : mask;
    list.push(bias);
  }
  if (attributes.int('is_causal', 0) === 1) {
    operator.check(!operator.has(4), 'a causal mask over keys of the past');
    const data = Float32Array.from({ length: queries * keys }, (_, i) => i % keys > Math.floor(i / keys) ? HIDDEN : 0);
    list.push(emit.constant(data, [queries, keys], 'float32'));
  }
  return list;
}

/** softmax(Q · Kᵀ · scale + masks) · V, of operator set 23 */
const attention: Mapping = (operator) => {
  const { emit, attributes, network } = operator;
  const heads = attributes.int('q_num_heads', 0);
  const keyHeads = attributes.int('kv_num_heads', heads);
  const isFlat = operator.input(0).shape.length === 3;
  const part = (i: number, count: number): Tensor => isFlat ? split(emit, operator.input(i), count) : operator.input(i);
  const q = part(0, heads);
  const join = (past: number, x: Tensor): Tensor => operator.has(past) ? emit.concat([operator.input(past), x], 2) : x;
  const [k, v] = [join(4, part(1, keyHeads)), join(5, part(2, keyHeads))];
  const softcap = attributes.float('softcap', 0);
  const added = masks(operator, q.shape[2]!, k.shape[2]!);
  operator.check(softcap === 0 || added.length === 0, 'a soft cap and a mask');
  operator.check(!network.isRead(3), 'the scores as an output');
  const times = q.shape[1]! / k.shape[1]!;
  operator.check(Number.isInteger(times), `${q.shape[1]} heads of queries for ${k.shape[1]} of keys`);
  const scale = attributes.float('scale', 1 / Math.sqrt(q.shape[3]!));
  const keys = emit.transpose(repeated(emit, k, times), [0, 1, 3, 2]);
  let scores = product(emit, emit.binary('mul', q, scale), keys);
  for (const mask of added) scores = emit.binary('add', scores, mask);
  if (softcap !== 0) {
    scores = emit.binary('mul', emit.unary('tanh', emit.binary('mul', scores, 1 / softcap)), softcap);
  }
  const y = product(emit, emit.node('softmax', [scores], { beta: 1 }), repeated(emit, v, times));
  const [batch, count, length, width] = y.shape as [number, number, number, number];
  const result = isFlat ? emit.reshape(emit.transpose(y, [0, 2, 1, 3]), [batch, length, count * width]) : y;
  return [result, k, v];
};

/** Turns pairs of elements by the angles of their positions (RoPE), of operator set 23. */
const rotaryEmbedding: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const given = operator.input(0);
  const isFlat = given.shape.length === 3;
  const x = isFlat ? split(emit, given, attributes.int('num_heads', 1)) : given;
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  const turned = attributes.int('rotary_embedding_dim', 0) || size;
  const half = turned / 2;
  // [B][S][half], for all heads
  const angles = (i: number): Tensor => {
    const table = operator.input(i);
    const rows = operator.has(3) ? emit.node('gather', [table, operator.input(3)], { axis: 0, batchDims: 0 }) : table;
    return emit.reshape(rows, [batch, 1, length, half]);
  };
  const [cos, sin] = [angles(1), angles(2)];
  const isInterleaved = attributes.int('interleaved', 0) === 1;
  const shape = [batch, heads, length, half];
  const pick = (second: number): Tensor =>
    isInterleaved
      ? emit.slice(x, [0, 0, 0, second], shape, [1, 1, 1, 2])
      : emit.slice(x, [0, 0, 0, second * half], shape);
  const [a, b] = [pick(0), pick(1)];
  const times = (u: Tensor, w: Tensor): Tensor => emit.binary('mul', u, w);
  const real = emit.binary('sub', times(a, cos), times(b, sin));
  const imaginary = emit.binary('add', times(a, sin), times(b, cos));
  const pairs = isInterleaved ? [...shape, 1] : shape;
  const both = emit.concat([emit.reshape(real, pairs), emit.reshape(imaginary, pairs)], pairs.length - 1);
  const rotated = emit.reshape(both, [batch, heads, length, turned]);
  const rest = emit.slice(x, [0, 0, 0, turned], [batch, heads, length, size - turned]);
  const y = turned === size ? rotated : emit.concat([rotated, rest], 3);
  return isFlat ? emit.reshape(emit.transpose(y, [0, 2, 1, 3]), given.shape) : y;
};

export const attentions: Mappings = { Attention: attention, RotaryEmbedding: rotaryEmbedding };
