import { compile } from '../compile';
import type { Graph } from '../../graph/graph';
import type { Model } from '../../runtime/model';
import { loadCompiled } from '../runtime';
import { predictAll } from './observe';
import type { Sequence } from './stagedRun';
import { totalError, usualError } from './trial';

// Ranges are chosen tensor by tensor, by the error at the operators that read it. The outputs may
// be worse for it: errors of rounding cancel out in a mean or a long sum, but values that are cut
// off always become smaller. So the network with the chosen ranges is compared with the one in
// which no value is cut off.

/** The error of the outputs, of all samples and of those without outliers. */
interface OutputErrors {
  total: number;
  usual: number;
}

/** Cutting off values must lower the error of the outputs to this part: other inputs have more. */
const WORTHWHILE = 0.8;
/** The same for samples without outliers, which themselves get worse. */
const MUCH_BETTER = 0.1;

/** Whether a network that cuts off values is closer to the float network than one that does not. */
export function isClippingBetter(
  float: Graph,
  { clipped, whole }: { clipped: Graph; whole: Graph },
  samples: readonly Sequence[],
): boolean {
  const signals = answersOf(float, samples);
  const [cut, all] = [clipped, whole].map((graph) => errorsOf(signals, answersOf(graph, samples), samples));
  return cut!.total < WORTHWHILE * all!.total || cut!.usual < MUCH_BETTER * all!.usual;
}

/** The outputs of each prediction, [output][prediction]. */
type Answers = Float32Array[][];

function answersOf(graph: Graph, samples: readonly Sequence[]): Answers {
  const model = loadCompiled(compile(graph, { debugInfo: false }));
  try {
    return collected(graph, model, samples);
  } finally {
    model.dispose();
  }
}

function collected(graph: Graph, model: Model, samples: readonly Sequence[]): Answers {
  const answers: Answers = graph.outputs.map(() => []);
  for (const sample of samples) {
    model.reset();
    for (const piece of sample) {
      const values = predictAll(graph, model, piece);
      graph.outputs.forEach((tensor, i) => {
        if (tensor.dtype === 'float32' || tensor.quantization) answers[i]!.push(values.get(tensor)!);
      });
    }
  }
  return answers;
}

/** The sum over the outputs of the errors relative to signal and error. */
function errorsOf(before: Answers, after: Answers, samples: readonly Sequence[]): OutputErrors {
  const sizes = samples.map((sample) => sample.length);
  const result = { total: 0, usual: 0 };
  before.forEach((values, output) => {
    const signals = values.map(energy);
    const errors = values.map((own, i) => energy(own.map((value, k) => value - after[output]![i]![k]!)));
    result.total += totalError(signals, errors);
    result.usual += usualError(signals, errors, sizes);
  });
  return result;
}

function energy(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value ** 2, 0);
}
