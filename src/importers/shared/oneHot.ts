import type { Tensor } from '../../graph/graph';
import type { OperatorImport } from './operatorImport';

/**
 * Emits `on` at the index of each element along a new axis of `depth`, and `off` elsewhere. An
 * index out of range has no `on`.
 */
export function emitOneHot(
  operator: OperatorImport,
  indices: Tensor,
  depth: number,
  axis: number,
  [on, off]: readonly [Tensor, Tensor],
): void {
  const { output } = operator;
  const column = [depth, ...indices.shape.slice(axis).map(() => 1)];
  const classes: Tensor = {
    name: `${output.name}/classes`,
    shape: column,
    dtype: indices.dtype,
    data: Int32Array.from({ length: depth }, (_, i) => i),
  };
  const shape = indices.shape.toSpliced(axis, 0, depth);
  const spread = operator.reshaped(indices, indices.shape.toSpliced(axis, 0, 1), 'spread');
  const isOn = operator.temporary({ name: '', shape: [], dtype: 'bool' }, shape, 'is_on');
  operator.emit('compare', [spread, classes], { kind: 'equal' }, [isOn]);
  operator.emit('select', [on, off, isOn], {});
}
