import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, prune, quantize, readKlet, sensitivity, type Graph,
  type Tensor } from '../../../src/compiler/index';
import { inputRows } from '../../../src/compiler/prune/calibration';
import { prunableLayers } from '../../../src/compiler/prune/layers';
import { loadSync } from '../../../src/index';
import { flavors } from '../../helpers/flavors';
import { Random } from '../../helpers/random';

// A gru and an lstm on sequences of low rank.

const TIME = 12;
const INPUTS = 24;
const CELLS = 20;
const LATENT = 4;
const random = new Random(9);
const normal = (): number => random.next() + random.next() + random.next() - 1.5;
const mixing = Float32Array.from({ length: LATENT * INPUTS }, normal);
const sample = (): Float32Array => {
  const x = new Float32Array(TIME * INPUTS);
  for (let t = 0; t < TIME; t++) {
    const latent = Array.from({ length: LATENT }, normal);
    for (let k = 0; k < INPUTS; k++) {
      x[t * INPUTS + k] = latent.reduce((sum, l, i) => sum + l * mixing[i * INPUTS + k]!, 0.02 * normal());
    }
  }
  return x;
};
const samples = Array.from({ length: 24 }, sample);
const unseen = Array.from({ length: 8 }, sample);
const along = { timeMajor: false, reverse: false };

function network(resetAfter = true): Graph {
  const b = new GraphBuilder('recurrent');
  const x = b.input('x', [1, TIME, INPUTS]);
  const constant = (shape: number[], size: number): Tensor =>
    b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => size * normal()), shape);
  const gru = b.node(
    'gru',
    [x, constant([3 * CELLS, INPUTS], 0.3), constant([3 * CELLS, CELLS], 0.3), constant([3 * CELLS], 0.1),
      constant([3 * CELLS], 0.1)],
    { ...along, resetAfter },
    { name: 'gru' },
  );
  const lstm = b.node(
    'lstm',
    [gru, constant([4 * CELLS, CELLS], 0.5), constant([4 * CELLS, CELLS], 0.3), constant([4 * CELLS], 0.1)],
    { ...along, activation: 'tanh', cellClip: 0, projectionClip: 0 },
    { name: 'lstm' },
  );
  return b.finish([lstm]);
}
const float = network();
const int8 = quantize(float, { samples, floatIo: true });
const operand = (graph: Graph, name: string, at: number): Tensor =>
  graph.nodes.find((node) => node.name === name)!.inputs[at]!;

function distance(graph: Graph, to: Graph): number {
  const [a, b] = [loadSync(compile(to)), loadSync(compile(graph))];
  let far = 0;
  let size = 0;
  for (const x of unseen) {
    const p = Array.from(a.predict(x));
    const q = Array.from(b.predict(x));
    const mean = p.reduce((sum, v) => sum + v, 0) / p.length;
    p.forEach((v, i) => {
      far += (v - q[i]!) ** 2;
      size += (v - mean) ** 2;
    });
  }
  return Math.sqrt(far / size);
}

