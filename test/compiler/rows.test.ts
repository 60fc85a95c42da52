import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, GraphBuilder, type Graph, type Tensor } from '../../src/compiler/index';
import { groupColumns } from '../../src/compiler/quantize/layerRows';
import { storedWeights } from '../../src/compiler/quantize/weightGrid';
import { gatherRow, rowLength } from '../../src/compiler/rows';
import { loadSync } from '../../src/index';
import { operatorOf } from '../../src/ops/index';
import { Random } from '../helpers/random';

const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const pair = (max: number): fc.Arbitrary<[number, number]> => fc.tuple(small(max), small(max));
const geometry = fc.record({
  op: fc.constantFrom('conv2d' as const, 'depthwiseConv2d' as const, 'transposeConv2d' as const),
  seed: fc.integer(),
  kernel: pair(3),
  stride: pair(3),
  dilation: pair(2),
  padding: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
  groups: fc.constantFrom(1, 2),
  each: small(2),
});

test('rows times weights are the outputs of convolutions of every kind', () => {
  fc.assert(
    fc.property(geometry, ({ op, seed, kernel, stride, dilation, padding, groups, each }) => {
      const random = new Random(seed);
      const [H, W, C] = [7, 6, 4];
      const random4 = (b: GraphBuilder, shape: number[]): Tensor =>
        b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => random.between(-1, 1)), shape);
      const b = new GraphBuilder('window');
      const x = b.input('x', [1, H, W, C]);
      const out = op === 'depthwiseConv2d' ? C * each : groups * each;
      const window = { stride, dilation, padding, activation: 'none' } as const;
      const build = {
        conv2d: () =>
          b.node('conv2d', [x, random4(b, [out, ...kernel, C / groups]), random4(b, [out])], { ...window, groups }),
        depthwiseConv2d: () =>
          b.node('depthwiseConv2d', [x, random4(b, [1, ...kernel, out]), random4(b, [out])], window),
        transposeConv2d: () =>
          b.node('transposeConv2d', [x, random4(b, [out, ...kernel, C / groups]), random4(b, [out])], {
            ...window,
            groups,
          }, { shape: [1, 9, 8, out] }),
      };
      const graph: Graph = b.finish([build[op]()]);
      const [node] = graph.nodes;
      const values = Float32Array.from({ length: H * W * C }, () => random.between(-1, 1));
      const y = loadSync(compile(graph)).predict(values) as Float32Array;
      const [matrix] = operatorOf(node!.op).weights!.matrices!(node!);
      const layer = { ...matrix!, node: node!, name: node!.name };
      const { N, K, pixels } = layer;
      expect(pixels * N).toBe(y.length);
      const weights = storedWeights(layer);
      const bias = node!.inputs[2]!.data!;
      for (let pixel = 0; pixel < pixels; pixel++) {
        const row = { rows: 1, columns: rowLength(layer), values: new Float32Array(rowLength(layer)) };
        gatherRow(layer, values, pixel, row.values, 0);
        for (let n = 0; n < N; n++) {
          const inputs = groupColumns(layer, row, Math.floor(n * layer.groups / N)).values;
          const sum = inputs.reduce((total, v, k) => total + v * weights[n * K + k]!, Number(bias[n]));
          expect(y[pixel * N + n]).toBeCloseTo(sum, 4);
        }
      }
    }),
    { numRuns: 60 },
  );
});
