import type { Tensor } from '../../../graph/graph';
import type { PadMode } from '../../../graph/operators';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

const modes: Record<string, PadMode> = { constant: 'constant', reflect: 'reflect', edge: 'edge', wrap: 'wrap' };

/** `x` with elements before and after each dimension; negative numbers crop. */
function padded(
  { emit }: OnnxOperator,
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  mode: PadMode,
  value: number,
): Tensor {
  const cropped = emit.slice(
    x,
    before.map((n) => Math.max(0, -n)),
    x.shape.map((d, i) => d + Math.min(0, before[i]!) + Math.min(0, after[i]!)),
  );
  if ([...before, ...after].every((n) => n <= 0)) return cropped;
  const positive = (sizes: readonly number[]): number[] => sizes.map((n) => Math.max(0, n));
  return emit.node('pad', [cropped], { before: positive(before), after: positive(after), mode, value });
}

/** Sizes are an input since operator set 11, an attribute before. Negative ones crop. */
const pad: Mapping = (operator) => {
  const { attributes } = operator;
  const x = operator.input(0);
  const rank = x.shape.length;
  const name = attributes.string('mode', 'constant');
  operator.check(Object.hasOwn(modes, name), `the mode ${name}`);
  const pads = operator.integers(1, operator.version < 2 ? 'paddings' : 'pads', 'sizes') ?? [];
  const axes = operator.has(3)
    ? Array.from(operator.constant(3, 'axes').data, (axis) => operator.axis(axis, rank))
    : Array.from({ length: rank }, (_, i) => i);
  operator.check(pads.length === 2 * axes.length, `${pads.length} sizes for ${axes.length} axes`);
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i]!;
    after[axis] = pads[i + axes.length]!;
  });
  const value = operator.scalar(2, 'a value') ?? attributes.float('value', 0);
  return padded(operator, x, before, after, modes[name]!, value);
};

/** Crops or pads with zeros on both sides. An odd element is cropped or added at the end. */
const centerCropPad: Mapping = (operator) => {
  const { attributes } = operator;
  const x = operator.input(0);
  const wished = Array.from(operator.constant(1, 'sizes').data);
  const axes = attributes.ints('axes')?.map((axis) => operator.axis(axis, x.shape.length)) ?? x.shape.map((_, i) => i);
  const target = [...x.shape];
  axes.forEach((axis, i) => (target[axis] = wished[i]!));
  // half of what is missing or too much, rounded toward zero
  const before = x.shape.map((size, i) => Math.trunc((target[i]! - size) / 2));
  const after = x.shape.map((size, i) => target[i]! - size - before[i]!);
  return padded(operator, x, before, after, 'constant', 0);
};

export const padding: Mappings = { CenterCropPad: centerCropPad, Pad: pad };
