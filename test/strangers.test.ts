import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, importTflite } from '../src/compiler/index';
import { loadSync } from '../src/index';
import { shared, sharedBytes, sharedJson } from './helpers/shared';

// Public networks with rare operators, loops, open shapes and several signatures. Their recorded
// outputs are those of TensorFlow Lite of 2022, which is itself wrong or less exact on deep int8
// networks, so that only networks on which it is right are compared.

interface Recording {
  inputs: { dtype: string; shape: number[] }[];
  outputs: { dtype: string; shape: number[] }[];
  cases: string[];
}

type Values = Float32Array | Int8Array | Int32Array;

const folder = path.join(shared, 'odd');
const networks = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.tflite')) : [];

/** Largest difference from the recording, of the largest value; 0 for equal bits. */
const compared: Record<string, number> = {
  'TinyML__mnist_lstm_quant__e93731': 0,
  'DDoS-Attack-Detection__model__1f5511': 1e-6,
  'lyra__quantizer__841ee0': 0,
  'IntentClassifiermodel__model__23fc7f': 1e-6,
  'basic-pitch__nmp__3db297': 2e-5,
};

const refused: Record<string, RegExp> = {
  'Portrait-Segmentation__mnv3_seg_quant__510c87': /zero point per channel/,
  'openmv__audio_preprocessor__684c7e': /SignalFilterBankLog/,
};

function read(file: string, tensors: Recording['inputs']): Values[] {
  const { buffer, byteOffset } = sharedBytes('odd', file);
  let at = byteOffset;
  return tensors.map(({ dtype, shape }) => {
    const type = { float32: Float32Array, int8: Int8Array, int32: Int32Array }[dtype];
    if (!type) throw new Error(`${file} has a tensor of ${dtype}`);
    const count = shape.reduce((product, size) => product * size, 1);
    const values = new type(buffer.slice(at, at + count * type.BYTES_PER_ELEMENT));
    at += values.byteLength;
    return values;
  });
}

describe.skipIf(networks.length === 0)('public networks (../shared/odd)', () => {
  test.each(networks)('%s converts, or is refused by name', (file) => {
    const name = file.replace('.tflite', '');
    const convert = (): Uint8Array => compile(importTflite(sharedBytes('odd', file)));
    if (refused[name]) expect(convert).toThrow(refused[name]);
    else expect(loadSync(convert()).outputs.length).toBeGreaterThan(0);
  });

  test.each(Object.entries(compared))('%s gives the recorded outputs', (name, tolerance) => {
    const { inputs, outputs, cases } = sharedJson<Recording>('odd', `${name}.golden.json`);
    const model = loadSync(compile(importTflite(sharedBytes('odd', `${name}.tflite`))));
    for (const one of cases) {
      const given = read(`${name}.${one}.in.bin`, inputs);
      const record = Object.fromEntries(model.inputs.map((info, i) => [info.name, given[i]!]));
      const raw = model.predict(record, { output: 'raw' });
      read(`${name}.${one}.out.bin`, outputs).forEach((values, i) => {
        const expected = Array.from(values);
        const found = (model.outputs.length === 1 ? raw : raw[model.outputs[i]!.name]!) as Values;
        expect(found.length).toBe(expected.length);
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const worst = expected.reduce((most, value, k) => Math.max(most, Math.abs(value - found[k]!)), 0);
        expect(worst).toBeLessThanOrEqual(tolerance * largest);
      });
    }
  });
});
