import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { main } from '../../src/cli/main';
import { compile, GraphBuilder, type CompileOptions } from '../../src/compiler';
import { writeTflite, type TfliteTensor } from '../tflite/writer';

export interface Result {
  code: number;
  out: string;
  err: string;
  /** Binary data on standard output, if there is any. */
  bytes?: Uint8Array;
}

/** Runs the command line within this process. */
export async function kinglet(...argv: string[]): Promise<Result> {
  const result: Result = { code: 0, out: '', err: '' };
  result.code = await main(argv, {
    out: (text) => {
      result.out += text;
    },
    outBytes: (bytes) => {
      result.bytes = Buffer.concat([result.bytes ?? new Uint8Array(), bytes]);
    },
    err: (text) => {
      result.err += text;
    },
    columns: 100,
  });
  return result;
}

/** A temporary folder, removed after the tests of the file. */
export function temporaryFolder(): { at: (name: string) => string;
  write: (name: string, content: string | Uint8Array) => string; read: (name: string) => Buffer;
  folder: (name: string) => string }
{
  const root = mkdtempSync(path.join(tmpdir(), 'kinglet-cli-'));
  const at = (name: string): string => path.join(root, name);
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return {
    at,
    read: (name) => readFileSync(at(name)),
    write: (name, content) => (writeFileSync(at(name), content), at(name)),
    folder: (name) => (mkdirSync(at(name)), at(name)),
  };
}

/**
 * A network that classifies a 4×4 gray image by its brightest quadrant: upper left, upper right,
 * lower left or lower right.
 */
export function quadrants(type: 'float' | 'uint8' = 'float'): Uint8Array {
  const weights = Array.from({ length: 64 }, (_, i) => (quadrantOf(i % 16) === i >> 4 ? 1 : 0));
  const quantized = type === 'uint8';
  const tensor = (name: string, shape: number[], scale: number, data?: number[]): TfliteTensor => ({
    name,
    shape,
    type: quantized ? 'UINT8' : 'FLOAT32',
    ...(data && { data }),
    ...(quantized && { quantization: { scale, zeroPoint: 0 } }),
  });
  return writeTflite({
    tensors: [tensor('image', [1, 4, 4, 1], 1 / 255), { name: 'flat', type: 'INT32', shape: [2], data: [1, 16] },
      tensor('pixels', [1, 16], 1 / 255), tensor('weights', [4, 16], 1, weights), tensor('logits', [1, 4], 4 / 255),
      tensor('scores', [1, 4], 1 / 256)],
    operators: [{ kind: 'RESHAPE', inputs: ['image', 'flat'], outputs: ['pixels'] }, {
      kind: 'FULLY_CONNECTED',
      inputs: ['pixels', 'weights', null],
      outputs: ['logits'],
    }, { kind: 'SOFTMAX', inputs: ['logits'], outputs: ['scores'], options: { beta: 1 } }],
    inputs: ['image'],
    outputs: ['scores'],
  });
}

/** An image for `quadrants` whose brightest quadrant is i mod 4. */
export function corner(i: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, at) => (quadrantOf(at) === i % 4 ? 200 : 20) + ((at * 37 + i * 91) % 50));
}

function quadrantOf(pixel: number): number {
  return (pixel >> 3) * 2 + ((pixel >> 1) & 1);
}

export const quadrantNames = ['upper left', 'upper right', 'lower left', 'lower right'];

/** A network with three operators of two kinds that kinglet does not support. */
export function unsupported(): Uint8Array {
  const tensor = (name: string): TfliteTensor => ({ name, shape: [4], type: 'FLOAT32' });
  return writeTflite({
    tensors: ['x', 'a', 'b', 'y'].map(tensor),
    operators: [{ kind: 'CUSTOM', customCode: 'Frobnicate', inputs: ['x'], outputs: ['a'] }, {
      kind: 'CUSTOM',
      customCode: 'Twiddle',
      inputs: ['a'],
      outputs: ['b'],
    }, { kind: 'CUSTOM', customCode: 'Frobnicate', inputs: ['b'], outputs: ['y'] }],
    inputs: ['x'],
    outputs: ['y'],
  });
}

/** A network with two inputs of four numbers, and their sum and product as outputs. */
export function pair(options: CompileOptions = {}): Uint8Array {
  const b = new GraphBuilder('pair');
  const left = b.input('left', [1, 4]);
  const right = b.input('right', [1, 4]);
  const sum = b.node('binary', [left, right], { kind: 'add', activation: 'none' }, { name: 'sum' });
  return compile(
    b.finish([sum, b.node('binary', [left, right], { kind: 'mul', activation: 'none' }, { name: 'product' })]),
    options,
  );
}

/** A network that returns the int64 index of the largest of four numbers, for three rows. */
export function largest(): Uint8Array {
  const b = new GraphBuilder('largest');
  const x = b.input('x', [3, 4]);
  const index = b.node('argmax', [x], { axis: 1, kind: 'max' }, { name: 'index32', dtype: 'int32', shape: [3] });
  return compile(b.finish([b.node('cast', [index], {}, { name: 'index', dtype: 'int64' })]));
}

/** A chain of `length` additions of one to a row of eight numbers. */
export function chain(length: number, options: CompileOptions = {}): Uint8Array {
  const b = new GraphBuilder('chain');
  const one = b.constant(Float32Array.of(1), [1]);
  let x = b.input('x', [1, 8]);
  // squares in between prevent folding
  for (let i = 0; i < length; i++) {
    x = i % 2
      ? b.node('unary', [x], { kind: 'square' }, { name: `square_${i}` })
      : b.node('binary', [x, one], { kind: 'add', activation: 'none' }, { name: `add_${i}` });
  }
  return compile(b.finish([x]), options);
}

export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
