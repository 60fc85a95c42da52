import type { AnchorLayer, DetectRules } from '../format/task';

const expanded = new WeakMap<object, Float64Array>();

/** Centre and size of each anchor, relative to the input: x, y, width, height. */
export function anchorList(anchors: NonNullable<DetectRules['anchors']>): Float64Array {
  const found = expanded.get(anchors);
  if (found) return found;
  const made = Float64Array.from((anchors as (AnchorLayer | number[])[]).flatMap((one) => {
    if (Array.isArray(one)) return one;
    const { rows, columns, sizes } = one;
    return Array.from({ length: rows * columns }, (_, i) => {
      const [x, y] = [(i % columns + 0.5) / columns, (Math.floor(i / columns) + 0.5) / rows];
      return sizes.flatMap(([width, height]) => [x, y, width, height]);
    }).flat();
  }));
  expanded.set(anchors, made);
  return made;
}
