import { describe, test } from 'vitest';
import { fuseActivation } from '../../../src/compiler/passes/fuseActivation';
import type { Graph, Quantization, Tensor } from '../../../src/graph/graph';
import type { FusedActivation, UnaryKind } from '../../../src/graph/operators';
import { checkPass, expect, GraphBuilder, operatorsOf, steps } from './suite';

interface Options {
  kind?: UnaryKind;
  activation?: FusedActivation;
  /** The quantization of the sum and of the result. */
  quantization?: [Quantization, Quantization];
  watched?: boolean;
}

function network({ kind = 'relu6', activation = 'none', quantization, watched = false }: Options): Graph {
  const b = new GraphBuilder('activated');
  const dtype = quantization ? 'int8' : 'float32';
  const own = quantization && steps(0.5, 3);
  const sum = b.node('binary', [b.input('a', [4, 5], dtype, own), b.input('b', [5], dtype, own)], {
    kind: 'add',
    activation,
  }, quantization && { quantization: quantization[0] });
  const y = b.node('unary', [sum], { kind }, quantization && { quantization: quantization[1] });
  return b.finish(watched ? [y, sum] : [y]);
}

describe('fuseActivation', () => {
  test('moves a relu into the operator before it', () => {
    for (const kind of ['relu', 'relu6', 'reluN1To1', 'relu0To1'] as const) {
      for (const quantization of [undefined, [steps(0.5, -3), steps(0.5, -3)]] as Options['quantization'][]) {
        const after = checkPass(network({ kind, ...(quantization && { quantization }) }), fuseActivation);
        expect(operatorsOf(after)).toEqual(['binary']);
        expect(after.nodes[0]!.attributes).toMatchObject({ activation: kind });
      }
    }
  });

  test('moves each relu of a chain of operators', () => {
    const b = new GraphBuilder('chain');
    const x = b.node('binary', [b.input('a', [3]), b.input('b', [3])], { kind: 'mul', activation: 'none' });
    const y = b.node('binary', [b.node('unary', [x], { kind: 'relu' }), x], { kind: 'sub', activation: 'none' });
    expect(operatorsOf(checkPass(b.finish([b.node('unary', [y], { kind: 'relu6' })]), fuseActivation))).toEqual([
      'binary',
      'unary',
      'binary',
    ]);
  });

  test('keeps a relu after a recurrent layer, whose own activation is part of the recurrence', () => {
    const b = new GraphBuilder('recurrent');
    const weights = (shape: number[]): Tensor => b.constant(new Float32Array(shape[0]! * shape[1]!).fill(-0.5), shape);
    const attributes = { timeMajor: false, reverse: false, activation: 'none' as const };
    const h = b.node('rnn', [b.input('x', [1, 4, 2]), weights([3, 2]), weights([3, 3]), null], attributes);
    const after = checkPass(b.finish([b.node('unary', [h], { kind: 'relu' })]), fuseActivation);
    expect(operatorsOf(after)).toEqual(['rnn', 'unary']);
  });

  test('keeps other functions, a second activation, a second reader and another quantization', () => {
    const kept: Options[] = [{ kind: 'tanh' }, { kind: 'leakyRelu' }, { activation: 'relu' }, { watched: true }, {
      quantization: [steps(0.5, -3), steps(0.25, -3)],
    }];
    for (const options of kept) {
      expect(operatorsOf(checkPass(network(options), fuseActivation))).toEqual(['binary', 'unary']);
    }
  });
});