describe('prune, on recurrent layers', () => {
  for (const [title, graph] of [['float32', float], ['int8', int8]] as const) {
    test(`removes blocks of input and recurrent weights, each gate separately (${title})`, () => {
      const { graph: pruned, layers } = prune(graph, { sparsity: 0.7 });
      expect(layers.map(({ name, pattern, weights }) => [name, pattern, weights])).toEqual([['gru/input', 'blocks',
        3 * CELLS * INPUTS], ['gru/recurrent', 'blocks', 3 * CELLS * CELLS], ['lstm/input', 'blocks',
        4 * CELLS * CELLS], ['lstm/recurrent', 'blocks', 4 * CELLS * CELLS]]);
      // blocks of a gate's last four cells go first, because they have half the weights of other
      // blocks and take the same time
      for (const { sparsity } of layers) expect(sparsity).toBeGreaterThan(0.6);
      for (const [name, at] of [['gru', 1], ['gru', 2], ['lstm', 1], ['lstm', 2]] as const) {
        const { data, shape: [rows, K] } = operand(pruned, name, at);
        const used = new Map<string, number>();
        for (let n = 0; n < rows!; n++) {
          for (let k = 0; k < K!; k++) {
            const block = `${Math.floor(n / CELLS)}, ${Math.floor((n % CELLS) / 8)}, ${k >> 2}`;
            used.set(block, (used.get(block) ?? 0) + (data![n * K! + k] === 0 ? 0 : 1));
          }
        }
        const kept = [...used.values()].filter((count) => count > 0);
        expect(kept.length / used.size, `${name} ${at}`).toBeCloseTo(0.3, 1);
        // hardly any remaining weight is 0
        expect(kept.reduce((a, b) => a + b) / (kept.length * 32)).toBeGreaterThan(title === 'int8' ? 0.7 : 0.75);
      }
      expect(operand(graph, 'gru', 2).data!.filter((w) => w === 0).length).toBeLessThan(0.1 * 3 * CELLS * CELLS);
    });

    test(`stays closer to the original network with samples than without (${title})`, () => {
      const [plain, fitted] = [{}, { samples }].map((options) =>
        distance(prune(graph, { sparsity: 0.5, pattern: 'weights', ...options }).graph, graph)
      ) as [number, number];
      expect(fitted).toBeLessThan(0.6 * plain);
    });
  }

  test('can prune single weights, and one matrix alone', () => {
    const { graph, layers } = prune(float, { sparsity: { 'gru/recurrent': 0.6 }, pattern: 'weights' });
    expect(layers).toMatchObject([{
      name: 'gru/recurrent',
      pattern: 'weights',
      sparsity: expect.closeTo(0.6, 2) as number,
    }]);
    expect(operand(graph, 'gru', 1).data).toEqual(operand(float, 'gru', 1).data);
    expect(operand(graph, 'gru', 2).data!.filter((w) => w === 0).length).toBeCloseTo(0.6 * 3 * CELLS * CELLS, -1);
    expect(prune(float, { sparsity: 0.5, keep: ['gru/input', 'lstm/recurrent'] }).layers.map(({ name }) => name))
      .toEqual(['gru/recurrent', 'lstm/input']);
  });

  test('does not refit where a bias could not compensate: with a reset gate before the product, or a norm', () => {
    const reset = network(false);
    const [before, after] = [reset, prune(reset, { sparsity: 0.5, samples }).graph].map((graph) =>
      operand(graph, 'gru', 4).data
    );
    expect(after).toEqual(before);
    const recurrent = operand(prune(reset, { sparsity: 0.5, samples }).graph, 'gru', 2).data!;
    const given = operand(reset, 'gru', 2).data!;
    recurrent.forEach((w, i) => expect(w === 0 || w === given[i]).toBe(true));
  });

  test('calibrates on the previous state for every layout and direction of the sequence', () => {
    const batch = 2;
    const time = 5;
    for (const timeMajor of [false, true]) {
      for (const reverse of [false, true]) {
        const b = new GraphBuilder('rows');
        const x = b.input('x', timeMajor ? [time, batch, 3] : [batch, time, 3]);
        const constant = (shape: number[]): Tensor =>
          b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, normal), shape);
        const graph = b.finish([
          b.node('rnn', [x, constant([4, 3]), constant([4, 4]), null], { timeMajor, reverse, activation: 'tanh' }),
        ]);
        const values = Float32Array.from({ length: batch * time * 3 }, normal);
        const [, recurrent] = prunableLayers(graph);
        const found = inputRows(graph, [recurrent!], [values]).get(recurrent!.name)!;
        const h = loadSync(compile(graph)).predict(values);
        const expected: number[][] = [];
        for (let first = 0; first < (timeMajor ? time : batch); first++) {
          for (let second = 0; second < (timeMajor ? batch : time); second++) {
            const t = timeMajor ? first : second;
            const row = first * (timeMajor ? batch : time) + second;
            if (t !== (reverse ? 0 : time - 1)) expected.push(Array.from(h.slice(row * 4, row * 4 + 4)));
          }
        }
        expect(found.count).toBe(batch * (time - 1));
        expect(Array.from({ length: found.count }, (_, i) => Array.from(found.values.slice(i * 4, i * 4 + 4))))
          .toEqual(expected);
      }
    }
  });

  test('makes files with lists that give the same outputs as dense weights, before and after quantization', () => {
    const wide = new GraphBuilder('wide');
    const x = wide.input('x', [1, 6, 64]);
    const constant = (shape: number[], size: number): Tensor =>
      wide.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => size * normal()), shape);
    const graph = wide.finish([
      wide.node('gru', [x, constant([192, 64], 0.2), constant([192, 64], 0.2), null, null], {
        ...along,
        resetAfter: true,
      }, { name: 'gru' }),
    ]);
    const inputs = Array.from({ length: 4 }, () => Float32Array.from({ length: 6 * 64 }, normal));
    for (const pruned of [quantize(prune(graph, { sparsity: 0.8 }).graph, { samples: inputs }),
      prune(quantize(graph, { samples: inputs }), { sparsity: 0.8, samples: inputs }).graph])
    {
      const golden = [{ x: Int8Array.from({ length: 6 * 64 }, () => random.int(-128, 127)) }];
      const files = ([undefined, 'dense'] as const).map((weightLayout) =>
        compile(pruned, { golden, ...(weightLayout && { weightLayout }) })
      );
      const [listed, dense] = files.map((file) => readKlet(file)) as [ReturnType<typeof readKlet>,
        ReturnType<typeof readKlet>];
      expect(listed.debugInfo!.records.find(({ op }) => op === 'gru')).toMatchObject({
        layout: 'blocks',
        density: expect.closeTo(0.2, 1) as number,
      });
      expect(listed.weights.length).toBeLessThan(0.35 * dense.weights.length);
      expect(Buffer.compare(listed.golden!, dense.golden!)).toBe(0);
      for (const file of files) for (const flavor of flavors) expect(loadSync(file, { flavor }).selfTest()).toBe(1);
    }
  });

  test('sensitivity prunes one matrix at a time', () => {
    const found = sensitivity(float, { sparsity: 0.5, samples: unseen });
    expect(found.map(({ name }) => name)).toEqual(['gru/input', 'gru/recurrent', 'lstm/input', 'lstm/recurrent']);
    for (const { error } of found) expect(error).toBeGreaterThan(0);
  });
});
