import { describe, expect, test } from 'vitest';
import { guessOf, inputKind } from '../../examples/playground/src/guess';
import type { TensorInfo } from '../../src/index';

const tensor = (shape: number[], more: Partial<TensorInfo> = {}): TensorInfo => ({
  name: shape.join('x'),
  dtype: 'float32',
  shape,
  ...more,
});
const image = tensor([1, 96, 96, 3]);
const taskOf = (...shapes: number[][]) =>
  guessOf({ inputs: [image], outputs: shapes.map((shape) => tensor(shape)) }).task;

describe('what a network is for', () => {
  test.each<[what: string, kind: string | undefined, shapes: number[][]]>([['scores', 'classify', [[1, 1000]]], [
    'boxes, classes, scores and their number',
    'detect',
    [[1, 10, 4], [1, 10], [1, 10], [1]],
  ], ['boxes with scores', 'detect', [[1, 4420, 4], [1, 4420, 2]]], ['YOLO', 'detect', [[1, 84, 8400]]], ['MoveNet',
    'pose', [[1, 1, 17, 3]]], ['MoveNet for several people', 'pose', [[1, 6, 56]]], ['a mask', 'segment', [[1, 96, 96,
    1]]], ['masks of classes, channels first', 'segment', [[1, 21, 33, 33]]], ['a picture', undefined, [[1, 192, 192,
    3]]], ['a number', undefined, [[1, 1]]], ['two vectors', undefined, [[1, 10], [1, 20]]]])(
      '%s',
      (_, kind, shapes) => {
        expect(taskOf(...shapes)?.kind).toBe(kind);
      },
    );

  test('a class without a label is the background', () => {
    expect(guessOf({ inputs: [image], outputs: [tensor([1, 3])], labels: ['a', 'b'] }).task).toEqual({
      kind: 'classify',
      background: 0,
    });
  });

  test('nothing that the file says is guessed', () => {
    const preprocessing = { kind: 'image' as const, channels: 3 as const, scale: 1, offset: 0 };
    expect(guessOf({ inputs: [image], outputs: [tensor([1, 3])], preprocessing, task: { kind: 'embed' } })).toEqual({});
  });

  test('values of pixels follow from the quantization of the input', () => {
    const valuesFor = (more: Partial<TensorInfo>) =>
      guessOf({ inputs: [tensor([1, 96, 96, 1], more)], outputs: [tensor([1, 2])] }).preprocessing;
    expect(valuesFor({})).toMatchObject({ channels: 1, scale: 1 / 255, offset: 0 });
    expect(valuesFor({ dtype: 'int8', scale: 1 / 128, zeroPoint: 0 })).toMatchObject({ scale: 1 / 127.5, offset: -1 });
    expect(valuesFor({ dtype: 'int8', scale: 1, zeroPoint: -128 })).toMatchObject({ scale: 1, offset: 0 });
    expect(valuesFor({ dtype: 'uint8', scale: 1 / 255, zeroPoint: 0 })).toMatchObject({ scale: 1 / 255, offset: 0 });
    expect(valuesFor({ dtype: 'uint8' })).toMatchObject({ scale: 1, offset: 0 });
    expect(valuesFor({ dtype: 'int32' })).toMatchObject({ scale: 1, offset: 0 });
  });

  test('long or small inputs are no pictures', () => {
    const kind = (...shape: number[]) => inputKind({ inputs: [tensor(shape)] });
    expect([kind(1, 28, 28, 1), kind(1, 48, 192, 3), kind(1, 3, 240, 320)]).toEqual(['image', 'image', 'image']);
    expect([kind(1, 49, 10, 1), kind(1, 1000, 9), kind(1, 4, 4, 3), kind(1, 300)]).toEqual(Array(4).fill('values'));
    expect(inputKind({ inputs: [image, image] })).toBe('values');
  });
});
