import type { AnyNode } from '../../graph/graph';
import type { Range, Surroundings } from '../operator';

/** The relevant range of operators that only move and compare values: that of their output. */
export function sameRange(_node: AnyNode, _operand: number, { wanted }: Surroundings): Range {
  return wanted;
}
