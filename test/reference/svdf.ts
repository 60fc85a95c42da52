import { input, output, perTensor, type Node, type TensorData } from '../../src/graph/graph';
import { activationRange, fround, realRange } from './requantize';
import { alongTime, clampTo8, realProducts, rowProducts, saturate16, scaleAt, scaled } from './sequence';
import type { Inputs } from './support';

/**
 * Each filter projects x to one value and keeps the last `memory` values. A unit adds, over its
 * `rank` filters, the products of these values with the filter's time weights.
 */
export function svdf(node: Node<'svdf'>, inputs: Inputs): TensorData[] {
  const [, feature, time, bias] = inputs;
  const filters = input(node, 1).shape[0]!;
  const memory = input(node, 2).shape[1]!;
  const { rank, activation, hybrid, stateScale = 0 } = node.attributes;
  const int8 = input(node, 0).dtype === 'int8';
  const units = filters / rank;
  const y = output(node);
  const q = int8 ? perTensor(y) : undefined;
  const [min, max] = int8 ? activationRange(activation, y) : realRange(activation);
  const remember = (state: number[][], value: (filter: number) => number): number[] => {
    state.forEach((past, filter) => {
      past.push(value(filter));
      past.shift();
    });
    return Array.from({ length: units }, (_, unit) => {
      let sum = bias?.[unit] ?? 0;
      for (let f = unit * rank; f < (unit + 1) * rank; f++) {
        for (let m = 0; m < memory; m++) sum += time![f * memory + m]! * state[f]![m]!;
      }
      return sum;
    });
  };
  return alongTime(
    node,
    inputs,
    () => Array.from({ length: filters }, () => new Array<number>(memory).fill(0)),
    (x, state) => {
      if (!int8) {
        const now = realProducts(input(node, 1), feature!, x, hybrid);
        return remember(state, (f) => now[f]!).map((sum) => Math.max(min, Math.min(max, sum)));
      }
      const { scale, zeroPoint } = perTensor(input(node, 0));
      const now = rowProducts(feature!, Array.from(x, (v) => v - zeroPoint), filters);
      const first = fround(fround(fround(scale) * scaleAt(input(node, 1), 0)) / fround(stateScale));
      const second = fround(fround(fround(stateScale) * scaleAt(input(node, 2), 0)) / fround(q!.scale));
      return remember(state, (f) => saturate16(scaled(now[f]!, first))).map((sum) =>
        clampTo8(scaled(sum | 0, second) + q!.zeroPoint, min, max)
      );
    },
  );
}
