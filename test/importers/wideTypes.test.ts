import { expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importTflite } from '../../src/importers/tflite';
import { loadSync } from '../../src/index';
import type { TfliteTensor } from '../tflite/writer';
import { int8, network } from './networks';

// int16 and int32 at the ends of int8 networks, and networks with int16 activations

const int16 = (name: string, scale: number): TfliteTensor => ({
  name,
  shape: [4],
  type: 'INT16',
  quantization: { scale, zeroPoint: 0 },
});
const relu = { kind: 'RELU', inputs: ['a'], outputs: ['b'] };

test('an int16 input is quantized to int8, and an int32 output has its steps', () => {
  const file = network([int16('x', 0.000625), int8('a', [4], 0.0625, -3), int8('b', [4], 0.0625, -3), {
    name: 'y',
    shape: [4],
    type: 'INT32',
    quantization: { scale: 2 ** -15, zeroPoint: 0 },
  }], [{ kind: 'QUANTIZE', inputs: ['x'], outputs: ['a'] }, relu, { kind: 'QUANTIZE', inputs: ['b'], outputs: ['y'] }]);
  const graph = importTflite(file);
  expect([graph.inputs[0]!.dtype, graph.outputs[0]!.dtype]).toEqual(['int16', 'int32']);
  const samples = Float32Array.of(1000, -2000, 12345, 32767);
  const y = loadSync(compile(graph)).predict(samples.map((q) => q * 0.000625), { output: 'raw' }) as unknown;
  expect(y).toEqual(Int32Array.from(samples, (q) => Math.max(0, Math.min(130, Math.round(q * 0.01))) * 2048));
});

test('an int16 output gives real numbers, and so does the DEQUANTIZE of an int16 tensor', () => {
  const file = network([int8('a', [4], 0.0625, -3), int8('b', [4], 0.0625, -3), int16('w', 0.001), {
    name: 'y',
    shape: [4],
    type: 'FLOAT32',
  }], [relu, { kind: 'QUANTIZE', inputs: ['b'], outputs: ['w'] }, {
    kind: 'DEQUANTIZE',
    inputs: ['w'],
    outputs: ['y'],
  }], { outputs: ['w', 'y'] });
  const { w, y } = loadSync(compile(importTflite(file))).predict(Float32Array.of(-1, 0.5, 2, 3.125));
  expect(w).toEqual(Float32Array.of(0, 500, 2000, 3125).map((q) => q * Math.fround(0.001)));
  expect(y).toEqual(w);
});

test('int32 halves are rounded to even', () => {
  const file = network([int8('a', [4], 0.5, 0), { name: 'y', shape: [4], type: 'INT32', quantization: { scale: 1 } }], [
    { kind: 'QUANTIZE', inputs: ['a'], outputs: ['y'] },
  ]);
  expect(loadSync(compile(importTflite(file))).predict(Int8Array.of(-3, 1, 3, 4), { output: 'raw' }) as unknown)
    .toEqual(Int32Array.of(-2, 0, 2, 2));
});

test('operators without int16 arithmetic compute in float32 and round to int16', () => {
  const file = network([int16('x', 0.5), int16('y', 0.25)], [{ kind: 'ABS', inputs: ['x'], outputs: ['y'] }]);
  const model = loadSync(compile(importTflite(file)));
  expect(model.predict(Int16Array.of(-3, 4, -20000, 0), { output: 'raw' }) as unknown)
    .toEqual(Int16Array.of(6, 8, 32767, 0));
});

/** TensorFlow Lite's MultiplyByQuantizedMultiplier of an int64. */
function scaled(sum: bigint, real: number): number {
  const exponent = Math.floor(Math.log2(real)) + 1;
  const multiplier = BigInt(Math.round(real * 2 ** (31 - exponent)));
  const shift = BigInt(15 - exponent);
  return Number(BigInt.asIntN(64, sum * ((multiplier + 32768n) >> 16n) + (1n << (shift - 1n))) >> shift);
}

test('a layer with int16 activations has int8 weights and an int64 bias', () => {
  const [sx, sy, sw] = [Math.fround(1e-5), Math.fround(0.002), [0.001, 0.003].map(Math.fround)];
  const bias = [-6e9, 3e10];
  const weights = [-128, 127, 5, 100, -3, 77];
  const file = network([{ ...int16('x', sx), shape: [1, 3] }, int8('w', [2, 3], sw, 0, weights), {
    name: 'b',
    shape: [2],
    type: 'INT64',
    data: bias,
    quantization: { scale: sw.map((s) => s * sx), zeroPoint: 0 },
  }, { ...int16('y', sy), shape: [1, 2] }], [{ kind: 'FULLY_CONNECTED', inputs: ['x', 'w', 'b'], outputs: ['y'] }]);
  const x = [-32768, 32767, 1234];
  const expected = bias.map((b, n) => {
    const sum = x.reduce((acc, q, k) => acc + BigInt(q * weights[3 * n + k]!), BigInt(b));
    return Math.max(-32768, Math.min(32767, scaled(sum, sx * sw[n]! / sy)));
  });
  const model = loadSync(compile(importTflite(file)));
  expect(model.predict(Int16Array.from(x), { output: 'raw' }) as unknown).toEqual(Int16Array.from(expected));
});

test('int16 activations with a zero point are unsupported by name', () => {
  const shifted: TfliteTensor = { ...int16('x', 0.5), quantization: { scale: 0.5, zeroPoint: 3 } };
  const file = network([shifted, int16('y', 0.5)], [{ kind: 'ABS', inputs: ['x'], outputs: ['y'] }]);
  expect(() => importTflite(file)).toThrow(/"x" \(int16 without a scale, or with a zero point\)/);
});
