import { describe, test } from 'vitest';
import type { CompareKind } from '../../src/graph/operators';
import { checkBroadcasts } from './broadcasts';
import { checkGraph, single, tensor } from './suite';

const kinds: CompareKind[] = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'];

describe('compare', () => {
  for (const type of ['int8', 'uint8', 'float32', 'int32', 'int64', 'bool'] as const) {
    test(`equals the reference for every relation and random broadcasts of ${type}`, () => {
      for (const kind of kinds) {
        checkBroadcasts({ op: 'compare', attributes: { kind }, types: [type, type], result: 'bool' }, 20);
      }
    });
  }

  test('compares int8 values of the same quantization and of different ones as real numbers', () => {
    const all = Int8Array.from({ length: 256 }, (_, i) => i - 128);
    for (const kind of kinds) {
      for (const b of [{ scale: 0.5, zeroPoint: 3 }, { scale: 0.25, zeroPoint: -20 }, {
        scale: 0.0321,
        zeroPoint: 9,
      }]) {
        const inputs = [tensor('a', [256, 1], 'int8', { scale: 0.5, zeroPoint: 3 }), tensor('b', [256], 'int8', b)];
        const graph = single('compare', inputs, { kind }, tensor('y', [256, 256], 'bool'));
        checkGraph(graph, 1, undefined, { a: all, b: all });
      }
    }
  });

  test('treats NaN as unequal to all numbers, zeros as equal and infinities as the largest', () => {
    const numerators = Float32Array.of(0, 1, -1, 0, 0, 1e-45, -1e-45, 3.4e38);
    const denominators = Float32Array.of(0, 0, 0, 1, -1, 1, 1, 1);
    for (const kind of kinds) {
      const p = tensor('p', [8], 'float32');
      const q = tensor('q', [8], 'float32');
      const ratio = tensor('ratio', [8], 'float32');
      const column = tensor('column', [8, 1], 'float32');
      const graph = single('compare', [ratio, column], { kind }, tensor('y', [8, 8], 'bool'));
      graph.inputs = [p, q];
      graph.nodes.unshift({
        op: 'binary',
        name: 'ratio',
        inputs: [p, q],
        outputs: [ratio],
        attributes: { kind: 'div', activation: 'none' },
      }, { op: 'reshape', name: 'column', inputs: [ratio], outputs: [column], attributes: {} });
      checkGraph(graph, 1, undefined, { p: numerators, q: denominators });
    }
  });
});
