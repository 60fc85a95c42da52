import type { Attributes } from '../../../graph/operators';
import type { Mapping, Mappings } from '../operator';
import { fromImage, toImage } from './windows';

type Mode = Attributes['gridSample']['mode'];
type PointPadding = Attributes['gridSample']['padding'];

/** Bilinear and bicubic are the names before operator set 20. */
const modes: Record<string, Mode> = {
  nearest: 'nearest',
  linear: 'linear',
  bilinear: 'linear',
  cubic: 'cubic',
  bicubic: 'cubic',
};
const paddings: Record<string, PointPadding> = { zeros: 'zeros', border: 'border', reflection: 'reflection' };

const gridSample: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [x, grid] = [operator.input(0), operator.input(1)];
  operator.check(x.shape.length === 4, `an input of ${x.shape.length} dimensions instead of images`);
  const name = attributes.string('mode', 'linear');
  const padding = attributes.string('padding_mode', 'zeros');
  operator.check(Object.hasOwn(modes, name), `the mode ${name}`);
  operator.check(Object.hasOwn(paddings, padding), `the padding ${padding}`);
  const y = emit.node('gridSample', [toImage(emit, x), grid], {
    mode: modes[name]!,
    padding: paddings[padding]!,
    alignCorners: attributes.int('align_corners', 0) === 1,
  });
  return fromImage(emit, y, 4);
};

/** n points from −1 to 1, or the centers of n equal parts. */
function line(n: number, alignCorners: boolean): number[] {
  const last = Math.max(n - 1, 1);
  return Array.from({ length: n }, (_, i) => (alignCorners ? 2 * i / last : (2 * i + 1) / n) - 1);
}

/** The grid is the product of the points (x, y, 1) or (x, y, z, 1) and the transposed matrices. */
const affineGrid: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const theta = operator.input(0);
  const [n, , ...sizes] = Array.from(operator.constant(1, 'sizes').data) as [number, number, ...number[]];
  const rank = sizes.length;
  operator.check(
    (rank === 2 || rank === 3) && theta.shape.join() === [n, rank, rank + 1].join(),
    `matrices [${theta.shape.join(', ')}] for ${rank} dimensions`,
  );
  const lines = sizes.map((size) => line(size, attributes.int('align_corners', 0) === 1));
  const points = lines.reduce<number[][]>((heads, values) => heads.flatMap((head) => values.map((v) => [v, ...head])), [
    [1],
  ]);
  const base = emit.constant(Float32Array.from(points.flat()), [1, points.length, rank + 1], 'float32');
  const grid = emit.node('batchMatmul', [base, theta], { transposeA: false, transposeB: true });
  return emit.reshape(grid, [n, ...sizes, rank]);
};

export const sampling: Mappings = { GridSample: gridSample, AffineGrid: affineGrid };
