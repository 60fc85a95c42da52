import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile, readKlet, type Graph, type WeightLayout } from '../../src/compiler/index';
import { biases, checkLists, hybridOf, isFloat, pruneBlocks, sequence, toleranceOf, weights, withWidth,
  type CellType } from './sequences';
import { checkGraph, Random, single } from './suite';

// Sparse layouts equal the dense layout bit for bit. The tests of lstm, gru and rnn compare them
// for small random layers; the cases here need larger layers.

interface Spec {
  op: 'gru' | 'rnn';
  type: CellType;
  inputs: number;
  hiddenSize: number;
  densities: [number, number];
  resetAfter?: boolean;
}

const plain: Spec = { op: 'gru', type: 'int8', inputs: 128, hiddenSize: 128, densities: [0.2, 0.2] };

function graphOf({ op, type, inputs, hiddenSize, densities, resetAfter = true }: Spec, seed = 1): Graph {
  const gates = op === 'gru' ? 3 : 1;
  const random = new Random(seed);
  const xQuantization = { scale: 1 / 64, zeroPoint: 3 };
  const x = sequence({
    type,
    batch: 1,
    time: 3,
    inputs,
    hiddenSize,
    timeMajor: false,
    reverse: false,
    isSingleStep: false,
    x: xQuantization,
    densities,
    seed,
  });
  const [w, u] = [[inputs, xQuantization.scale], [hiddenSize, 1 / 128]].map(([K, step], i) =>
    pruneBlocks(random, weights(random, 'wu'[i]!, gates, hiddenSize, K!, type, step!), gates, densities[i]!)
  );
  const common = { timeMajor: false, reverse: false, ...hybridOf(type) };
  const y = {
    name: 'y',
    shape: withWidth(x, hiddenSize),
    dtype: x.dtype,
    ...(!isFloat(type) && { quantization: { scale: [1 / 128], zeroPoint: [0], axis: 0 } }),
  };
  return op === 'gru'
    ? single('gru', [x, w!, u!, biases(random, 'b', 3 * hiddenSize, type), null], { ...common, resetAfter }, y)
    : single('rnn', [x, w!, u!, biases(random, 'b', hiddenSize, type)], { ...common, activation: 'tanh' }, y);
}

function recordOf(graph: Graph, weightLayout?: WeightLayout): { opcode: number; entries: [number, number] } {
  const { plan } = readKlet(compile(graph, { ...(weightLayout && { weightLayout }) }));
  const view = new DataView(plan.buffer, plan.byteOffset);
  const opcode = plan[0]!;
  return {
    opcode,
    entries: opcode === L.OP_SPARSE_RECURRENT
      ? [view.getInt32(L.SPARSE_RECURRENT_INPUT_ENTRIES, true), view.getInt32(L.SPARSE_RECURRENT_HIDDEN_ENTRIES, true)]
      : [0, 0],
  };
}

describe('pruned recurrent layers', () => {
  test('skip gaps that do not fit into one delta byte, and panels without weights', () => {
    for (const type of ['int8', 'asymmetric'] as const) {
      for (const op of ['gru', 'rnn'] as const) {
        for (const resetAfter of [true, false]) {
          const graph = graphOf({ op, type, inputs: 4099, hiddenSize: 11, densities: [0.002, 0.1], resetAfter });
          checkLists(graph, 1);
          checkGraph(graph, 1, toleranceOf(type));
        }
      }
    }
    const far = graphOf({ ...plain, op: 'rnn', inputs: 65536, hiddenSize: 9, densities: [0, 1] });
    far.nodes[0]!.inputs[1]!.data![9 * 65536 - 1] = -128;
    checkLists(far, 2);
    // the last of 16,384 groups of 4 inputs, reached by deltas of at most 255
    expect(recordOf(far, 'blocks').entries[0]).toBe(Math.ceil(16383 / 255));
  });

  test('accumulate the largest values without overflow', () => {
    const graph = graphOf({ ...plain, op: 'rnn', inputs: 65536, hiddenSize: 8, densities: [1, 1] });
    graph.nodes[0]!.inputs[1]!.data!.fill(-128);
    checkLists(graph, 3);
  });

  test('are chosen by the compiler for each matrix, only if most of its blocks are pruned', () => {
    for (const hiddenSize of [128, 256]) {
      for (const type of ['int8', 'symmetric'] as const) {
        for (const density of [0.1, 0.2, 0.4]) {
          expect(
            recordOf(graphOf({ ...plain, type, inputs: hiddenSize, hiddenSize, densities: [density, density] })),
            `${hiddenSize}, ${density}`,
          ).toMatchObject({ opcode: L.OP_SPARSE_RECURRENT, entries: [expect.any(Number), expect.any(Number)] });
        }
      }
    }
    expect(recordOf(graphOf({ ...plain, densities: [0.9, 1] })).opcode).toBe(L.OP_RECURRENT);
    const [none, some] = [recordOf(graphOf({ ...plain, densities: [1, 0.2] })),
      recordOf(graphOf({ ...plain, densities: [0.2, 1] }))];
    expect([none.opcode, some.opcode]).toEqual([L.OP_SPARSE_RECURRENT, L.OP_SPARSE_RECURRENT]);
    expect([none.entries[0], some.entries[1]]).toEqual([0, 0]);
    expect(Math.min(none.entries[1], some.entries[0])).toBeGreaterThan(100);
    expect(recordOf(graphOf(plain), 'dense').opcode).toBe(L.OP_RECURRENT);
    // recurrent layers have no kernel for pairs, and float weights have no sparse layout
    expect(recordOf(graphOf(plain), 'pairs').opcode).toBe(L.OP_RECURRENT);
    expect(recordOf(graphOf({ ...plain, type: 'float32' }), 'blocks').opcode).toBe(L.OP_RECURRENT);
  });

  test('need less memory, and record their density in the debug info', () => {
    const file = (weightLayout: WeightLayout) => readKlet(compile(graphOf(plain), { weightLayout }));
    const [dense, blocks] = [file('dense'), file('blocks')];
    const [record] = blocks.debugInfo!.records;
    expect(blocks.weights.length / dense.weights.length).toBeLessThan(0.27);
    expect(record).toMatchObject({ op: 'gru', layout: 'blocks', density: expect.closeTo(0.2, 1) as number });
    expect(dense.debugInfo!.records[0]).not.toHaveProperty('layout');
  });
});
