import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { keras } from '../../../src/importers/keras/index';
import { loadSync } from '../../../src/index';

// Public networks with inputs and outputs of a reference in float64, if the folder is at hand.

const root = path.resolve(import.meta.dirname, '../../../../shared/formats/keras');
const networks = existsSync(root) ? readdirSync(root) : [];

interface Port {
  name: string;
  shape: number[];
}

interface Golden {
  model: string;
  inputs: Port[];
  outputs: Port[];
  cases: string[];
}

function goldenOf(name: string): Golden {
  return JSON.parse(readFileSync(path.join(root, name, 'golden.json'), 'utf8')) as Golden;
}

function bytesOf(...names: string[]): Uint8Array {
  return new Uint8Array(readFileSync(path.join(root, ...names)));
}

describe('public Keras networks', () => {
  test.each(networks.filter((name) => !name.startsWith('refuse')))('%s gives what its runtime gives', (name) => {
    const { model, inputs, outputs, cases } = goldenOf(name);
    const graph = keras.import(bytesOf(name, model), { name });
    expect(graph.inputs).toMatchObject(inputs);
    expect(graph.outputs).toMatchObject(outputs);
    const network = loadSync(compile(graph));
    expect(cases.length).toBeGreaterThan(0);
    for (const example of cases) {
      const values = (side: string): Float32Array => new Float32Array(bytesOf(name, `${example}.${side}.bin`).buffer);
      const found = network.predict(values('in')) as Float32Array;
      const wanted = values('out');
      const largest = Math.max(...wanted.map(Math.abs));
      const difference = Math.max(...wanted.map((value, i) => Math.abs(value - found[i]!)));
      expect(difference / largest, example).toBeLessThanOrEqual(1e-5);
    }
  });

  test.each<
    [string, string, string[]]
  >([['refuse_not_hdf5', 'BAD_MAGIC', ['neither HDF5 nor']], ['refuse_qkeras', 'UNSUPPORTED_OP', [
    'QDense (4): "fc1", "fc2", "fc3", "output"',
    'QActivation (3)',
  ]], ['refuse_subclassed', 'UNSUPPORTED_OP', ['ELMModel', 'keras.Model(inputs, outputs)']]].filter(([name]) =>
    networks.includes(name as string)
  ) as [string, string, string[]][])('%s is refused as %s', (name, code, texts) => {
    const { model } = goldenOf(name);
    const attempt = (): unknown => keras.import(bytesOf(name, model), { name });
    expect(attempt).toThrow(expect.objectContaining({ code }) as Error);
    for (const text of texts) expect(attempt).toThrow(text);
  });
});
