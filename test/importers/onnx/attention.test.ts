import { describe, expect, test } from 'vitest';
import { importOnnx, runOnnx } from './run';
import { onnxTypes, type OnnxGraph, type OnnxNode } from './writer';

const wave = (count: number, from: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(from + 1.3 * i));

interface Sizes {
  batch: number;
  heads: number;
  keyHeads: number;
  queries: number;
  keys: number;
  width: number;
}

const graph = (node: OnnxNode, inputs: OnnxGraph['inputs'], constants: OnnxGraph['constants'] = []): OnnxGraph => ({
  nodes: [node],
  inputs,
  outputs: node.outputs.map((name) => ({ name })),
  constants,
});

/** softmax(Q · Kᵀ · scale + mask) · V, in plain loops over [B][heads][S][D] */
function attention(
  { batch, heads, keyHeads, queries, keys, width }: Sizes,
  [q, k, v]: [number[], number[], number[]],
  change: (score: number, query: number, key: number) => number,
): number[] {
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const from = (b * keyHeads + Math.floor(h / (heads / keyHeads))) * keys * width;
      for (let i = 0; i < queries; i++) {
        const query = q.slice(((b * heads + h) * queries + i) * width, ((b * heads + h) * queries + i + 1) * width);
        const scores = Array.from({ length: keys }, (_, j) => {
          const product = query.reduce((sum, value, d) => sum + value * k[from + j * width + d]!, 0);
          return change(product / Math.sqrt(width), i, j);
        });
        const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
        const total = powers.reduce((a, b) => a + b);
        for (let d = 0; d < width; d++) {
          out.push(powers.reduce((sum, power, j) => sum + power * v[from + j * width + d]!, 0) / total);
        }
      }
    }
  }
  return out;
}

const near = (found: readonly number[], wanted: readonly number[]): void => {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
};

describe('Attention', () => {
  const sizes: Sizes = { batch: 2, heads: 4, keyHeads: 2, queries: 3, keys: 3, width: 5 };
  const shapes = { q: [2, 4, 3, 5], k: [2, 2, 3, 5], v: [2, 2, 3, 5] };
  const inputs = Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
  const values = { q: wave(120, 1), k: wave(60, 2), v: wave(60, 3) };
  const all: [number[], number[], number[]] = [values.q, values.k, values.v];

  test('shares keys among heads, and hides later keys', () => {
    const node = { op: 'Attention', inputs: ['q', 'k', 'v'], outputs: ['y'], attributes: { is_causal: 1 } };
    const { y } = runOnnx(graph(node, inputs), values, 23);
    near(y!, attention(sizes, all, (score, i, j) => (j > i ? -Infinity : score)));
  });

  test('adds a mask, or hides what it does not hold', () => {
    const mask = [1, 0, 1, 1, 1, 0, 0, 1, 1];
    const node = { op: 'Attention', inputs: ['q', 'k', 'v', 'm'], outputs: ['y'] };
    const bool = [{ name: 'm', shape: [3, 3], data: mask, type: onnxTypes.bool }];
    const hidden = attention(sizes, all, (score, i, j) => (mask[i * 3 + j] ? score : -Infinity));
    near(runOnnx(graph(node, inputs, bool), values, 23).y!, hidden);
    const real = [{ name: 'm', shape: [3, 3], data: wave(9, 4) }];
    const added = attention(sizes, all, (score, i, j) => score + wave(9, 4)[i * 3 + j]!);
    near(runOnnx(graph(node, inputs, real), values, 23).y!, added);
  });

  test('caps scores softly, and takes the heads of flat tensors', () => {
    const flat = { batch: 1, heads: 2, keyHeads: 2, queries: 2, keys: 3, width: 2 };
    // [1][S][heads·D] → [heads][S][D]
    const apart = (x: number[], length: number): number[] =>
      [0, 1].flatMap((h) => Array.from({ length }, (_, s) => x.slice(s * 4 + h * 2, s * 4 + h * 2 + 2)).flat());
    const [q, k, v] = [wave(8, 1), wave(12, 2), wave(12, 3)];
    const node = {
      op: 'Attention',
      inputs: ['q', 'k', 'v'],
      outputs: ['y'],
      attributes: { q_num_heads: 2, kv_num_heads: 2, softcap: { float: 1.5 } },
    };
    const ports = [{ name: 'q', shape: [1, 2, 4] }, { name: 'k', shape: [1, 3, 4] }, { name: 'v', shape: [1, 3, 4] }];
    const { y } = runOnnx(graph(node, ports), { q, k, v }, 23);
    const wanted = attention(flat, [apart(q, 2), apart(k, 3), apart(v, 3)], (score) => 1.5 * Math.tanh(score / 1.5));
    near(apart(y!, 2), wanted);
  });

  test('joins the keys of the past', () => {
    const past = { q: [1, 1, 2, 3], k: [1, 1, 1, 3], v: [1, 1, 1, 3], pk: [1, 1, 2, 3], pv: [1, 1, 2, 3] };
    const given = { q: wave(6, 1), k: wave(3, 2), v: wave(3, 3), pk: wave(6, 4), pv: wave(6, 5) };
    const node = { op: 'Attention', inputs: ['q', 'k', 'v', '', 'pk', 'pv'], outputs: ['y', 'key', 'value'] };
    const ports = Object.entries(past).map(([name, shape]) => ({ name, shape }));
    const { y, key, value } = runOnnx(graph(node, ports), given, 23);
    const keys = [...given.pk, ...given.k];
    near(key!, keys);
    near(value!, [...given.pv, ...given.v]);
    const one = { batch: 1, heads: 1, keyHeads: 1, queries: 2, keys: 3, width: 3 };
    near(y!, attention(one, [given.q, keys, [...given.pv, ...given.v]], (score) => score));
  });

  test('is refused with scores as an output', () => {
    const node = { op: 'Attention', inputs: ['q', 'k', 'v'], outputs: ['y', '', '', 'scores'] };
    const network = graph(node, inputs);
    network.outputs = [{ name: 'scores' }];
    expect(() => importOnnx(network, 23)).toThrow('Attention with the scores as an output');
  });
});

