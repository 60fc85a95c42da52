import { describe, test } from 'vitest';
import { dropDead } from '../../../src/compiler/passes/dropDead';
import { checkPass, expect, GraphBuilder, operatorsOf } from './suite';

describe('dropDead', () => {
  test('removes chains of nodes whose results are unused, and keeps inputs', () => {
    const b = new GraphBuilder('dead');
    const x = b.input('x', [4]);
    const unused = b.input('unused', [2]);
    b.node('unary', [b.node('unary', [x], { kind: 'relu' })], { kind: 'tanh' });
    const y = b.node('unary', [x], { kind: 'neg' });
    b.node('binary', [y, x], { kind: 'add', activation: 'none' });
    const after = checkPass(b.finish([y]), dropDead);
    expect(operatorsOf(after)).toEqual(['unary']);
    expect(after.inputs.map((t) => t.name)).toEqual([x.name, unused.name]);
  });

  test('keeps an operator if one of its outputs is used', () => {
    const b = new GraphBuilder('half');
    const [, second] = b.nodeWithOutputs('split', [b.input('x', [4])], { axis: 0 }, [[1], [3]]);
    expect(operatorsOf(checkPass(b.finish([second!]), dropDead))).toEqual(['split']);
  });
});
