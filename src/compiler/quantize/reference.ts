import { count, countValue, emptyInput, emptySnapshot, rangeOf, valueBin, type InputStatistics,
  type Snapshot } from '../../format/snapshot';
import type { Graph, Tensor } from '../../graph/graph';
import type { Observations, TensorStatistics } from './observe';

// What the samples of the calibration were like, in the counts of kinglet/monitor. They travel in
// META, so that a device can tell whether its inputs and answers are still like them.

/** More values count as this many, so that their shares take few digits. */
const MOST_VALUES = 10_000;

/**
 * The counts of the samples.
 *
 * @param network the float32 network that ran
 * @param quantized the network whose inputs the device sees
 */
export function referenceOf(network: Graph, quantized: Graph, { tensors, answers }: Observations): Snapshot {
  const inputs = network.inputs.flatMap(({ name }, i) => {
    const seen = tensors.get(name);
    return seen ? [[quantized.inputs[i]!.name, statisticsOf(seen, quantized.inputs[i]!)] as const] : [];
  });
  return { ...emptySnapshot(), ...answers, inputs: Object.fromEntries(inputs) };
}

function statisticsOf({ histogram, lows, highs, means }: TensorStatistics, input: Tensor): InputStatistics {
  const { dtype, quantization } = input;
  const range = rangeOf({
    dtype,
    ...(quantization && { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! }),
  });
  const all = emptyInput();
  histogram.forEach((value, n) => countValue(all, value, range, n));
  for (const mean of means) count(all.means, valueBin(mean, range));
  const share = Math.min(1, MOST_VALUES / all.values);
  const bins = Object.entries(all.bins).map(([bin, n]) => [bin, Math.max(1, Math.round(n * share))] as const);
  const values = bins.reduce((sum, [, n]) => sum + n, 0);
  const rounded = (value: number): number => Number(value.toPrecision(6));
  return {
    values,
    sum: rounded((all.sum * values) / all.values),
    squares: rounded((all.squares * values) / all.values),
    min: rounded(lows.reduce((a, b) => Math.min(a, b), Infinity)),
    max: rounded(highs.reduce((a, b) => Math.max(a, b), -Infinity)),
    outside: Math.round(all.outside * share),
    bins: Object.fromEntries(bins),
    means: all.means,
  };
}
