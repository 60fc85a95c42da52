import { isSequence } from '../compiler/check';
import { compile } from '../compiler/compile';
import { loadCompiled, loadSync } from '../compiler/runtime';
import type { Graph } from '../graph/graph';
import type { InputArray } from '../runtime/types';

/** How long networks are timed in turns, for each of them, and the fewest turns. */
const MILLISECONDS = 200;
const LEAST_TURNS = 7;
const MOST_TURNS = 2000;
const WARM_UP = 3;

type Inputs = InputArray | Record<string, InputArray>;

/**
 * The time of a prediction of each network, in milliseconds: the median of many turns. In each turn
 * every network predicts once, so that whatever else the machine does slows all of them, and their
 * ratios stay right.
 */
export function timesOf(networks: readonly (Graph | Uint8Array)[], inputs: Inputs): number[] {
  const models = networks.map((network) =>
    network instanceof Uint8Array ? loadSync(network) : loadCompiled(compile(network))
  );
  try {
    const predict = (model: (typeof models)[number]): number => {
      const start = performance.now();
      model.predict(inputs);
      return performance.now() - start;
    };
    for (let i = 0; i < WARM_UP; i++) models.forEach(predict);
    const times = models.map((): number[] => []);
    const end = performance.now() + MILLISECONDS * models.length;
    for (let turn = 0; turn < MOST_TURNS && (turn < LEAST_TURNS || performance.now() < end); turn++) {
      models.forEach((model, i) => times[i]!.push(predict(model)));
    }
    return times.map(median);
  } finally {
    for (const model of models) model.dispose();
  }
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/** The inputs of the first prediction of samples, each of which may be a sequence. */
export function firstInputs(samples: readonly unknown[]): Inputs {
  const [first] = samples;
  return (isSequence(first) ? first[0] : first) as Inputs;
}
