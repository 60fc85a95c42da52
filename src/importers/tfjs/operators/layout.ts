import { elementCount, type Tensor } from '../../../graph/graph';
import type { PadMode } from '../../../graph/operators';
import type { Mapping, Mappings, TfOperator } from '../operator';
import { fromImage, toImage } from './windows';

/** A size of −1 takes the rest. */
const reshape: Mapping = (operator) => {
  const x = operator.input(0);
  const wished = operator.integers(1, 'sizes');
  const known = wished.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const rest = elementCount(x.shape) / known;
  const shape = wished.map((size) => (size === -1 ? rest : size));
  operator.check(
    shape.every((size) => Number.isInteger(size) && size >= 0) && elementCount(shape) === elementCount(x.shape),
    `the sizes [${wished.join(', ')}] for the shape [${x.shape.join(', ')}]`,
  );
  return operator.emit.reshape(x, shape);
};

const squeeze: Mapping = (operator) => {
  const { attributes, emit } = operator;
  const x = operator.input(0);
  const listed = attributes.ints(attributes.has('squeeze_dims') ? 'squeeze_dims' : 'axis');
  const axes = listed.map((axis) => operator.axis(axis, x.shape.length));
  operator.check(axes.every((axis) => x.shape[axis] === 1), `axes [${listed.join(', ')}] of [${x.shape.join(', ')}]`);
  return emit.reshape(x, x.shape.filter((d, i) => (axes.length > 0 ? !axes.includes(i) : d !== 1)));
};

const expandDims: Mapping = (operator) => {
  const x = operator.input(0);
  const axis = operator.axis(operator.scalar(1, 'an axis')!, x.shape.length + 1);
  return operator.emit.reshape(x, x.shape.toSpliced(axis, 0, 1));
};

const transpose: Mapping = (operator) => {
  const x = operator.input(0);
  const perm = operator.has(1) ? operator.integers(1, 'an order of dimensions') : [...x.shape.keys()].reverse();
  operator.check(
    [...perm].sort((a, b) => a - b).join() === [...x.shape.keys()].join(),
    `the order [${perm.join(', ')}] of ${x.shape.length} dimensions`,
  );
  return operator.emit.transpose(x, perm);
};

function pad(operator: TfOperator, mode: PadMode, value: number): Tensor {
  const { emit } = operator;
  const x = operator.input(0);
  const amounts = operator.integers(1, 'amounts');
  operator.check(
    amounts.length === 2 * x.shape.length && amounts.every((n) => n >= 0),
    `amounts [${amounts.join(', ')}]`,
  );
  if (amounts.every((n) => n === 0)) return x;
  const before = amounts.filter((_, i) => i % 2 === 0);
  const after = amounts.filter((_, i) => i % 2 === 1);
  return emit.node('pad', [x], { before, after, mode, value });
}

const mirrorPad: Mapping = (operator) => {
  const mode = operator.attributes.string('mode', 'REFLECT');
  operator.check(mode === 'REFLECT' || mode === 'SYMMETRIC', `the mode "${mode}"`);
  return pad(operator, mode === 'REFLECT' ? 'reflect' : 'symmetric', 0);
};

/** Each repeat becomes a dimension of its own, which is broadcast. */
const tile: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  const repeats = operator.integers(1, 'repeats');
  operator.check(
    repeats.length === x.shape.length && repeats.every((n) => n > 0),
    `repeats [${repeats.join(', ')}] of ${x.shape.length} dimensions`,
  );
  const apart = emit.reshape(x, x.shape.flatMap((size, i) => (repeats[i] === 1 ? [size] : [1, size])));
  const repeated = emit.broadcastTo(
    apart,
    x.shape.flatMap((size, i) => repeats[i] === 1 ? [size] : [repeats[i]!, size]),
  );
  return emit.reshape(repeated, x.shape.map((size, i) => size * repeats[i]!));
};

const broadcastTo: Mapping = (operator) => operator.emit.broadcastTo(operator.input(0), operator.integers(1, 'sizes'));

