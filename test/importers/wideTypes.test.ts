import { expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importTflite } from '../../src/importers/tflite';
import { loadSync } from '../../src/index';
import type { TfliteTensor } from '../tflite/writer';
import { int8, network } from './networks';

// int16 and int32 at the ends of int8 networks

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
  expect([graph.inputs[0]!.dtype, graph.outputs[0]!.dtype]).toEqual(['float32', 'int32']);
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
  expect(w).toEqual(Float32Array.of(0, 0.5, 2, 3.125));
  expect(y).toEqual(w);
});

test('int32 halves are rounded to even', () => {
  const file = network([int8('a', [4], 0.5, 0), { name: 'y', shape: [4], type: 'INT32', quantization: { scale: 1 } }], [
    { kind: 'QUANTIZE', inputs: ['a'], outputs: ['y'] },
  ]);
  expect(loadSync(compile(importTflite(file))).predict(Int8Array.of(-3, 1, 3, 4), { output: 'raw' }) as unknown)
    .toEqual(Int32Array.of(-2, 0, 2, 2));
});

test('other operators on int16 activations are refused', () => {
  const file = network([int16('x', 0.5), int16('y', 0.5)], [{ kind: 'ABS', inputs: ['x'], outputs: ['y'] }]);
  expect(() => importTflite(file)).toThrow(/ABS of int16 activations \(1\): "y"/);
});
