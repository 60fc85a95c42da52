import type { Tensor } from '../../graph/graph';
import type { PadMode } from '../../graph/operators';
import type { OperatorImport } from './operatorImport';

/**
 * Emits padding of each dimension. Negative amounts remove elements, before the others are added.
 */
export function emitPad(
  operator: OperatorImport,
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  mode: PadMode,
  value: number,
  y = operator.output,
): void {
  const added = (amounts: readonly number[]): number[] => amounts.map((n) => Math.max(n, 0));
  const begin = before.map((n) => Math.max(-n, 0));
  const rest = x.shape.map((size, d) => size - begin[d]! - Math.max(-after[d]!, 0));
  operator.check(rest.every((size) => size > 0), `padding that leaves the shape [${rest.join(', ')}]`);
  const isCropped = rest.some((size, d) => size !== x.shape[d]);
  const isPadded = [...before, ...after].some((n) => n > 0);
  if (!isPadded && !isCropped) return operator.emit('reshape', [x], {}, [y]);
  const kept = isPadded ? operator.temporary(x, rest, 'kept') : y;
  if (isCropped) operator.emit('slice', [x], { begin, stride: rest.map(() => 1) }, [kept]);
  if (isPadded) {
    const attributes = { before: added(before), after: added(after), mode, value };
    operator.emit('pad', [isCropped ? kept : x], attributes, [y]);
  }
}

/** Pads the spatial dimensions of x [N, …sizes, C], if there is padding, in a tensor of its own. */
export function padded(
  operator: OperatorImport,
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  value = 0,
): Tensor {
  if ([...before, ...after].every((n) => n === 0)) return x;
  const front = [0, ...before, 0];
  const back = [0, ...after, 0];
  const result = operator.temporary(x, x.shape.map((size, d) => size + front[d]! + back[d]!), 'padded');
  operator.emit('pad', [x], { before: front, after: back, mode: 'constant', value }, [result]);
  return result;
}
