import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, type Graph, type Tensor } from '../../../src/compiler/index';
import { StagedRun } from '../../../src/compiler/quantize/stagedRun';
import { tensorsOf } from '../../../src/graph/edit';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { randomGraph } from '../../helpers/randomGraph';

/** The values of a tensor for consecutive inputs, by a run of the whole network. */
function wholeRun(graph: Graph, tensor: Tensor, sequence: Record<string, Float32Array>[]): Float32Array[] {
  const model = loadSync(compile({ ...graph, outputs: [tensor] }));
  model.reset();
  return sequence.map((inputs) => model.predict(inputs, { output: 'raw' }) as unknown as Float32Array);
}

function inputsOf(graph: Graph, random: Random): Record<string, Float32Array> {
  return Object
    .fromEntries(graph.inputs.map((
      { name, shape },
    ) => [name, Float32Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () => random.between(-3, 3))]));
}

/** Stops before every node that has an input, with more and more samples. */
function checkEveryStop(graph: Graph, samples: Record<string, Float32Array>[][]): void {
  const run = new StagedRun(graph, samples);
  graph.nodes.forEach((node, i) => {
    const input = node.inputs.find((tensor) => tensor && !tensor.data);
    if (!input) return;
    const count = Math.min(samples.length, 1 + i);
    run.advance(i, count);
    const found = run.valuesOf(input);
    expect(found).toHaveLength(count);
    found.forEach((values, s) => expect(values).toEqual(wholeRun(graph, input, samples[s]!)));
  });
}

describe('a run in stages', () => {
  test.each(['float32', 'int8', 'uint8'] as const)('computes what a whole run computes (%s)', (type) => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const random = new Random(seed);
      const graph = randomGraph(random, 10, type);
      graph.inputs.forEach((tensor, i) => {
        tensor.name = `x${i}`;
      });
      checkEveryStop(graph, Array.from({ length: 4 }, () => [inputsOf(graph, random)]));
    }
  });

  test('continues states from one prediction of a sample to the next', () => {
    const b = new GraphBuilder('running sum');
    const x = b.input('x', [1, 3]);
    const sum = b.state('sum', [1, 3], new Float32Array(3));
    const next = b.node('binary', [x, sum], { kind: 'add', activation: 'none' });
    b.assign(sum, next);
    const doubled = b.node('binary', [next, sum], { kind: 'add', activation: 'none' });
    const graph = b.finish([b.node('unary', [doubled], { kind: 'tanh' })]);
    const random = new Random(8);
    checkEveryStop(graph, Array.from({ length: 3 }, () => Array.from({ length: 4 }, () => inputsOf(graph, random))));
  });

  test('shows what the next node computes, with its present weights', () => {
    const b = new GraphBuilder('two');
    const weights = b.constant(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const y = b.node('fullyConnected', [b.input('x', [1, 2]), weights, null], { activation: 'none' });
    const graph = b.finish([y]);
    const run = new StagedRun(graph, [[{ x: Float32Array.of(1, 1) }]]);
    run.advance(0, 1);
    expect(run.valuesOf(y)).toEqual([[Float32Array.of(3, 7)]]);
    graph.nodes[0]!.inputs[1] = { ...weights, data: Float32Array.of(1, 0, 0, 1) };
    expect(run.valuesOf(y)).toEqual([[Float32Array.of(1, 1)]]);
  });

  test('knows the memory that it needs between nodes', () => {
    const b = new GraphBuilder('chain');
    const x = b.input('x', [100]);
    const a = b.node('unary', [x], { kind: 'tanh' });
    const sum = b.node('binary', [x, a], { kind: 'add', activation: 'none' });
    const graph = b.finish([b.node('reduce', [sum], { kind: 'mean', axes: [0] }, { shape: [] })]);
    const run = new StagedRun(graph, [[{ x: new Float32Array(100) }]]);
    expect(tensorsOf(graph)).toHaveLength(4);
    expect([0, 1, 2, 3].map((position) => run.largestLive(position))).toEqual([800, 800, 400, 0]);
  });
});
