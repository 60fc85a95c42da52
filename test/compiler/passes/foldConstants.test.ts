import { describe, test } from 'vitest';
import { foldConstants } from '../../../src/compiler/passes/foldConstants';
import type { Graph } from '../../../src/graph/graph';
import { checkPass, constantOf, evaluate, expect, GraphBuilder, operatorsOf, steps } from './suite';

const run = (graph: Graph): Graph => checkPass(graph, (work) => foldConstants(work, evaluate));

describe('foldConstants', () => {
  test('evaluates chains of operators that read only constants', () => {
    const b = new GraphBuilder('folded');
    const w = constantOf(b, [3, 4]);
    const turned = b.node('transpose', [b.node('unary', [w], { kind: 'relu' })], { perm: [1, 0] });
    const y = b.node('binary', [b.input('x', [4, 3]), turned], { kind: 'add', activation: 'none' });
    const after = run(b.finish([y]));
    expect(operatorsOf(after)).toEqual(['binary']);
    expect(after.nodes[0]!.inputs[1]!.data).toBeInstanceOf(Float32Array);
  });

  test('makes outputs constant if they depend on no input', () => {
    const b = new GraphBuilder('constant');
    const y = b.node('unary', [constantOf(b, [5])], { kind: 'abs' });
    const after = run(b.finish([y, b.node('unary', [b.input('x', [2])], { kind: 'neg' })]));
    expect(operatorsOf(after)).toEqual(['unary']);
    expect(after.outputs[0]!.data).toBeInstanceOf(Float32Array);
  });

  test('keeps every used output of a split, in all types', () => {
    const b = new GraphBuilder('split');
    const [first, second] = b.nodeWithOutputs('split', [constantOf(b, [6], 'int8', steps(0.5, 3))], { axis: 0 }, [[2], [
      4,
    ]], { quantization: steps(0.5, 3) });
    const y = b.node(
      'binary',
      [b.input('x', [4], 'int8', steps(0.5, 3)), second!],
      { kind: 'sub', activation: 'none' },
      { quantization: steps(1, 0) },
    );
    expect(operatorsOf(run(b.finish([y, first!])))).toEqual(['binary']);
  });

  test('does not change operators that read an input', () => {
    const b = new GraphBuilder('live');
    const graph = b.finish([
      b.node('binary', [b.input('x', [3]), constantOf(b, [3])], { kind: 'mul', activation: 'none' }),
    ]);
    expect(operatorsOf(run(graph))).toEqual(['binary']);
  });
});
