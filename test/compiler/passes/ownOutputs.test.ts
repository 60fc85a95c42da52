import { describe, test } from 'vitest';
import { ownOutputs } from '../../../src/compiler/passes/ownOutputs';
import { checkPass, constantOf, expect, GraphBuilder, operatorsOf } from './suite';

describe('ownOutputs', () => {
  test('copies outputs that are inputs, constants, or listed twice', () => {
    const b = new GraphBuilder('borrowed');
    const x = b.input('x', [2, 3]);
    const y = b.node('unary', [x], { kind: 'neg' });
    const after = checkPass(b.finish([y, x, constantOf(b, [4]), y]), ownOutputs);
    expect(operatorsOf(after)).toEqual(['unary', 'slice', 'slice', 'slice']);
    expect(new Set(after.outputs).size).toBe(4);
    expect(new Set(after.outputs.map((t) => t.name)).size).toBe(4);
    expect(after.outputs.some((t) => t.data)).toBe(false);
  });

  test('gives copies names that no other output has', () => {
    const b = new GraphBuilder('names');
    const x = b.input('x', [2, 3]);
    const y = b.node('unary', [x], { kind: 'neg' }, { name: 'x_1' });
    const after = checkPass(b.finish([x, y, constantOf(b, [4])]), ownOutputs);
    expect(after.outputs.slice(0, 2).map(({ name }) => name)).toEqual(['x_2', 'x_1']);
    expect(new Set(after.outputs.map(({ name }) => name)).size).toBe(3);
  });

  test('copies a scalar', () => {
    const b = new GraphBuilder('scalar');
    expect(operatorsOf(checkPass(b.finish([b.input('x', [])]), ownOutputs))).toEqual(['slice']);
  });

  test('does not copy outputs that have their own memory', () => {
    const b = new GraphBuilder('own');
    expect(operatorsOf(checkPass(b.finish([b.node('unary', [b.input('x', [3])], { kind: 'abs' })]), ownOutputs)))
      .toEqual(['unary']);
  });
});
