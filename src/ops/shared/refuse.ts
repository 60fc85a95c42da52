import { show } from '../../arguments';
import { KletError } from '../../errors';
import { type AnyNode, type Tensor } from '../../graph/graph';

/** Throws `INVALID_GRAPH` unless the condition holds. */
export function demand(node: AnyNode, holds: boolean, why: string): void {
  if (!holds) throw new KletError('INVALID_GRAPH', `${node.op} "${node.name}": ${why}`);
}

/** The error for a form of an operator that kinglet does not support. */
export function unsupported(node: AnyNode, why: string): KletError {
  return new KletError('UNSUPPORTED_OP', `${node.op} "${node.name}": ${why}`);
}

export function requireTypes(node: AnyNode, tensor: Tensor, ...dtypes: Tensor['dtype'][]): void {
  if (!dtypes.includes(tensor.dtype)) {
    throw unsupported(node, `its input "${tensor.name}" is ${tensor.dtype}; ${dtypes.join(' or ')} is possible`);
  }
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.map(show).join(', ')}]`;
}

/** The four dimensions of an image tensor [N, H, W, C] or of convolution weights. */
export function fourDimensions(node: AnyNode, tensor: Tensor): [number, number, number, number] {
  demand(
    node,
    tensor.shape.length === 4,
    `"${tensor.name}" must have four dimensions, it is ${shapeText(tensor.shape)}`,
  );
  return tensor.shape as [number, number, number, number];
}

/** Checks that values such as strides are whole numbers ≥ `least`. */
export function demandWhole(node: AnyNode, what: string, values: readonly number[], least: number): void {
  demand(
    node,
    values.every((v) => Number.isInteger(v) && v >= least),
    `its ${what} ${shapeText(values)} must be whole numbers from ${least} on`,
  );
}

/** Checks that `axis` is an axis of `shape`. */
export function demandAxis(node: AnyNode, axis: number, shape: readonly number[]): void {
  demand(
    node,
    Number.isInteger(axis) && axis >= 0 && axis < shape.length,
    `there is no axis ${axis} in ${shapeText(shape)}`,
  );
}
