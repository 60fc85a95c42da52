import * as L from '../../../assembly/layout';
import { elementCount, type AnyNode, type Tensor } from '../../graph/graph';
import type { Emitter, RecordWriter } from '../emitter';
import { emitCopy } from './emit';
import { broadcastStrides, mergeDimensions } from './shapes';

/** Elements of a row from which on the step to the next row costs little. */
const LONG_ROW = 512;
/** Rows that take longer than copies of one of them. */
const MANY_ROWS = 64;

export function emitBinary(
  node: AnyNode,
  emit: Emitter,
  a: Tensor,
  b: Tensor,
  y: Tensor,
  kind: number,
  op: string,
): RecordWriter {
  const { dimensions, strides } = mergeDimensions(
    node,
    y.shape,
    broadcastStrides(a.shape, y.shape),
    broadcastStrides(b.shape, y.shape),
  );
  const left = withLongRows(node, emit, a, dimensions, strides[0]!, strides[1]!);
  const right = withLongRows(node, emit, b, dimensions, strides[1]!, strides[0]!);
  const [whole, other] = elementCount(a.shape) === elementCount(y.shape) ? [a, b] : [b, a];
  if (a.dtype === y.dtype) emit.mayReuse(y, whole, other);
  const opcode = y.dtype === 'int16' ? L.OP_WIDE_BINARY : L.OP_BINARY;
  const r = emit.record(opcode, L.BINARY_BYTES, y.dtype, node, op);
  r.source(L.BINARY_A, left);
  r.source(L.BINARY_B, right);
  r.target(L.BINARY_TARGET, y);
  r.int(L.BINARY_KIND, kind);
  r.ints(L.BINARY_DIMENSIONS, dimensions);
  r.ints(L.BINARY_A_STRIDES, strides[0]!);
  r.ints(L.BINARY_B_STRIDES, strides[1]!);
  return r;
}

/**
 * Joins short rows of the other operand to longer ones, if adjacent ones meet the same row of this
 * operand, such as the factors of the channels.
 *
 * @param mine strides of `operand`, adapted like `dimensions` and the strides of the other operand
 * @returns the operand, or a temporary with several copies of each of its rows
 */
function withLongRows(
  node: AnyNode,
  emit: Emitter,
  operand: Tensor,
  dimensions: number[],
  mine: number[],
  other: number[],
): Tensor {
  const last = L.MAX_RANK - 1;
  const rows = dimensions[last - 1]!;
  const length = dimensions[last]!;
  const isRepeated = mine[last - 1] === 0 && mine[last] === 1 && other[last - 1] === length && other[last] === 1;
  let copies = Math.floor(LONG_ROW / length);
  while (copies > 1 && rows % copies !== 0) copies--;
  if (!isRepeated || rows < MANY_ROWS || copies < 2) return operand;
  const count = elementCount(operand.shape) / length;
  const { name, dtype } = operand;
  const temporary: Tensor = { name: `${name} (copies for ${node.name})`, shape: [count, copies, length], dtype };
  emitCopy(node, emit, operand, temporary, temporary.shape, [length, 0, 1], [copies * length, length, 1]);
  dimensions[last - 1] = rows / copies;
  dimensions[last] = length * copies;
  for (let d = 0; d < last; d++) mine[d]! *= copies;
  other[last - 1] = length * copies;
  return temporary;
}