describe('RotaryEmbedding', () => {
  test.each([[0, 4], [1, 4], [0, 2]])('turns pairs (interleaved: %i, of %i elements)', (interleaved, turned) => {
    const [batch, heads, length, size, half] = [1, 2, 3, 4, turned / 2];
    const x = wave(batch * heads * length * size, 1);
    const [cos, sin] = [wave(5 * half, 2), wave(5 * half, 3)];
    const positions = [4, 0, 2];
    const node = {
      op: 'RotaryEmbedding',
      inputs: ['x', 'cos', 'sin', 'at'],
      outputs: ['y'],
      attributes: { interleaved, rotary_embedding_dim: turned },
    };
    const constants = [{ name: 'cos', shape: [5, half], data: cos }, { name: 'sin', shape: [5, half], data: sin }, {
      name: 'at',
      shape: [1, 3],
      data: positions,
      type: onnxTypes.int64,
    }];
    const { y } = runOnnx(graph(node, [{ name: 'x', shape: [batch, heads, length, size] }], constants), { x }, 23);
    const wanted = [...x];
    for (let row = 0; row < heads * length; row++) {
      const at = positions[row % length]! * half;
      for (let i = 0; i < half; i++) {
        const first = row * size + (interleaved ? 2 * i : i);
        const second = row * size + (interleaved ? 2 * i + 1 : i + half);
        wanted[first] = cos[at + i]! * x[first]! - sin[at + i]! * x[second]!;
        wanted[second] = sin[at + i]! * x[first]! + cos[at + i]! * x[second]!;
      }
    }
    near(y!, wanted);
  });
});

describe('small operators', () => {
  test('LpNormalization, CenterCropPad and Shrink', () => {
    const run = (
      op: string,
      attributes: OnnxNode['attributes'],
      x: number[],
      shape: number[],
      constants: OnnxGraph['constants'] = [],
    ): number[] =>
      runOnnx(
        graph({ op, inputs: ['x', ...constants.map(({ name }) => name)], outputs: ['y'], attributes: attributes! }, [{
          name: 'x',
          shape,
        }], constants),
        { x },
        22,
      ).y!;
    near(run('LpNormalization', { p: 1, axis: 0 }, [1, -2, 3, 0], [2, 2]), [0.25, -1, 0.75, 0]);
    near(run('LpNormalization', {}, [3, 4, 0, 0], [2, 2]), [0.6, 0.8, 0, 0]);
    const sizes = [{ name: 'size', shape: [2], data: [1, 5], type: onnxTypes.int64 }];
    near(run('CenterCropPad', {}, [1, 2, 3, 4, 5, 6], [3, 2], sizes), [0, 3, 4, 0, 0]);
    near(run('Shrink', { lambd: 1.5, bias: { float: 0.5 } }, [-2, -1, 1, 2], [4]), [-1.5, 0, 0, 1.5]);
  });

  test('a dropout in training is refused', () => {
    const constants = [{ name: 'r', shape: [], data: [0.5] }, {
      name: 't',
      shape: [],
      data: [1],
      type: onnxTypes.bool,
    }];
    const node = { op: 'Dropout', inputs: ['x', 'r', 't'], outputs: ['y'] };
    expect(() => importOnnx(graph(node, [{ name: 'x', shape: [2] }], constants), 17)).toThrow('training_mode');
  });
});
