import type { Tensor } from '../../graph/graph';
import type { OperatorImport } from './operatorImport';

// Spatial blocks that become batch items, and back: how converters write dilated convolutions. The
// spatial dimensions are those from 1 on, as many as `blocks` has entries.

/** Refuses blocks and amounts that are not one and one pair for each spatial dimension. */
function check(operator: OperatorImport, x: Tensor, blocks: readonly number[], amounts: readonly number[]): void {
  operator.check(
    blocks.length < x.shape.length && blocks.every((block) => block > 0),
    `blocks [${blocks.join(', ')}] of the shape [${x.shape.join(', ')}]`,
  );
  operator.check(
    amounts.length === 2 * blocks.length && amounts.every((amount) => amount >= 0),
    `amounts [${amounts.join(', ')}]`,
  );
}

/** Pads the spatial dimensions, and moves each pixel of a block to a batch item of its own. */
export function emitSpaceToBatch(
  operator: OperatorImport,
  x: Tensor,
  blocks: readonly number[],
  amounts: readonly number[],
): void {
  check(operator, x, blocks, amounts);
  const spatial = blocks.length;
  const at = (side: number): number[] =>
    x.shape.map((_, axis) => (axis >= 1 && axis <= spatial ? amounts[2 * (axis - 1) + side]! : 0));
  const [before, after] = [at(0), at(1)] as const;
  const shape = x.shape.map((size, axis) => size + before[axis]! + after[axis]!);
  operator.check(
    blocks.every((block, i) => shape[i + 1]! % block === 0),
    `blocks [${blocks.join(', ')}] that do not divide the padded shape [${shape.join(', ')}]`,
  );
  let padded = x;
  if (amounts.some((amount) => amount > 0)) {
    padded = operator.temporary(x, shape, 'padded');
    operator.emit('pad', [x], { before, after, mode: 'constant', value: 0 }, [padded]);
  }
  const split = [shape[0]!, ...blocks.flatMap((block, i) => [shape[i + 1]! / block, block]),
    ...shape.slice(spatial + 1)];
  const perm = [...blocks.map((_, i) => 2 * i + 2), 0, ...blocks.map((_, i) => 2 * i + 1),
    ...shape.slice(spatial + 1).map((_, i) => 2 * spatial + 1 + i)];
  const moved = operator.temporary(x, perm.map((axis) => split[axis]!), 'moved');
  operator.emit('transpose', [operator.reshaped(padded, split, 'split')], { perm }, [moved]);
  operator.emit('reshape', [moved], {});
}

/** The inverse: moves batch items to the pixels of blocks, and crops the spatial dimensions. */
export function emitBatchToSpace(
  operator: OperatorImport,
  x: Tensor,
  blocks: readonly number[],
  amounts: readonly number[],
): void {
  check(operator, x, blocks, amounts);
  const spatial = blocks.length;
  const batch = x.shape[0]! / blocks.reduce((product, block) => product * block, 1);
  operator.check(Number.isInteger(batch), `a batch of ${x.shape[0]!} for blocks [${blocks.join(', ')}]`);
  const split = [...blocks, batch, ...x.shape.slice(1)];
  const perm = [spatial, ...blocks.flatMap((_, i) => [spatial + 1 + i, i]),
    ...x.shape.slice(spatial + 1).map((_, i) => 2 * spatial + 1 + i)];
  const moved = operator.temporary(x, perm.map((axis) => split[axis]!), 'moved');
  operator.emit('transpose', [operator.reshaped(x, split, 'split')], { perm }, [moved]);
  const shape = [batch, ...blocks.map((block, i) => x.shape[i + 1]! * block), ...x.shape.slice(spatial + 1)];
  if (amounts.every((amount) => amount === 0)) return operator.emit('reshape', [moved], {});
  const begin = shape.map((_, axis) => (axis >= 1 && axis <= spatial ? amounts[2 * (axis - 1)]! : 0));
  operator.emit('slice', [operator.reshaped(moved, shape, 'whole')], { begin, stride: shape.map(() => 1) });
}
