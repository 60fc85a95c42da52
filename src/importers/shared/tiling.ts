import { elementCount, type Tensor } from '../../graph/graph';
import type { OperatorImport } from './operatorImport';

/**
 * Emits the repetition of each dimension of `x`, one dimension after the other: inserts a dimension
 * of 1 before it, broadcasts that and merges the two.
 */
export function emitTile(operator: OperatorImport, x: Tensor, multiples: readonly number[]): void {
  operator.check(
    multiples.length === x.shape.length && multiples.every((n) => n > 0),
    `multiples [${multiples.join(', ')}]`,
  );
  let tiled = x;
  let shape = x.shape;
  multiples.forEach((times, i) => {
    if (times === 1) return;
    const [outer, inner] = [elementCount(shape.slice(0, i)), elementCount(shape.slice(i))];
    const repeated = operator.temporary(operator.output, [outer, times, inner], `repeat_${i}`);
    operator.emit('broadcastTo', [operator.reshaped(tiled, [outer, 1, inner], `split_${i}`)], {}, [repeated]);
    tiled = repeated;
    shape = shape.with(i, shape[i]! * times);
  });
  operator.emit('reshape', [tiled], {});
}
