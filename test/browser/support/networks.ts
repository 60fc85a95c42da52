import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compile, importTflite } from '../../../src/compiler/index';
import { loadSync, type Flavor } from '../../../src/index';
import { hasShared, sharedBytes } from '../../helpers/shared';

/** A network, a random input and the output in Node, all as bytes. */
export interface Known {
  name: string;
  klet: Uint8Array;
  input: Uint8Array;
  expected: number[];
}

export const flavors: Flavor[] = ['relaxed', 'simd', 'scalar'];

export const digits =
  new Uint8Array(readFileSync(path.resolve(import.meta.dirname, '../../../models/digits/digits.klet')));

/** Real networks, if ../shared exists. */
export const realNetworks = hasShared ? ['kws_dscnn_int8', 'vww_int8', 'mobilenet_v1_025_128_uint8'] : [];

export function known(name: string): Known {
  const klet = name === 'digits' ? digits : compile(importTflite(sharedBytes('models', `${name}.tflite`)));
  const size = loadSync(klet).inputs[0]!.shape.reduce((a, b) => a * b, 1);
  const input = noise(size, 7);
  const model = loadSync(klet, { flavor: 'scalar' });
  const output = model.predict(asInput(input, model.inputs[0]!.dtype), { output: 'raw' });
  const expected = [...new Uint8Array(output.buffer, output.byteOffset, output.byteLength)];
  return { name, klet, input, expected };
}

function asInput(bytes: Uint8Array, dtype: string): Uint8Array | Int8Array {
  return dtype === 'int8' ? new Int8Array(bytes.buffer) : bytes;
}

/** Bytes of a linear congruential generator (Numerical Recipes' constants). */
function noise(count: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
