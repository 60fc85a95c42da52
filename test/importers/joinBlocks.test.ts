import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { cloneGraph } from '../../src/graph/edit';
import type { AnyNode, DType, Graph, Tensor, TensorData } from '../../src/graph/graph';
import type { Attributes, Pair } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { emitBatchToSpace, emitSpaceToBatch } from '../../src/importers/shared/blocks';
import { joinBlocks } from '../../src/importers/shared/joinBlocks';
import { OperatorImport } from '../../src/importers/shared/operatorImport';
import { UniqueNames } from '../../src/importers/shared/uniqueNames';
import { constant, property, Random, randomInputs, tensor } from '../ops/suite';

interface Spec {
  type: DType;
  size: Pair;
  block: Pair;
  kernel: Pair;
  /** Pixels before the image; those after it fill the last block, and `more` blocks. */
  before: Pair;
  more: number;
  crop: [top: number, left: number, bottom: number, right: number];
  /** Padding of the convolution, in pixels of a block. */
  inner: number;
  isDepthwise: boolean;
  seed: number;
}

/** A convolution of blocks, as converters wrote dilated ones. */
function inBlocks({ type, size, block, kernel, before, more, crop, inner, isDepthwise, seed }: Spec): Graph {
  const random = new Random(seed);
  const names = new UniqueNames();
  const nodes: AnyNode[] = [];
  const q = { scale: 0.5, zeroPoint: 7 };
  const step = (from: Tensor, to: Tensor, emit: (operator: OperatorImport) => void): void => {
    const operator = new OperatorImport('Step', {}, [() => from], [() => to], names);
    emit(operator);
    nodes.push(...operator.nodes);
  };
  const [ci, co] = [5, isDepthwise ? 5 : 6];
  const after = size.map((n, d) => {
    const whole = Math.ceil((n + before[d]!) / block[d]!) + more;
    return Math.max(whole, kernel[d]! - 2 * inner) * block[d]! - n - before[d]!;
  });
  const inside = size.map((n, d) => (n + before[d]! + after[d]!) / block[d]!);
  const result = inside.map((n, d) => n + 2 * inner - kernel[d]! + 1);
  const x = tensor('x', [2, ...size, ci], type, q);
  const items = tensor('items', [2 * block[0] * block[1], ...inside, ci], type, q);
  const out = tensor('out', [2 * block[0] * block[1], ...result, co], type, { scale: 16, zeroPoint: 1 });
  const whole = result.map((n, d) => n * block[d]!);
  const cut = crop.map((n, i) => Math.min(n, Math.floor((whole[i % 2]! - 1) / 2)));
  const y = tensor('y', [2, whole[0]! - cut[0]! - cut[2]!, whole[1]! - cut[1]! - cut[3]!, co], type, {
    scale: 16,
    zeroPoint: 1,
  });
  step(x, items, (operator) => emitSpaceToBatch(operator, x, block, [before[0], after[0]!, before[1], after[1]!]));
  const w = constant(random, 'w', isDepthwise ? [1, ...kernel, co] : [co, ...kernel, ci], type, {
    scale: 0.25,
    zeroPoint: 0,
  });
  const attributes: Attributes['depthwiseConv2d'] = {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [inner, inner, inner, inner],
    activation: 'relu',
  };
  nodes
    .push(isDepthwise
      ? { op: 'depthwiseConv2d', name: 'conv', inputs: [items, w, null], outputs: [out], attributes }
      : {
        op: 'conv2d',
        name: 'conv',
        inputs: [items, w, null],
        outputs: [out],
        attributes: { ...attributes, groups: 1 },
      });
  step(out, y, (operator) => emitBatchToSpace(operator, out, block, [cut[0]!, cut[2]!, cut[1]!, cut[3]!]));
  return { name: 'blocks', inputs: [x], outputs: [y], nodes };
}

function run(graph: Graph, inputs: Record<string, TensorData>): number[] {
  return Array.from(loadSync(compile(graph)).predict(inputs, { output: 'raw' }) as Int8Array);
}

const pair = (least: number, most: number): fc.Arbitrary<Pair> =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));

test('convolutions of blocks become dilated ones with the same bits', () => {
  const spec = fc.record<Spec>({
    type: fc.constantFrom<DType>('int8', 'float32', 'float32'),
    size: pair(1, 8),
    block: pair(1, 3),
    kernel: pair(1, 3),
    before: pair(0, 4),
    more: fc.nat(1),
    crop: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
    inner: fc.nat(1),
    isDepthwise: fc.boolean(),
    seed: fc.nat(),
  });
  let joinedCount = 0;
  property(spec, 150, (each) => {
    const blocks = inBlocks(each);
    const joined = cloneGraph(blocks);
    joinBlocks(joined);
    if (joined.nodes.length === 1) joinedCount++;
    if (each.type === 'int8') expect(joined.nodes).toHaveLength(blocks.nodes.length);
    const inputs = randomInputs(blocks, each.seed);
    expect(run(joined, inputs)).toEqual(run(blocks, inputs));
  });
  expect(joinedCount).toBeGreaterThan(40);
});

test('blocks whose tensors have other uses stay', () => {
  const graph = inBlocks({
    type: 'float32',
    size: [4, 4],
    block: [2, 2],
    kernel: [3, 3],
    before: [2, 2],
    more: 1,
    crop: [0, 0, 0, 0],
    inner: 0,
    isDepthwise: false,
    seed: 1,
  });
  const count = graph.nodes.length;
  const items = graph.nodes.find(({ op }) => op === 'conv2d')!.inputs[0]!;
  graph.outputs.push(items);
  joinBlocks(graph);
  expect(graph.nodes).toHaveLength(count);
  graph.outputs.pop();
  joinBlocks(graph);
  expect(graph.nodes.map(({ op }) => op)).toEqual(['conv2d']);
  expect(graph.nodes[0]!.attributes).toMatchObject({ dilation: [2, 2], padding: [2, 2, 2, 2] });
});
