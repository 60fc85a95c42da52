import { expect, test } from 'vitest';
import { compile, GraphBuilder, quantize, type Tensor } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { flavors } from '../../helpers/flavors';
import { Random } from '../../helpers/random';

const along = { timeMajor: false, reverse: false };

const kinds = ['lstm', 'gru', 'rnn'] as const;
test.each([...kinds.map((op) => [op, 0.6] as const), ...kinds.map((op) => [op, 1e-9] as const)])(
  '%s with weights up to %s becomes int8, close to the float layer and equal in every flavor',
  (op, size) => {
    const b = new GraphBuilder(op);
    const random = new Random(3);
    const x = b.input('x', [1, 20, 4]);
    const gates = { lstm: 4, gru: 3, rnn: 1 }[op];
    const constant = (...shape: number[]) =>
      b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => random.between(-0.6, 0.6)), shape);
    const weights = (rows: number, K: number): Tensor =>
      b.constant(constant(rows, K).data!.map((v) => Number(v) * size / 0.6) as Float32Array, [rows, K]);
    const operands = [x, weights(gates * 8, 4), weights(gates * 8, 8), constant(gates * 8)];
    const layer = {
      lstm: () => b.node('lstm', operands, { ...along, activation: 'tanh', cellClip: 0, projectionClip: 0 }),
      gru: () => b.node('gru', [...operands, constant(24)], { ...along, resetAfter: true }),
      rnn: () => b.node('rnn', operands, { ...along, activation: 'tanh' }),
    };
    const graph = b.finish([layer[op]()]);
    const samples = Array.from({ length: 30 }, () => Float32Array.from({ length: 80 }, () => random.between(-1, 1)));
    const klet = compile(quantize(graph, { samples }));
    const float = loadSync(compile(graph));
    const [first, ...others] = flavors.map((flavor) => loadSync(klet, { flavor }));
    expect(first!.inputs[0]!.dtype).toBe('int8');
    for (const sample of samples) {
      const real = float.predict(sample);
      const found = first!.predict(sample);
      const raw = first!.predict(sample, { output: 'raw' });
      expect(Math.max(...real.map((v, i) => Math.abs(v - found[i]!)))).toBeLessThan(0.04);
      for (const other of others) expect(other.predict(sample, { output: 'raw' })).toEqual(raw);
    }
  },
);
