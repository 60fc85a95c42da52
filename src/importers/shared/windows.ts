/** Windows that slide over the spatial dimensions of a tensor [N, …sizes, C], in elements. */
export interface SpatialWindows {
  kernel: number[];
  stride: number[];
  dilation: number[];
  /** Padding before the first element and after the last one of each dimension. */
  before: number[];
  after: number[];
}

/** The elements that a window reaches along dimension d, from the first to the last one. */
export function extentOf({ kernel, dilation }: Pick<SpatialWindows, 'kernel' | 'dilation'>, d: number): number {
  return (kernel[d]! - 1) * dilation[d]! + 1;
}

/** The number of windows along each dimension. */
export function windowCounts(sizes: readonly number[], windows: SpatialWindows): number[] {
  return sizes.map((size, d) =>
    Math.floor((size + windows.before[d]! + windows.after[d]! - extentOf(windows, d)) / windows.stride[d]!) + 1
  );
}

/**
 * ONNX's automatic padding: none, or as much as for ⌈size / stride⌉ windows, with an odd element
 * after (`SAME_UPPER`) or before (`SAME_LOWER`).
 */
export function autoPadded(
  sizes: readonly number[],
  rule: 'SAME_UPPER' | 'SAME_LOWER' | 'VALID',
  windows: Omit<SpatialWindows, 'before' | 'after'>,
): SpatialWindows {
  const total = sizes.map((size, d) => {
    const count = Math.ceil(size / windows.stride[d]!);
    return rule === 'VALID' ? 0 : Math.max(0, (count - 1) * windows.stride[d]! + extentOf(windows, d) - size);
  });
  const less = total.map((n) => Math.floor(n / 2));
  const more = total.map((n) => Math.ceil(n / 2));
  return rule === 'SAME_LOWER' ? { ...windows, before: more, after: less } : { ...windows, before: less, after: more };
}

/**
 * The windows with a partial one at the end of each dimension (ONNX's ceil_mode), as padding after
 * it. A window that begins behind the elements and the padding before them is left out.
 */
export function withPartialWindows(sizes: readonly number[], windows: SpatialWindows): SpatialWindows {
  const { before, after, stride } = windows;
  return {
    ...windows,
    after: sizes.map((size, d) => {
      const room = size + before[d]! + after[d]! - extentOf(windows, d);
      const last = Math.min(Math.ceil(room / stride[d]!), Math.floor((size + before[d]! - 1) / stride[d]!)) *
        stride[d]!;
      return Math.max(0, last - room + after[d]!);
    }),
  };
}
