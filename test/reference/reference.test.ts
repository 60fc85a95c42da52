import { describe, expect, test } from 'vitest';
import { elementCount, type AnyNode, type DType, type Graph, type Node, type Tensor,
  type TensorData } from '../../src/graph/graph';
import type { Attributes, OperatorName, UnaryKind } from '../../src/graph/operators';
import { operators } from '../../src/ops/index';
import { addParameters } from './binary';
import { reference, runNode, runReference } from './index';
import { activationRange, requantize, roundHalfAwayFromZero, roundHalfEven } from './requantize';
import { nearestIndex } from './resize2d';
import { allocate } from './support';

// The reference against small examples that were computed by hand.

const none = 'none' as const;
const square = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]];
const plainConv = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], activation: none } as const;

function tensor(dtype: DType, shape: number[], values?: number[], quantization?: Tensor['quantization']): Tensor {
  const made: Tensor = { name: 't', shape, dtype, ...(quantization && { quantization }) };
  if (values) {
    made.data = allocate(made);
    made.data.set(values);
    expect(values.length, 'elements of the example').toBe(elementCount(shape));
  }
  return made;
}
const f32 = (shape: number[], values?: number[]) => tensor('float32', shape, values);
const i32 = (shape: number[], values?: number[]) => tensor('int32', shape, values);
const i8 = (shape: number[], scale: number, zeroPoint: number, values?: number[]) =>
  tensor('int8', shape, values, { scale: [scale], zeroPoint: [zeroPoint], axis: 0 });
const u8 = (shape: number[], scale: number, zeroPoint: number, values?: number[]) => ({
  ...i8(shape, scale, zeroPoint),
  dtype: 'uint8' as const,
  ...(values && { data: Uint8Array.from(values) }),
});
const perChannel = (shape: number[], scale: number[], values: number[], axis = 0) =>
  tensor('int8', shape, values, { scale, zeroPoint: scale.map(() => 0), axis });

/** Runs an operator. The attributes are untyped, so that examples can be short literals. */
function runAll<K extends OperatorName>(
  op: K,
  attributes: unknown,
  inputs: (Tensor | null)[],
  outputs: Tensor[],
): number[][] {
  const node = { op, name: 'n', inputs, outputs, attributes: attributes as Attributes[K] } as Node<K>;
  const results = runNode(node as AnyNode, inputs.map((t) => (t?.data ?? null) as TensorData | null));
  return results.map((result, i) => {
    expect(result.constructor).toBe(allocate(outputs[i]!).constructor);
    return Array.from(result);
  });
}
const run = <K extends OperatorName>(op: K, attributes: unknown, inputs: (Tensor | null)[], out: Tensor): number[] =>
  runAll(op, attributes, inputs, [out])[0]!;

const close = (values: number[]) => values.map((value) => expect.closeTo(value, 6) as number);

describe('rounding and requantization', () => {
  test('roundHalfEven rounds ties to the even neighbour', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 2.51].map(roundHalfEven).map((x) => x + 0)).toEqual([
      0,
      2,
      2,
      0,
      -2,
      -2,
      0,
      3,
    ]);
  });

  test('roundHalfAwayFromZero rounds ties, and only ties, away from zero', () => {
    expect([0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994, -2.4].map(roundHalfAwayFromZero).map((x) => x + 0))
      .toEqual([1, 2, 3, -1, -3, 0, -2]);
  });

  test('requantize rounds ties to even, adds the zero point and clamps', () => {
    expect([1, 3, 5, -1, -3, 1000, -1000].map((acc) => requantize(acc, 0.5, 10, [-128, 127]))).toEqual([10, 12, 12, 10,
      8, 127, -128]);
  });

  test('requantize rounds the accumulator to float32 first', () => {
    // 2^24 + 1 is not a float32 and becomes 2^24, so the product is the tie 0.5, which rounds to 0.
    expect(requantize(2 ** 24 + 1, 2 ** -25, 0, [-128, 127])).toBe(0);
  });

  test('activationRange quantizes the bounds of a fused activation', () => {
    expect(activationRange('none', i8([1], 0.1, -10))).toEqual([-128, 127]);
    expect(activationRange('relu', i8([1], 0.1, -10))).toEqual([-10, 127]);
    expect(activationRange('relu6', i8([1], 0.1, -10))).toEqual([-10, 50]);
    expect(activationRange('relu6', i8([1], 0.01, -128))).toEqual([-128, 127]);
    expect(activationRange('reluN1To1', i8([1], 0.5, 3))).toEqual([1, 5]);
    expect(activationRange('relu0To1', u8([1], 0.5, 3))).toEqual([3, 5]);
  });
});

