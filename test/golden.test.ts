import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, importTflite } from '../src/compiler/index';
import { loadSync, type Model } from '../src/index';
import { flavors } from './helpers/flavors';
import { hasShared, shared, sharedBytes, sharedJson } from './helpers/shared';

// Compares real networks with the outputs of TFLite with XNNPACK.

interface Golden {
  model: string;
  inputs: { dtype: string; shape: number[] }[];
  outputs: { dtype: string; shape: number[] }[];
  cases: string[];
}

type Values = Float32Array | Int8Array | Uint8Array;

const arrays: Record<string, new(buffer: ArrayBuffer, offset: number, length: number) => Values> = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
};
const folders = hasShared ? readdirSync(path.join(shared, 'golden')) : [];

function split(bytes: Uint8Array<ArrayBuffer>, tensors: Golden['inputs']): Values[] {
  let at = 0;
  return tensors.map(({ dtype, shape }) => {
    const array = new arrays[dtype]!(bytes.buffer, bytes.byteOffset + at, shape.reduce((a, b) => a * b, 1));
    at += array.byteLength;
    return array;
  });
}

function predictRaw(model: Model, inputs: Values[]): Values[] {
  const record = Object.fromEntries(model.inputs.map((info, i) => [info.name, inputs[i]!]));
  const raw = model.predict(record, { output: 'raw' });
  return model.outputs.map((info) => (model.outputs.length === 1 ? raw : raw[info.name]) as Values);
}

describe.skipIf(!hasShared)('networks with golden outputs (../shared/golden)', () => {
  for (const folder of folders) {
    const golden = sharedJson<Golden>('golden', folder, 'golden.json');
    describe(folder, () => {
      const klet = compile(importTflite(sharedBytes('models', golden.model))) as Uint8Array<ArrayBuffer>;
      // TFLite's interpreter ran the cases in this order without resetting the states, so the
      // models run them in this order too.
      const [model, ...others] = flavors.map((flavor) => loadSync(klet, { flavor })) as [Model, ...Model[]];
      for (const name of golden.cases) {
        test(`${name} equals XNNPACK within the tolerance, with the same bits in every flavor`, () => {
          const inputs = split(sharedBytes('golden', folder, `${name}.in.bin`), golden.inputs);
          const expected = split(sharedBytes('golden', folder, `${name}.out.bin`), golden.outputs);
          const found = predictRaw(model, inputs);
          expected.forEach((values, output) => {
            const mine = found[output]!;
            const isFloat = values instanceof Float32Array;
            expect(mine.constructor).toBe(values.constructor);
            let worst = 0;
            let equal = 0;
            values.forEach((value, i) => {
              const difference = Math.abs(value - mine[i]!);
              const relative = Math.min(difference / 1e-5, difference / Math.abs(value) / 1e-4);
              worst = Math.max(worst, isFloat ? relative : difference);
              if (difference === 0) equal++;
            });
            expect(worst, 'the largest difference').toBeLessThanOrEqual(1);
            if (!isFloat && values.length >= 100) {
              expect(equal / values.length, 'share of equal values').toBeGreaterThanOrEqual(0.99);
            }
          });
          for (const other of others) expect(predictRaw(other, inputs), other.info.flavor).toEqual(found);
        });
      }
    });
  }
});
