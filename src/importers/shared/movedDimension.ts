import { elementCount, type AnyNode, type Tensor } from '../../graph/graph';

/**
 * The dimension of the shape `to` that holds what dimension `d` of `from` holds, when the elements
 * are reshaped from one to the other. Undefined if the reshape splits or joins it.
 */
export function reshapedDimension(from: readonly number[], to: readonly number[], d: number): number | undefined {
  const outer = elementCount(from.slice(0, d));
  const at = to.findIndex((size, i) => size === from[d] && elementCount(to.slice(0, i)) === outer);
  return at < 0 ? undefined : at;
}

/** A tensor, and the reshapes and transposes that it went through, from the last to the first. */
export interface Moved {
  source: Tensor;
  by: AnyNode[];
}

/** Follows a tensor back through reshapes and transposes whose results nothing else reads. */
export function beforeMovements(
  tensor: Tensor,
  made: ReadonlyMap<Tensor, AnyNode>,
  read: ReadonlyMap<Tensor, readonly unknown[]>,
): Moved {
  const by: AnyNode[] = [];
  let source = tensor;
  for (;;) {
    const node = made.get(source);
    if ((node?.op !== 'reshape' && node?.op !== 'transpose') || read.get(source)?.length !== 1) return { source, by };
    by.push(node);
    source = node.inputs[0]!;
  }
}

/**
 * A constant that broadcasts to the end of a path, as numbers along one dimension of its beginning.
 * Undefined if it varies along several dimensions, or along one that a reshape splits or joins.
 */
export function alongSource(
  constant: Tensor,
  end: Tensor,
  by: readonly AnyNode[],
): { values: number[]; axis: number | undefined } | undefined {
  const { shape } = constant;
  const varying = shape.flatMap((size, i) => (size === 1 ? [] : [i + end.shape.length - shape.length]));
  const values = Array.from(constant.data!);
  if (varying.length === 0) return { values, axis: undefined };
  if (varying.length > 1) return undefined;
  let [axis] = varying as [number];
  for (const node of by) {
    const before = node.op === 'transpose'
      ? node.attributes.perm[axis]
      : reshapedDimension(node.outputs[0]!.shape, node.inputs[0]!.shape, axis);
    if (before === undefined) return undefined;
    axis = before;
  }
  return { values, axis };
}