describe('convolutions and products', () => {
  test('conv2d adds the products of a window and the bias', () => {
    const x = f32([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const w = f32([1, 2, 2, 1], [1, 10, 100, 1000]);
    expect(run('conv2d', { ...plainConv, groups: 1 }, [x, w, f32([1], [0.5])], f32([1, 2, 2, 1]))).toEqual([5421.5,
      6532.5, 8754.5, 9865.5]);
  });

  test('conv2d takes strides, dilations and padding', () => {
    const x = f32([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const w = f32([1, 2, 2, 1], [1, 10, 100, 1000]);
    const attributes = { stride: [2, 2], dilation: [2, 2], padding: [1, 1, 1, 1], groups: 1, activation: none };
    // Each output has one tap on the centre pixel 5; its other taps are in the padding.
    expect(run('conv2d', attributes, [x, w, null], f32([1, 2, 2, 1]))).toEqual([5000, 500, 50, 5]);
  });

  test('conv2d combines channels only within their group', () => {
    const x = f32([1, 1, 1, 4], [1, 2, 3, 4]);
    const w = f32([2, 1, 1, 2], [1, 10, 1, 10]);
    expect(run('conv2d', { ...plainConv, groups: 2 }, [x, w, null], f32([1, 1, 1, 2]))).toEqual([21, 43]);
  });

  test('conv2d in int8 requantizes per channel, pads with the zero point and clamps to relu', () => {
    const x = i8([1, 1, 2, 1], 0.5, 3, [7, 1]); // (q − 3): 4, −2
    const w = perChannel([2, 1, 3, 1], [0.25, 0.5], [1, 2, 3, -1, -2, -3]);
    const attributes = { ...plainConv, padding: [0, 1, 0, 1], groups: 1 };
    // Channel 0, scale 0.125: (8 − 6) + 4 = 6 → 0.75, (4 − 4) + 4 → 0.5, a tie.
    // Channel 1, scale 0.25: −2 + 8 → 1.5, a tie, 0 + 8 → 2.
    const inputs = [x, w, i32([2], [4, 8])];
    expect(run('conv2d', attributes, inputs, i8([1, 1, 2, 2], 1, -5))).toEqual([-4, -3, -5, -3]);
    const negative = [x, w, i32([2], [-40, -40])];
    expect(run('conv2d', { ...attributes, activation: 'relu' }, negative, i8([1, 1, 2, 2], 1, -5))).toEqual([-5, -5, -5,
      -5]);
  });

  test('depthwiseConv2d computes output channels c·multiplier + m from input channel c', () => {
    const x = f32([1, 1, 2, 2], [1, 2, 3, 4]);
    const w = f32([1, 1, 2, 4], [1, 2, 3, 4, 10, 20, 30, 40]);
    expect(run('depthwiseConv2d', plainConv, [x, w, null], f32([1, 1, 1, 4]))).toEqual([31, 62, 126, 168]);
  });

  test('depthwiseConv2d in int8 requantizes per channel', () => {
    const x = i8([1, 1, 1, 2], 1, -1, [3, 4]);
    const w = perChannel([1, 1, 1, 2], [0.5, 1], [3, -3], 3);
    expect(run('depthwiseConv2d', plainConv, [x, w, i32([2], [0, 1])], i8([1, 1, 1, 2], 1, 0))).toEqual([6, -14]);
  });

  test('transposeConv2d adds the product of each pixel and the kernel to a window of the output', () => {
    const x = f32([1, 1, 2, 1], [1, 10]);
    const w = f32([1, 1, 3, 1], [1, 2, 3]);
    const attributes = { ...plainConv, groups: 1, stride: [1, 2] };
    expect(run('transposeConv2d', attributes, [x, w, null], f32([1, 1, 5, 1]))).toEqual([1, 2, 13, 20, 30]);
    const cropped = { ...attributes, padding: [0, 1, 0, 0] };
    expect(run('transposeConv2d', cropped, [x, w, f32([1], [0.5])], f32([1, 1, 4, 1]))).toEqual([2.5, 13.5, 20.5,
      30.5]);
  });

  test('transposeConv2d moves dilated taps apart, and keeps groups apart', () => {
    const x = f32([1, 1, 2, 2], [1, 2, 10, 20]);
    const w = f32([2, 1, 2, 1], [1, 3, 5, 7]);
    const attributes = { ...plainConv, dilation: [1, 2], groups: 2 };
    // channel 0: 1 and 10, by the taps 1 and 3, which are two pixels apart; channel 1 likewise
    expect(run('transposeConv2d', attributes, [x, w, null], f32([1, 1, 4, 2]))).toEqual([1, 10, 10, 100, 3, 14, 30,
      140]);
  });

  test('fullyConnected multiplies each row by each row of the weights', () => {
    const attributes = { activation: none };
    expect(run(
      'fullyConnected',
      attributes,
      [f32([2, 2], [1, 2, 3, 4]), f32([2, 2], [1, 10, 100, 1000]), null],
      f32([2, 2]),
    )).toEqual([21, 2100, 43, 4300]);
    const inputs = [i8([1, 3], 0.1, -128, [-127, -126, 127]), i8([1, 3], 0.1, 0, [127, -127, 1]), i32([1], [-30])];
    // 127 − 254 + 255 − 30 = 98, scale 1
    expect(run('fullyConnected', attributes, inputs, i8([1, 1], 0.01, 5))).toEqual([103]);
  });

  test('fullyConnected starts from the bias, and rounds each product and sum to float32', () => {
    // 2^24 + 1 + 1 stays 2^24 when each sum is rounded.
    const inputs = [f32([1, 2], [1, 1]), f32([1, 2], [1, 1]), f32([1], [2 ** 24])];
    expect(run('fullyConnected', { activation: none }, inputs, f32([1, 1]))).toEqual([2 ** 24]);
  });

  test('batchMatmul broadcasts batches and takes transposed operands', () => {
    const multiply = (transposeA: boolean, transposeB: boolean, a: Tensor, b: Tensor, out: Tensor) =>
      run('batchMatmul', { transposeA, transposeB }, [a, b], out);
    const [a, b] = [f32([2, 1, 2], [1, 2, 3, 4]), f32([2, 2], [1, 10, 100, 1000])];
    expect(multiply(false, false, a, b, f32([2, 1, 2]))).toEqual([201, 2010, 403, 4030]);
    expect(multiply(false, true, a, b, f32([2, 1, 2]))).toEqual([21, 2100, 43, 4300]);
    expect(multiply(true, false, f32([2, 2], [1, 2, 3, 4]), b, f32([2, 2]))).toEqual([301, 3010, 402, 4020]);
    expect(multiply(false, false, i8([1, 2], 1, 1, [2, 3]), i8([2, 1], 1, -1, [4, 5]), i8([1, 1], 1, 0))).toEqual([17]);
  });

  test('transposeConv2d in int8 requantizes, and adds nothing where no pixel is read', () => {
    const inputs = [i8([1, 1, 2, 1], 0.5, 1, [3, -2]), perChannel([1, 1, 2, 1], [0.5], [4, 6]), i32([1], [2])];
    // (q − 1) is 2 and −3. Products 8, 12, −12, −18 plus the bias 2, times 0.25: 2.5, 3.5, −2.5,
    // −4. Ties round to even.
    const attributes = { ...plainConv, groups: 1, stride: [1, 2] };
    expect(run('transposeConv2d', attributes, inputs, i8([1, 1, 4, 1], 1, 10))).toEqual([12, 14, 8, 6]);
  });

  test('conv2d in int8 is within 0.501 quantization units of float32 for arbitrary values', () => {
    const q = (count: number, factor: number) => Array.from({ length: count }, (_, i) => (i * factor + 11) % 255 - 127);
    const [x, w, bias] = [q(2 * 5 * 4 * 6, 37), q(3 * 3 * 2 * 6, 101), [500, -4000, 0]];
    const [sx, sw, so] = [0.05, [0.01, 0.02, 0.005], 0.9];
    const attributes = { stride: [2, 1], dilation: [1, 1], padding: [1, 1, 0, 0], groups: 1, activation: none };
    const quantized = [i8([2, 5, 4, 6], sx, 9, x), perChannel([3, 3, 2, 6], sw, w), i32([3], bias)];
    const integers = run('conv2d', attributes, quantized, i8([2, 2, 4, 3], so, -20));
    const reals = run(
      'conv2d',
      attributes,
      [f32([2, 5, 4, 6], x.map((v) => sx * (v - 9))), f32([3, 3, 2, 6], w.map((v, i) => v * sw[Math.floor(i / 36)]!)),
        f32([3], bias.map((v, c) => v * sx * sw[c]!))],
      f32([2, 2, 4, 3]),
    );
    integers.forEach((v, i) => {
      expect(Math.abs(v - Math.min(127, Math.max(-128, reals[i]! / so - 20)))).toBeLessThan(0.501);
    });
    expect(new Set(integers).size).toBeGreaterThan(20);
  });
});

describe('pools and reductions', () => {
  const window = { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 1, 1], activation: none };

  test('averagePool2d divides by the number of pixels inside the image', () => {
    expect(run('averagePool2d', window, [f32([1, 2, 2, 1], [1, 2, 3, 6])], f32([1, 2, 2, 1]))).toEqual([3, 4, 4.5, 6]);
  });

  test('averagePool2d in int8 rounds halves away from zero', () => {
    const valid = { ...window, kernel: [1, 2], padding: [0, 0, 0, 0] };
    expect(run('averagePool2d', valid, [i8([1, 1, 3, 1], 1, 0, [1, 2, -5])], i8([1, 1, 2, 1], 1, 0))).toEqual([2, -2]);
    expect(run(
      'averagePool2d',
      { ...valid, activation: 'relu' },
      [i8([1, 1, 3, 1], 1, 0, [1, 2, -5])],
      i8([1, 1, 2, 1], 1, 0),
    )).toEqual([2, 0]);
    expect(run('averagePool2d', valid, [u8([1, 1, 2, 1], 1, 0, [200, 255])], u8([1, 1, 1, 1], 1, 0))).toEqual([228]);
  });

  test('maxPool2d ignores the padding, even if all values are negative', () => {
    expect(run('maxPool2d', window, [i8([1, 2, 2, 1], 1, 5, [-10, -20, -30, -40])], i8([1, 2, 2, 1], 1, 5))).toEqual([
      -10,
      -20,
      -30,
      -40,
    ]);
    expect(run('maxPool2d', window, [f32([1, 2, 2, 1], [1, 2, 3, 4])], f32([1, 2, 2, 1]))).toEqual([4, 4, 4, 4]);
  });

  test('reduce takes any axes, and keeps or drops them', () => {
    const x = f32([2, 3], [1, 2, 3, 4, 5, 7]);
    expect(run('reduce', { kind: 'sum', axes: [0] }, [x], f32([3]))).toEqual([5, 7, 10]);
    expect(run('reduce', { kind: 'mean', axes: [1] }, [x], f32([2, 1]))).toEqual([2, Math.fround(16 / 3)]);
    expect(run('reduce', { kind: 'max', axes: [0, 1] }, [x], f32([]))).toEqual([7]);
    expect(run('reduce', { kind: 'min', axes: [1] }, [x], f32([2]))).toEqual([1, 4]);
    expect(run('reduce', { kind: 'prod', axes: [1] }, [x], f32([2]))).toEqual([6, 140]);
    expect(run('reduce', { kind: 'prod', axes: [0] }, [i32([2, 1], [3, -4])], i32([1]))).toEqual([-12]);
  });

  test('reduce in int8 adds exactly and requantizes once', () => {
    const x = i8([1, 4], 0.5, 10, [11, 12, 13, 13]); // real: 0.5, 1, 1.5, 1.5
    expect(run('reduce', { kind: 'sum', axes: [1] }, [x], i8([1], 0.25, -1))).toEqual([17]);
    expect(run('reduce', { kind: 'mean', axes: [1] }, [x], i8([1], 0.5, 0))).toEqual([2]);
    expect(run('reduce', { kind: 'max', axes: [1] }, [x], i8([1], 0.25, 0))).toEqual([6]);
    // 1·2, ·3, ·3 and a last rescaling, each times 0.5/0.125^(1/4) = 0.841 and rounded: 2, 5, 13,
    // 11
    expect(run('reduce', { kind: 'prod', axes: [1] }, [x], i8([1], 0.125, 0))).toEqual([11]);
  });

  test('mean in int8 rounds to even for images, truncates within one quantization, else rounds away from zero', () => {
    const values = [1, 2, 2, 1, -1, -1, -2, -2]; // the sums of four values are 6 and −6
    const out = (shape: number[], zeroPoint: number) => i8(shape, 1, zeroPoint);
    expect(run('reduce', { kind: 'mean', axes: [1, 2] }, [i8([2, 2, 2, 1], 1, 0, values)], out([2, 1], 5))).toEqual([7,
      3]);
    expect(run('reduce', { kind: 'mean', axes: [1] }, [i8([2, 4], 0.5, 0, [2, 4, 4, 2, -2, -4, -4, -2])], out([2], 0)))
      .toEqual([2, -2]);
    expect(run('reduce', { kind: 'mean', axes: [1] }, [i8([2, 4], 1, 0, values)], out([2], 0))).toEqual([1, -1]);
  });

  test('argmax gives the first of equal values', () => {
    expect(run('argmax', { axis: 1, kind: 'max' }, [f32([2, 3], [1, 5, 5, 7, 2, 7])], i32([2]))).toEqual([1, 0]);
    expect(run('argmax', { axis: 0, kind: 'min' }, [i8([2, 2], 1, 0, [1, -5, 1, -6])], i32([2]))).toEqual([0, 1]);
  });
});

describe('element by element', () => {
  const binary = (kind: string, a: Tensor, b: Tensor, out: Tensor, activation = 'none') =>
    run('binary', { kind, activation }, [a, b], out);

  test('binary broadcasts as numpy does', () => {
    const [column, row] = [f32([2, 1], [1, 2]), f32([3], [10, 20, 30])];
    expect(binary('add', column, row, f32([2, 3]))).toEqual([11, 21, 31, 12, 22, 32]);
    expect(binary('sub', column, row, f32([2, 3]), 'reluN1To1')).toEqual([-1, -1, -1, -1, -1, -1]);
    expect(binary('div', row, f32([], [4]), f32([3]))).toEqual([2.5, 5, 7.5]);
    expect(binary('squaredDifference', row, f32([1], [12]), f32([3]))).toEqual([4, 64, 324]);
    expect(binary('maximum', row, f32([1], [15]), f32([3]))).toEqual([15, 20, 30]);
  });

  test('binary in int32 wraps around and truncates quotients', () => {
    expect(binary('add', i32([1], [2147483647]), i32([1], [1]), i32([1]))).toEqual([-2147483648]);
    expect(binary('div', i32([2], [-7, 7]), i32([2], [2, 0]), i32([2]))).toEqual([-3, 0]);
  });

  test('addParameters gives multipliers of 21 bits', () => {
    expect(addParameters(1, 0.5, 1, false)).toEqual({ multiplierA: 2 ** 20, multiplierB: 2 ** 19, shift: 20 });
    expect(addParameters(0.75, 3, 1, true)).toEqual({ multiplierA: 3 * 2 ** 17, multiplierB: -3 * 2 ** 19, shift: 19 });
    expect(addParameters(2 ** -10, 2 ** -12, 1, false)).toEqual({
      multiplierA: 2 ** 20,
      multiplierB: 2 ** 18,
      shift: 30,
    });
  });

  test('add and sub in int8 round halves up and saturate', () => {
    const [a, b] = [i8([5], 0.5, 1, [2, 4, -2, 127, -128]), i8([5], 1, -1, [-1, -1, -1, 127, -128])];
    // real values: a 0.5 1.5 −1.5 63 −64.5, b 0 0 0 128 −127
    expect(binary('add', a, b, i8([5], 1, 0))).toEqual([1, 2, -1, 127, -128]);
    expect(binary('sub', a, b, i8([5], 1, 0))).toEqual([1, 2, -1, -65, 63]);
    expect(binary('add', a, b, i8([5], 1, 0), 'relu')).toEqual([1, 2, 0, 127, 0]);
  });

  test('mul in int8 rounds halves to even', () => {
    expect(binary('mul', i8([4], 0.5, 0, [1, 3, 5, -3]), i8([1], 1, 4, [5]), i8([4], 1, 7))).toEqual([7, 9, 9, 5]);
  });

  test('div and squaredDifference in int8 compute with real numbers', () => {
    expect(binary('div', i8([3], 0.5, 0, [6, -5, 7]), i8([3], 1, 0, [2, 1, 0]), i8([3], 0.5, 0))).toEqual([3, -5, 127]);
    expect(binary('squaredDifference', i8([2], 0.5, 0, [6, 1]), i8([2], 0.5, 1, [2, 2]), i8([2], 0.5, -100))).toEqual([
      -88,
      -100,
    ]); // 12.5 and 0.5: ties, to even
  });

  test('minimum and maximum in int8 compare in the output quantization', () => {
    expect(binary('minimum', i8([2], 1, 0, [3, -4]), i8([2], 1, 0, [2, 5]), i8([2], 1, 0))).toEqual([2, -4]);
    expect(binary('maximum', i8([2], 1, 0, [3, -4]), i8([2], 0.5, 2, [10, -20]), i8([2], 1, 0))).toEqual([4, -4]);
  });

  const unary = (kind: UnaryKind, x: number[], alpha?: number) =>
    run('unary', { kind, alpha }, [f32([x.length], x)], f32([x.length]));

  test('unary functions have their textbook values', () => {
    expect(unary('relu6', [-1, 3, 9])).toEqual([0, 3, 6]);
    expect(unary('leakyRelu', [-2, 2], 0.25)).toEqual([-0.5, 2]);
    expect(unary('hardSwish', [-4, -1, 1, 4])).toEqual(close([0, -1 / 3, 2 / 3, 4]));
    expect(unary('logistic', [0, Math.log(3), -1000])).toEqual(close([0.5, 0.75, 0]));
    expect(unary('elu', [-1, 2])).toEqual(close([Math.exp(-1) - 1, 2]));
    expect(unary('gelu', [-1, 0, 1, 3])).toEqual(close([-0.15865525, 0, 0.84134475, 2.99595031]));
    expect(unary('geluTanh', [1])).toEqual(close([0.84119199]));
    expect(unary('rsqrt', [4, 0.25])).toEqual([0.5, 2]);
    expect(unary('round', [0.5, 1.5, -2.5, 2.4])).toEqual([0, 2, -2, 2]);
    expect(unary('floor', [-1.5, 1.5])).toEqual([-2, 1]);
    expect(unary('tanh', [Math.log(2)])).toEqual(close([0.6]));
    // Abramowitz and Stegun, tables 7.1, 4.6, 4.17 and 4.14, and 4.15
    expect(unary('erf', [0.5, -1, 2])).toEqual(close([0.52049988, -0.84270079, 0.99532227]));
    expect(unary('tan', [0.5, -1])).toEqual(close([0.54630249, -1.55740772]));
    expect(['asinh', 'atan', 'asin', 'acos'].map((kind) => unary(kind as UnaryKind, [0.5])[0]))
      .toEqual(close([0.48121183, 0.46364761, 0.52359878, 1.04719755]));
    expect(['sinh', 'cosh', 'acosh'].map((kind) => unary(kind as UnaryKind, [2])[0]))
      .toEqual(close([3.62686041, 3.76219569, 1.31695790]));
    expect(unary('atanh', [0.6])).toEqual(close([Math.log(2)]));
    expect(unary('softplus', [0, Math.log(2), -1000])).toEqual(close([Math.log(2), Math.log(3), 0]));
    expect(unary('mish', [1])).toEqual(close([0.86509839]));
    expect(unary('swish', [1, -1])).toEqual(close([0.73105858, -0.26894142]));
    expect(unary('softsign', [3, -1])).toEqual(close([0.75, -0.5]));
    expect(unary('celu', [-1, 2], 2)).toEqual(close([-0.78693868, 2]));
    expect(unary('selu', [-1, 1])).toEqual(close([-1.11133072, 1.05070102]));
    expect(unary('hardSigmoid', [-3, 1, 3])).toEqual(close([0, 0.7, 1]));
    expect(unary('thresholdedRelu', [1, 1.5])).toEqual([0, 1.5]);
    expect(unary('reciprocal', [-4])).toEqual([-0.25]);
    expect(unary('sign', [-4, 0, 3])).toEqual([-1, 0, 1]);
  });

  test('unary in int8 applies the function to the real number of each value', () => {
    const x = i8([4], 0.5, 1, [1, 3, 127, -128]); // 0, 1, 63, −64.5
    expect(run('unary', { kind: 'logistic' }, [x], i8([4], 1 / 256, -128))).toEqual([0, 59, 127, -128]);
    expect(run('unary', { kind: 'neg' }, [x], i8([4], 1, 0))).toEqual([0, -1, -63, 64]); // 64.5: a tie, to even
    expect(run('unary', { kind: 'log' }, [x], i8([4], 1, 3))).toEqual([-128, 3, 7, 3]);
  });

  test('unary in int8 rounds as TFLite and XNNPACK do', () => {
    const x = i8([4], 1, 0, [-3, -2, 2, 3]);
    expect(run('unary', { kind: 'leakyRelu', alpha: 0.3 }, [x], i8([4], 0.5, 0))).toEqual([-2, -1, 4, 6]);
    expect(run('unary', { kind: 'leakyRelu', alpha: 0.5 }, [x], i8([4], 1, 0))).toEqual([-2, -1, 2, 3]);
    expect(run('unary', { kind: 'relu' }, [x], i8([4], 2, 5))).toEqual([5, 5, 6, 7]);
    expect(run('unary', { kind: 'abs' }, [x], i8([4], 2, 5))).toEqual([7, 6, 6, 7]);
    // −1·2/6, 1·4/6, 3 and 0 in units of 1/16
    expect(run('unary', { kind: 'hardSwish' }, [i8([4], 0.125, -8, [-16, 0, 16, -32])], i8([4], 1 / 16, 0))).toEqual([
      -5,
      11,
      48,
      0,
    ]);
  });

  test('prelu applies a slope per channel', () => {
    expect(run('prelu', {}, [f32([2, 2], [-2, -2, 3, 3]), f32([2], [0.5, 2])], f32([2, 2]))).toEqual([-1, -4, 3, 3]);
    const x = i8([2, 2], 0.5, 1, [-3, -3, 5, 1]); // −2 −2 2 0
    expect(run('prelu', {}, [x, i8([2], 0.5, 1, [2, 5])], i8([2, 2], 0.25, -10))).toEqual([-14, -26, -2, -10]);
  });
});

describe('rows', () => {
  test('softmax divides each exponential by their sum', () => {
    const x = f32([2, 2], [0, Math.log(3), 1000, 1000]);
    expect(run('softmax', { beta: 1 }, [x], f32([2, 2]))).toEqual(close([0.25, 0.75, 0.5, 0.5]));
    expect(run('softmax', { beta: 2 }, [x], f32([2, 2]))).toEqual(close([0.1, 0.9, 0.5, 0.5]));
    expect(run('softmax', { beta: 1 }, [i8([1, 2], Math.log(3) / 10, 5, [0, 10])], i8([1, 2], 1 / 256, -128))).toEqual([
      -64,
      64,
    ]);
  });

  test('logSoftmax is the logarithm of softmax', () => {
    expect(run('logSoftmax', {}, [f32([1, 2], [0, Math.log(3)])], f32([1, 2])))
      .toEqual(close([Math.log(0.25), Math.log(0.75)]));
    expect(run('logSoftmax', {}, [i8([1, 2], 1, 0, [0, 0])], i8([1, 2], 16 / 256, 127))).toEqual([116, 116]);
  });

  test('l2Normalize scales rows to length one', () => {
    expect(run('l2Normalize', { epsilon: 1e-6 }, [f32([2, 2], [3, 4, 0, 0])], f32([2, 2])))
      .toEqual(close([0.6, 0.8, 0, 0]));
    expect(run('l2Normalize', { epsilon: 1e-6 }, [i8([1, 2], 0.1, 1, [4, -3])], i8([1, 2], 1 / 128, 0))).toEqual([77,
      -102]);
  });
});

describe('moving elements', () => {
  const matrix = f32([2, 3], [1, 2, 3, 4, 5, 6]);

  test('concat joins along its axis and requantizes', () => {
    expect(run('concat', { axis: 1, activation: none }, [matrix, f32([2, 1], [7, 8])], f32([2, 4]))).toEqual([1, 2, 3,
      7, 4, 5, 6, 8]);
    const [a, b] = [i8([2], 1, 0, [1, 100]), i8([2], 0.5, 4, [9, 7])];
    // the real values of b are 2.5 and 1.5; ties round to even
    expect(run('concat', { axis: 0, activation: none }, [a, b], i8([4], 1, 0))).toEqual([1, 100, 2, 2]);
  });

  test('split separates along its axis', () => {
    expect(runAll('split', { axis: 1 }, [matrix], [f32([2, 1]), f32([2, 2])])).toEqual([[1, 4], [2, 3, 5, 6]]);
  });

  test('slice starts at any element and takes negative strides', () => {
    expect(run('slice', { begin: [1, 0], stride: [1, 2] }, [matrix], f32([1, 2]))).toEqual([4, 6]);
    expect(run('slice', { begin: [1, 2], stride: [-1, -1] }, [matrix], f32([2, 2]))).toEqual([6, 5, 3, 2]);
  });

  test('reshape, transpose and broadcastTo rearrange elements', () => {
    expect(run('reshape', {}, [matrix], f32([3, 2]))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(run('transpose', { perm: [1, 0] }, [matrix], f32([3, 2]))).toEqual([1, 4, 2, 5, 3, 6]);
    const x = i32([1, 2, 3], [1, 2, 3, 4, 5, 6]);
    expect(run('transpose', { perm: [2, 0, 1] }, [x], i32([3, 1, 2]))).toEqual([1, 4, 2, 5, 3, 6]);
    expect(run('broadcastTo', {}, [f32([2, 1], [1, 2])], f32([2, 2, 2]))).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });

  // expected outputs of the tests of ONNX's Resize
  test.each<[string, number[], number[][], Partial<Attributes['resample']>, number[][]]>([['linear', [4, 4], [[1, 2], [
    3,
    4,
  ]], { scales: [2, 2] }, [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]]], [
    'linear by 0.6',
    [1, 2],
    [[1, 2, 3, 4], [5, 6, 7, 8]],
    { scales: [0.6, 0.6] },
    [[2.6666667, 4.3333333]],
  ], ['cubic', [3, 3], square, { scales: [0.8, 0.8], mode: 'cubic' }, [[1.47119141, 2.78125, 4.08251953], [6.71142578,
    8.02148438, 9.32275391], [11.91650391, 13.2265625, 14.52783203]]], ['cubic without what is outside', [8, 8], square,
    { scales: [2, 2], mode: 'cubic', cubicCoefficient: -0.5, excludeOutside: true }, [[0.55882353, 0.81494204,
    1.35698249, 1.89705882, 2.39705882, 2.93713516, 3.47917561, 3.73529412]]], ['linear, filtered', [2, 2], square, {
    scales: [0.6, 0.6],
    antialias: true,
  }, [[2.875, 4.5], [9.375, 11]]], ['cubic, filtered', [2, 2], square, {
    scales: [0.6, 0.6],
    mode: 'cubic',
    antialias: true,
  }, [[2.5180721, 4.2858863], [9.589329, 11.357142]]], ['a crop', [3, 3], square, {
    scales: [0.75, 0.75],
    coordinates: 'cropAndResize',
    roi: [0.4, 0.6, 0.6, 0.8],
  }, [[7.6, 7.9, 8.2], [8.8, 9.1, 9.4], [10, 10.3, 10.6]]], ['a crop beyond the image', [3, 3], square, {
    scales: [0.75, 0.75],
    coordinates: 'cropAndResize',
    roi: [0.4, 1.2, 0.6, 1.7],
    extrapolation: 10,
  }, [[7.6, 10, 10], [12.4, 10, 10], [10, 10, 10]]], ['symmetric', [4, 5], [[1, 2], [3, 4]], {
    scales: [2.3, 2.94],
    coordinates: 'halfPixelSymmetric',
  }, [[1, 1.15986395, 1.5, 1.84013605, 2], [1.56521738, 1.72508133, 2.06521738, 2.40535343, 2.56521738]]], [
    'a single column',
    [3, 1],
    square,
    { scales: [0.75, 0.25], coordinates: 'pytorchHalfPixel' },
    [[1.6666667], [7], [12.3333333]],
  ], ['nearest, aligned corners, down', [8, 8], square, {
    scales: [2, 2],
    mode: 'nearest',
    coordinates: 'alignCorners',
    rounding: 'floor',
  }, [[1, 1, 1, 2, 2, 3, 3, 4]]], ['nearest, up', [8, 8], square, { scales: [2, 2], mode: 'nearest', rounding: 'ceil' },
    [[1, 2, 2, 3, 3, 4, 4, 4]]], ['nearest, halves up', [8, 8], square, {
    scales: [2, 2],
    mode: 'nearest',
    coordinates: 'asymmetric',
    rounding: 'preferCeil',
  }, [[1, 2, 2, 3, 3, 4, 4, 4]]]])('resample gives the results of ONNX: %s', (_, to, rows, options, expected) => {
    const x = f32([rows.length, rows[0]!.length], rows.flat());
    const attributes = { axes: [0, 1], mode: 'linear', coordinates: 'halfPixel', ...options };
    const found = run('resample', attributes, [x], f32(to));
    expected.flat().forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
  });

  test('gridSample gives the results of ONNX', () => {
    const x = f32([1, 4, 4, 1], Array.from({ length: 16 }, (_, i) => i));
    const line = [-1, -0.6, -0.2, 0.2, 0.6, 1];
    const grid = f32([1, 2, 6, 2], [-1, -0.6].flatMap((y) => line.flatMap((at) => [at, y])));
    const attributes = { mode: 'linear', padding: 'zeros', alignCorners: false };
    const expected = [0, 0.15, 0.55, 0.95, 1.35, 0.75, 0.6, 1.5, 2.3, 3.1, 3.9, 2.1];
    run('gridSample', attributes, [x, grid], f32([1, 2, 6, 1])).forEach((value, i) =>
      expect(value).toBeCloseTo(expected[i]!, 5)
    );
  });

  test('dft gives sums of turned points', () => {
    const forward = { axis: 1, length: 4, inverse: false, onesided: false };
    const points = [1, 2, 3, 5];
    const values = [11, 0, -2, 3, -3, 0, -2, -3];
    const expected = (all: number[]): unknown[] => all.map((value): unknown => expect.closeTo(value, 5));
    const real = f32([1, 4, 1], points);
    expect(run('dft', forward, [real], f32([1, 4, 2]))).toEqual(expected(values));
    expect(run('dft', { ...forward, onesided: true }, [real], f32([1, 3, 2]))).toEqual(expected(values.slice(0, 6)));
    expect(run('dft', { ...forward, length: 2 }, [real], f32([1, 2, 2]))).toEqual(expected([3, 0, -1, 0]));
    expect(run('dft', { ...forward, inverse: true }, [f32([1, 4, 2], values)], f32([1, 4, 2])))
      .toEqual(expected(points.flatMap((point) => [point, 0])));
  });

  test('pad writes its value, or mirrors or repeats the input', () => {
    const row = f32([3], [1, 2, 3]);
    const around = { before: [2], after: [2], value: 9 };
    expect(run('pad', { ...around, mode: 'constant' }, [row], f32([7]))).toEqual([9, 9, 1, 2, 3, 9, 9]);
    expect(run('pad', { ...around, mode: 'reflect' }, [row], f32([7]))).toEqual([3, 2, 1, 2, 3, 2, 1]);
    expect(run('pad', { ...around, mode: 'symmetric' }, [row], f32([7]))).toEqual([2, 1, 1, 2, 3, 3, 2]);
    expect(run('pad', { ...around, mode: 'edge' }, [row], f32([7]))).toEqual([1, 1, 1, 2, 3, 3, 3]);
    expect(run('pad', { before: [4], after: [2], value: 0, mode: 'wrap' }, [row], f32([9]))).toEqual([3, 1, 2, 3, 1, 2,
      3, 1, 2]);
    const corner = { before: [1, 0], after: [0, 1], mode: 'constant', value: 0 };
    expect(run('pad', corner, [i8([1, 1], 0.5, -7, [3])], i8([2, 2], 0.5, -7))).toEqual([-7, -7, 3, -7]);
    expect(run(
      'pad',
      { before: [1], after: [0], mode: 'constant', value: 2 },
      [i8([1], 0.5, -7, [3])],
      i8([2], 0.5, -7),
    )).toEqual([-3, 3]);
  });

  test('depthToSpace and spaceToDepth are inverse', () => {
    const deep = f32([1, 1, 1, 8], [1, 2, 3, 4, 5, 6, 7, 8]);
    const wide = f32([1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(run('depthToSpace', { blockSize: 2 }, [deep], f32([1, 2, 2, 2]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(run('spaceToDepth', { blockSize: 2 }, [wide], f32([1, 1, 1, 8]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const row = f32([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    const square = run('depthToSpace', { blockSize: 2 }, [row], f32([1, 2, 4, 1]));
    expect(square).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
    expect(run('spaceToDepth', { blockSize: 2 }, [f32([1, 2, 4, 1], square)], f32([1, 1, 2, 4]))).toEqual([1, 2, 3, 4,
      5, 6, 7, 8]);
  });
});

describe('resize2d', () => {
  const options = { alignCorners: false, halfPixelCenters: false };
  const row = (mode: string, values: number[], length: number, more = {}) =>
    run('resize2d', { ...options, mode, ...more }, [f32([1, 1, values.length, 1], values)], f32([1, 1, length, 1]));

  test('nearest copies the pixel that each alignment selects', () => {
    expect(row('nearest', [1, 2], 4)).toEqual([1, 1, 2, 2]);
    expect(row('nearest', [1, 2, 3], 2)).toEqual([1, 2]);
    expect(row('nearest', [1, 2, 3], 2, { halfPixelCenters: true })).toEqual([1, 3]);
    expect(row('nearest', [1, 2, 3], 2, { alignCorners: true })).toEqual([1, 3]);
    expect(nearestIndex(1, 2, 3, { ...options, mode: 'nearest', alignCorners: true })).toBe(1); // 0.5, away from zero
  });

  test('bilinear interpolates linearly between neighbours', () => {
    expect(row('bilinear', [0, 8], 4)).toEqual([0, 4, 8, 8]);
    expect(row('bilinear', [0, 8], 4, { halfPixelCenters: true })).toEqual([0, 2, 6, 8]);
    expect(row('bilinear', [0, 9], 4, { alignCorners: true })).toEqual(close([0, 3, 6, 9]));
    const square = f32([1, 2, 2, 1], [0, 4, 8, 12]);
    expect(run('resize2d', { ...options, mode: 'bilinear', alignCorners: true }, [square], f32([1, 3, 3, 1]))).toEqual([
      0,
      2,
      4,
      4,
      6,
      8,
      8,
      10,
      12,
    ]);
  });

  test('bilinear in int8 has 11-bit weights and rounds halves up', () => {
    const x = i8([1, 1, 2, 1], 1, 5, [-3, 0]);
    expect(run('resize2d', { ...options, mode: 'bilinear' }, [x], i8([1, 1, 4, 1], 1, 5))).toEqual([-3, -1, 0, 0]);
    const ends = i8([1, 2, 1, 1], 1, 5, [-128, 127]);
    expect(run('resize2d', { ...options, mode: 'bilinear', halfPixelCenters: true }, [ends], i8([1, 4, 1, 1], 1, 5)))
      .toEqual([-128, -64, 63, 127]);
  });
});

describe('type conversions', () => {
  test('quantize rounds halves to even and saturates', () => {
    expect(run('quantize', {}, [f32([6], [0.25, -0.25, 0.75, 0.2, 1000, -1000])], i8([6], 0.5, 1))).toEqual([1, 1, 3, 1,
      127, -128]);
    expect(run('quantize', {}, [f32([2], [-5, 5])], u8([2], 0.5, 1))).toEqual([0, 11]);
    const out = tensor('int8', [2, 2], undefined, { scale: [1, 0.5], zeroPoint: [0, 0], axis: 1 });
    expect(run('quantize', {}, [f32([2, 2], [1, 1, 2, 2])], out)).toEqual([1, 2, 2, 4]);
  });

  test('quantize between uint8 and int8 flips the top bit', () => {
    expect(run('quantize', {}, [u8([3], 0.1, 128, [0, 130, 255])], i8([3], 0.1, 0))).toEqual([-128, 2, 127]);
  });

  test('dequantize gives real numbers, per tensor and per channel', () => {
    expect(run('dequantize', {}, [i8([2], 0.5, 3, [4, -1])], f32([2]))).toEqual([0.5, -2]);
    expect(run('dequantize', {}, [perChannel([2, 2], [0.5, 2], [1, 2, 3, 4])], f32([2, 2]))).toEqual([0.5, 1, 6, 8]);
  });

  test('cast truncates and saturates', () => {
    expect(run('cast', {}, [f32([4], [1.9, -1.9, 1e20, NaN])], i32([4]))).toEqual([1, -1, 2147483647, 0]);
    expect(run('cast', {}, [i32([2], [3, -7])], f32([2]))).toEqual([3, -7]);
    expect(run('cast', {}, [f32([2], [0, 0.5])], tensor('bool', [2]))).toEqual([0, 1]);
  });
});

describe('runReference', () => {
  const x: Tensor = { name: 'x', shape: [1, 2], dtype: 'float32' };
  const w: Tensor = { name: 'w', shape: [1, 2], dtype: 'float32', data: Float32Array.of(1, -10) };
  const h: Tensor = { name: 'h', shape: [1, 1], dtype: 'float32' };
  const y: Tensor = { name: 'y', shape: [1, 1], dtype: 'float32' };
  const graph: Graph = {
    name: 'tiny',
    inputs: [x],
    outputs: [y],
    nodes: [{
      op: 'fullyConnected',
      name: 'fc',
      inputs: [x, w, null],
      outputs: [h],
      attributes: { activation: 'none' },
    }, { op: 'unary', name: 'abs', inputs: [h], outputs: [y], attributes: { kind: 'abs' } }],
  };

  test('gives the value of every tensor by name', () => {
    const values = runReference(graph, { x: Float32Array.of(3, 4) });
    expect(Object.fromEntries([...values].map(([name, data]) => [name, Array.from(data)]))).toEqual({
      x: [3, 4],
      w: [1, -10],
      h: [-37],
      y: [37],
    });
  });

  test('names a missing input, and an input of the wrong size', () => {
    expect(() => runReference(graph, {})).toThrow(/needs its input "x"/);
    expect(() => runReference(graph, { x: Float32Array.of(1) }))
      .toThrow(/"x" has 1 elements; its shape \[1, 2\] needs 2/);
  });

  test('refuses types that an operator does not implement', () => {
    expect(() => run('softmax', { beta: 1 }, [i32([1], [1])], f32([1]))).toThrow(/does not implement int32, float32/);
  });

  test('has an entry for every operator', () => {
    const names = Object.keys(operators);
    expect(Object.keys(reference)).toEqual(names);
    for (const name of names) expect(reference[name as OperatorName], name).toBeTypeOf('function');
  });
});
