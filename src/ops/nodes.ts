import type { AnyNode, Tensor } from '../graph/graph';
import type { BinaryKind, ReduceKind } from '../graph/operators';

// Nodes that passes and conversions add to a graph. Each is named after its output.

/** Copies the elements of `from` to `to`, which has its own memory. */
export function copyNode(from: Tensor, to: Tensor): AnyNode {
  return sliceNode(from, to, from.shape.map(() => 0));
}

/** to = the part of `from` that begins at the index `begin` and has the shape of `to`. */
export function sliceNode(from: Tensor, to: Tensor, begin: number[]): AnyNode {
  const stride = from.shape.map(() => 1);
  return { op: 'slice', name: to.name, inputs: [from], outputs: [to], attributes: { begin, stride } };
}

/** to = every `stride`-th element of `from` along each dimension, from the first on. */
export function stridedNode(from: Tensor, to: Tensor, stride: number[]): AnyNode {
  const begin = from.shape.map(() => 0);
  return { op: 'slice', name: to.name, inputs: [from], outputs: [to], attributes: { begin, stride } };
}

/** to = `from` reduced along axes, by default along all of them. */
export function reduceNode(from: Tensor, to: Tensor, kind: ReduceKind, axes = from.shape.map((_, d) => d)): AnyNode {
  return { op: 'reduce', name: to.name, inputs: [from], outputs: [to], attributes: { kind, axes } };
}

/** to [C] = the reduction of each channel of `from` [...][C]. */
export function channelwiseReduceNode(from: Tensor, to: Tensor, kind: ReduceKind): AnyNode {
  const axes = from.shape.slice(1).map((_, d) => d);
  return { op: 'reduce', name: to.name, inputs: [from], outputs: [to], attributes: { kind, axes } };
}

/** to = the parts, one after the other along `axis`. */
export function concatNode(parts: Tensor[], to: Tensor, axis: number): AnyNode {
  return { op: 'concat', name: to.name, inputs: parts, outputs: [to], attributes: { axis, activation: 'none' } };
}

/** to = the elements of `from` in another shape. */
export function reshapeNode(from: Tensor, to: Tensor): AnyNode {
  return { op: 'reshape', name: to.name, inputs: [from], outputs: [to], attributes: {} };
}

/** to = `from` in the quantization of `to`. */
export function quantizeNode(from: Tensor, to: Tensor, name = to.name): AnyNode {
  return { op: 'quantize', name, inputs: [from], outputs: [to], attributes: {} };
}

/** to = the real values of `from`, in float32. */
export function dequantizeNode(from: Tensor, to: Tensor, name = to.name): AnyNode {
  return { op: 'dequantize', name, inputs: [from], outputs: [to], attributes: {} };
}

/** to = the elements of two tensors, combined in pairs. */
export function binaryNode(a: Tensor, b: Tensor, to: Tensor, kind: BinaryKind): AnyNode {
  return { op: 'binary', name: to.name, inputs: [a, b], outputs: [to], attributes: { kind, activation: 'none' } };
}

/** to = from² */
export function squareNode(from: Tensor, to: Tensor): AnyNode {
  return { op: 'unary', name: to.name, inputs: [from], outputs: [to], attributes: { kind: 'square' } };
}

/** to = aᵀ·b or a·bᵀ of two matrices. */
export function productNode(a: Tensor, b: Tensor, to: Tensor, transposed: 'a' | 'b'): AnyNode {
  const attributes = { transposeA: transposed === 'a', transposeB: transposed === 'b' };
  return { op: 'batchMatmul', name: to.name, inputs: [a, b], outputs: [to], attributes };
}
