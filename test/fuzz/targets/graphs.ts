import { compile } from '../../../src/compiler/index';
import type { Graph } from '../../../src/graph/graph';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { randomGraph } from '../../helpers/randomGraph';
import { compare, exact, predictAll, randomInputs } from '../../ops/suite';
import { runReference } from '../../reference/index';
import { judgeModel } from '../models';
import { attempt, Failure } from '../oracles';
import type { Target } from '../target';

const types = ['int8', 'uint8', 'float32'] as const;
/** Operators of the largest graph. */
const MAX_SIZE = 24;

/** The graph that an input of six bytes stands for: a seed, a number of operators and a type. */
function graphOf(bytes: Uint8Array): Graph {
  const [size = 0, type = 0, ...seed] = bytes;
  const random = new Random(seed.reduce((hash, byte) => Math.imul(hash, 31) + byte, 7));
  return randomGraph(random, 3 + (size % (MAX_SIZE - 2)), types[type % types.length]!);
}

/** @throws Failure if the first build differs from the reference */
function checkReference(graph: Graph, file: Uint8Array): void {
  const inputs = randomInputs(graph, graph.nodes.length);
  const expected = runReference(graph, inputs);
  const model = loadSync(file);
  const found = predictAll(model, graph, inputs);
  model.dispose();
  graph.outputs.forEach(({ name, shape }, i) => {
    try {
      compare(`"${name}"`, shape, expected.get(name)!, found[i]!, exact);
    } catch (error) {
      throw new Failure('different answers', `from the reference: ${(error as Error).message}`, { cause: error });
    }
  });
}

export const graphs: Target = {
  name: 'graphs',
  about: 'random networks of 3 to 24 operators: the compiler, every build and any number of threads give the bits of '
    + 'the reference',
  seeds: () => [],
  make(random) {
    const bytes = Uint8Array.from({ length: 6 }, () => random.int(0, 255));
    return { base: bytes, bytes };
  },
  run(bytes) {
    const graph = graphOf(bytes);
    const compiled = attempt(() => compile(graph, { debugInfo: false }));
    if ('error' in compiled) throw new Failure('refused', `by compile(): ${compiled.error}`);
    const refusal = judgeModel(compiled.value);
    if (refusal) throw new Failure('refused', `what compile() wrote: ${refusal}`);
    checkReference(graph, compiled.value);
    checkReference(graph, compile(graph, { debugInfo: false, strips: true }));
    return `runs ${graph.nodes.length} operators on ${graph.inputs[0]!.dtype}`;
  },
};
