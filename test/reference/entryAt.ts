import type { Tensor } from '../../src/graph/graph';
import { aroundAxis } from './support';

/** The tensor with the single scale and zero point that apply to the element at `index`. */
export function entryAt(tensor: Tensor, index: number): Tensor {
  const q = tensor.quantization;
  if (!q || q.scale.length <= 1) return tensor;
  const [, length, inner] = aroundAxis(tensor.shape, q.axis);
  const entry = Math.floor(index / inner) % length;
  return {
    ...tensor,
    quantization: { scale: [q.scale[entry]!], zeroPoint: [q.zeroPoint[entry] ?? q.zeroPoint[0] ?? 0], axis: 0 },
  };
}
