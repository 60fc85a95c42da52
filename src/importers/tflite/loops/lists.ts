import type { Body, Position, Scope } from './body';
import { kindOf, Mismatch } from './body';

// The outputs of a loop's steps: a list of TensorFlow, or a tensor whose element is replaced by
// slices before and after it, which a converter makes of a list for built-in operators.

/** The tensor that a step puts into a list, and whether the list has only that of the last step. */
export interface OutputList {
  value: number;
  isLast: boolean;
}

type IsStep = (position: Position | undefined, offset?: number) => boolean;

/** The list that an input of the body is, if it is one. */
export function listOf(body: Body, slot: number, isStep: IsStep): OutputList | undefined {
  const list = body.scope.inputs[slot]!;
  const after = body.scope.outputs[slot]!;
  const set = body.find(after, 'TensorListSetItem');
  if (!set) return replaced(body, list, withoutCast(body, after), isStep);
  const [into, at = -1, value = -1] = set.source.inputs;
  const position = body.position(at);
  if (into !== list || !position) throw body.mismatch(after, 'its list of outputs');
  return { value, isLast: isLastOnly(body, after, position, isStep) };
}

/** Whether every step puts its output at the same place, the first, or at its own. */
function isLastOnly(body: Body, after: number, position: Position, isStep: IsStep): boolean {
  const isLast = position.counter === undefined && position.offset === 0;
  if (!isLast && !isStep(position)) throw body.mismatch(after, 'an output for each step');
  return isLast;
}

/** A tensor without the casts to its own type that stand where a size is open. */
function withoutCast(body: Body, index: number): number {
  const cast = body.find(index, 'CAST');
  if (!cast) return index;
  const { inDataType, outDataType } = body.options('CAST', cast);
  return inDataType === outDataType ? cast.source.inputs[0] ?? -1 : index;
}

/** list[:at] + [value] + list[at + 1:] */
function replaced(body: Body, list: number, index: number, isStep: IsStep): OutputList | undefined {
  const joined = body.find(index, 'CONCATENATION');
  const [head = -1, item = -1, tail = -1] = joined?.source.inputs ?? [];
  const [before, after] = [body.find(head, 'SLICE'), body.find(tail, 'SLICE')];
  if (!joined || !before || !after) return undefined;
  const { axis, fusedActivationFunction } = body.options('CONCATENATION', joined);
  const entries = ({ source }: typeof before, i: number): readonly Position[] =>
    body.positions(source.inputs[i] ?? -1) ?? [];
  const [at, ...sizes] = entries(before, 2);
  const [next, ...begins] = entries(after, 1);
  const are = (positions: readonly Position[], count: number, value: number): boolean =>
    positions.length === count && positions.every(({ counter, offset }) => counter === undefined && offset === value);
  const isWhole = before.source.inputs[0] === list && after.source.inputs[0] === list && axis === 0 &&
    fusedActivationFunction === 0 && joined.source.inputs.length === 3 && are(entries(before, 1), 3, 0) &&
    are(sizes, 2, -1) && are(begins, 2, 0) && are(entries(after, 2), 3, -1);
  const isNext = at && next && next.counter === at.counter && next.offset === at.offset + 1;
  const expanded = body.find(item, 'EXPAND_DIMS', 'RESHAPE');
  if (!isWhole || !isNext || !expanded || body.shape(item)[0] !== 1) {
    throw body.mismatch(index, 'one element of its list of outputs replaced');
  }
  return { value: expanded.source.inputs[0] ?? -1, isLast: isLastOnly(body, index, at, isStep) };
}

/** A list must have been made with one element for each output. */
export function checkReserved({ operators, tensors }: Scope, index: number, count: number): void {
  const reserve = operators[tensors.producers.get(index) ?? -1];
  const isList = tensors.isList(index);
  const size = isList ? tensors.constant(reserve?.source.inputs[1] ?? -1)?.data?.[0] : tensors.shape(index)[0];
  const isReserved = !isList || (reserve && kindOf(reserve) === 'TensorListReserve');
  if (!isReserved || size !== count) {
    throw new Mismatch(`a list of outputs that does not have ${count} elements at first`);
  }
}
