import { Random } from '../random';
import { gridValues, type ParameterValues } from '../space';
import type { Sampler } from './sampler';

/**
 * The points of the grid of all parameters, five values of each range without step. They come in a
 * seeded order that is spread over the grid, so that fewer trials than points do not end in a
 * corner.
 */
export const gridSampler: Sampler = ({ axes, isKnown, seed }) => {
  const values = new Map(axes.list.map(({ name, parameter }) => [name, gridValues(parameter)]));
  const sizes = axes.list.map(({ name }) => BigInt(values.get(name)!.length));
  const points = sizes.reduce((product, size) => product * size, 1n);
  const random = new Random(seed, 0);
  const drawn = (): bigint =>
    BigInt(Math.floor(random.uniform() * 2 ** 30)) * BigInt(2 ** 30) + BigInt(random.index(2 ** 30));
  const offset = drawn() % points;
  let stride = drawn() % points;
  // with a stride that has no divisor in common with the number of points, all are reached
  while (divisor(stride, points) !== 1n) stride++;
  for (let i = 0n; i < points; i++) {
    const point = pointAt((offset + i * stride) % points);
    if (!isKnown(point)) return point;
  }
  return undefined;

  function pointAt(index: bigint): ParameterValues {
    const indices = new Map<string, number>();
    let rest = index;
    axes.list.forEach(({ name }, i) => {
      indices.set(name, Number(rest % sizes[i]!));
      rest /= sizes[i]!;
    });
    return axes.values(({ name }) => values.get(name)![indices.get(name)!]!);
  }
};

function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : divisor(b, a % b);
}
