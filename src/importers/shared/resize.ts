import type { Tensor } from '../../graph/graph';
import type { Attributes } from '../../graph/operators';
import type { OperatorImport } from './operatorImport';

/** The sizes of resized axes: scales, or sizes that may have to keep the proportions. */
export type ResizeTarget = { scales: readonly number[] } | {
  sizes: readonly number[];
  /** Whether an image fits into the sizes, or covers them, instead of being stretched to them. */
  proportions?: 'fit' | 'cover';
};

/**
 * The sizes and scales along `axes` of an image of this shape, by the rules of ONNX's Resize. An
 * image that keeps its proportions has one scale, and sizes rounded to the nearest whole number.
 */
export function resizedAxes(
  shape: readonly number[],
  axes: readonly number[],
  target: ResizeTarget,
): { sizes: number[]; scales: number[] } {
  const from = axes.map((axis) => shape[axis]!);
  if ('scales' in target) {
    return { sizes: from.map((size, i) => Math.floor(size * target.scales[i]!)), scales: [...target.scales] };
  }
  const scales = target.sizes.map((size, i) => size / from[i]!);
  if (!target.proportions) return { sizes: [...target.sizes], scales };
  const scale = target.proportions === 'fit' ? Math.min(...scales) : Math.max(...scales);
  return { sizes: from.map((size) => Math.round(size * scale)), scales: from.map(() => scale) };
}

/** Emits a resize along `axes`. */
export function emitResize(
  operator: OperatorImport,
  x: Tensor,
  axes: number[],
  target: ResizeTarget,
  options: Omit<Attributes['resample'], 'axes' | 'scales'>,
): void {
  const { sizes, scales } = resizedAxes(x.shape, axes, target);
  const { shape } = operator.output;
  const expected = x.shape.map((size, axis) => (axes.includes(axis) ? sizes[axes.indexOf(axis)]! : size));
  operator.check(
    shape.length === expected.length && shape.every((size, axis) => size === expected[axis]),
    `an output [${shape.join(', ')}] instead of [${expected.join(', ')}]`,
  );
  operator.emit('resample', [x], { axes, scales, ...options });
}
