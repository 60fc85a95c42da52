import { describe, test } from 'vitest';
import { uint8ToInt8 } from '../../../src/compiler/passes/uint8ToInt8';
import { tensorsOf } from '../../../src/graph/edit';
import { checkPass, constantOf, expect, GraphBuilder, steps } from './suite';

describe('uint8ToInt8', () => {
  test('flips the top bit of all quantized tensors except inputs and outputs', () => {
    const b = new GraphBuilder('unsigned');
    const x = b.input('x', [1, 4, 4, 2], 'uint8', steps(0.5, 100));
    const conv = b.node('conv2d', [x, constantOf(b, [3, 2, 2, 2], 'uint8', steps(0.25, 120)),
      constantOf(b, [3], 'int32')], {
      stride: [1, 1],
      dilation: [1, 1],
      padding: [1, 0, 0, 1],
      groups: 1,
      activation: 'relu6',
    }, { quantization: steps(0.05, 10) });
    const sum = b.node('binary', [conv, constantOf(b, [3], 'uint8', steps(0.1, 255))], {
      kind: 'add',
      activation: 'none',
    }, { quantization: steps(0.25, 0) });
    const y = b.node('concat', [sum, conv], { axis: 3, activation: 'none' }, { quantization: steps(0.25, 0) });
    const after = checkPass(b.finish([y, sum]), uint8ToInt8);
    expect(after.inputs.map((t) => [t.name, t.dtype, t.quantization!.zeroPoint[0]])).toEqual([['x', 'uint8', 100]]);
    expect(after.outputs.map((t) => [t.name, t.dtype, t.quantization!.zeroPoint[0]])).toEqual([[y.name, 'uint8', 0], [
      sum.name,
      'uint8',
      0,
    ]]);
    const inside = tensorsOf(after).filter((t) =>
      t.dtype === 'uint8' && !after.inputs.includes(t) && !after.outputs.includes(t)
    );
    expect(inside).toEqual([]);
  });

  test('keeps an input that is also an output, and uint8 without quantization', () => {
    const b = new GraphBuilder('border');
    const x = b.input('x', [3], 'uint8', steps(0.5, 7));
    const plain = b.input('plain', [3], 'uint8');
    const after = checkPass(
      b.finish([x, b.node('slice', [plain], { begin: [2], stride: [-1] }, { shape: [3] })]),
      uint8ToInt8,
    );
    expect(after.outputs.map((t) => t.dtype)).toEqual(['uint8', 'uint8']);
  });

  test('converts a constant that is an output, and an output that is listed twice', () => {
    const b = new GraphBuilder('twice');
    const constant = constantOf(b, [4], 'uint8', steps(0.5, 7));
    const y = b.node('unary', [b.input('x', [4], 'uint8', steps(1, 0))], { kind: 'relu' }, {
      quantization: steps(1, 3),
    });
    checkPass(b.finish([constant, y, y]), uint8ToInt8);
  });

  test('keeps the unsigned numbers as the input of a cast', () => {
    const b = new GraphBuilder('cast');
    const x = b.input('x', [6], 'uint8', steps(0.5, 100));
    const y = b.node('cast', [b.node('unary', [x], { kind: 'relu' }, { quantization: steps(0.5, 100) })], {}, {
      dtype: 'int32',
    });
    checkPass(b.finish([y, b.node('cast', [x], {}, { dtype: 'float32' })]), uint8ToInt8);
  });
});