/** The shape to which two shapes broadcast. */
const broadcastArgs: Mapping = (operator) => {
  const [a, b] = [operator.integers(0, 'sizes'), operator.integers(1, 'sizes')];
  const rank = Math.max(a.length, b.length);
  const at = (list: readonly number[], i: number): number => list[i - rank + list.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
  return operator.emit.integers(shape, 'int32');
};

function blocks(op: 'depthToSpace' | 'spaceToDepth'): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const image = toImage(operator, operator.input(0));
    return fromImage(operator, emit.node(op, [image], { blockSize: attributes.int('block_size', 2) }));
  };
}

/** Refuses blocks and amounts that are not one and one pair for each spatial dimension. */
function checkBlocks(operator: TfOperator, x: Tensor, sizes: readonly number[], amounts: readonly number[]): void {
  operator.check(
    sizes.length < x.shape.length && sizes.every((size) => size > 0) && amounts.length === 2 * sizes.length &&
      amounts.every((amount) => amount >= 0),
    `blocks [${sizes.join(', ')}] and amounts [${amounts.join(', ')}] of the shape [${x.shape.join(', ')}]`,
  );
}

/** Moves each pixel of a block to a batch item of its own. */
const spaceToBatch: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  const [sizes, amounts] = [operator.integers(1, 'blocks'), operator.integers(2, 'amounts')];
  checkBlocks(operator, x, sizes, amounts);
  const spatial = sizes.length;
  const rest = x.shape.slice(spatial + 1);
  const side = (after: 0 | 1): number[] => [0, ...sizes.map((_, i) => amounts[2 * i + after]!), ...rest.map(() => 0)];
  const padded = amounts.every((n) => n === 0)
    ? x
    : emit.node('pad', [x], { before: side(0), after: side(1), mode: 'constant', value: 0 });
  const counts = sizes.map((size, i) => padded.shape[i + 1]! / size);
  operator.check(counts.every(Number.isInteger), `blocks [${sizes.join(', ')}] of [${padded.shape.join(', ')}]`);
  const batch = x.shape[0]!;
  const split = emit.reshape(padded, [batch, ...sizes.flatMap((size, i) => [counts[i]!, size]), ...rest]);
  const perm = [...sizes.map((_, i) => 2 * i + 2), 0, ...sizes.map((_, i) => 2 * i + 1),
    ...rest.map((_, i) => 2 * spatial + 1 + i)];
  return emit.reshape(emit.transpose(split, perm), [batch * elementCount(sizes), ...counts, ...rest]);
};

/** The reverse: moves batch items to the pixels of blocks, and crops. */
const batchToSpace: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  const [sizes, crops] = [operator.integers(1, 'blocks'), operator.integers(2, 'crops')];
  checkBlocks(operator, x, sizes, crops);
  const spatial = sizes.length;
  const batch = x.shape[0]! / elementCount(sizes);
  operator.check(Number.isInteger(batch), `a batch of ${x.shape[0]} for blocks [${sizes.join(', ')}]`);
  const rest = x.shape.slice(spatial + 1);
  const split = emit.reshape(x, [...sizes, batch, ...x.shape.slice(1)]);
  const perm = [spatial, ...sizes.flatMap((_, i) => [spatial + 1 + i, i]), ...rest.map((_, i) => 2 * spatial + 1 + i)];
  const shape = [batch, ...sizes.map((size, i) => x.shape[i + 1]! * size), ...rest];
  const whole = emit.reshape(emit.transpose(split, perm), shape);
  const begin = [0, ...sizes.map((_, i) => crops[2 * i]!), ...rest.map(() => 0)];
  const kept = shape.map((size, i) => (i >= 1 && i <= spatial ? size - crops[2 * i - 2]! - crops[2 * i - 1]! : size));
  operator.check(kept.every((size) => size > 0), `crops [${crops.join(', ')}] of [${shape.join(', ')}]`);
  return emit.slice(whole, begin, kept);
};

export const layout: Mappings = {
  Reshape: reshape,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Transpose: transpose,
  Pad: (operator) => pad(operator, 'constant', 0),
  PadV2: (operator) => pad(operator, 'constant', operator.scalar(2, 'a fill value') ?? 0),
  MirrorPad: mirrorPad,
  Tile: tile,
  BroadcastTo: broadcastTo,
  BroadcastArgs: broadcastArgs,
  DepthToSpace: blocks('depthToSpace'),
  SpaceToDepth: blocks('spaceToDepth'),
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
};
