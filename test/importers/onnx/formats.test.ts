import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { onnx } from '../../../src/importers/onnx/index';
import { loadSync } from '../../../src/index';

// Public networks with inputs and outputs of their own runtimes, if the folder is at hand.

const root = path.resolve(import.meta.dirname, '../../../../shared/formats/onnx');
const networks = existsSync(root) ? readdirSync(root) : [];

interface Port {
  name: string;
  dtype: 'float32' | 'int64' | 'int32' | 'uint8' | 'int8';
  shape: number[];
}

interface Golden {
  model: string;
  inputs: Port[];
  outputs: Port[];
  cases: string[];
}

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array };

/** The tensors of a file, one after the other. */
function tensorsOf(file: string, ports: readonly Port[]): Map<string, ArrayLike<number | bigint>> {
  const bytes = new Uint8Array(readFileSync(file));
  let at = 0;
  return new Map(ports.map(({ name, dtype, shape }) => {
    const size = shape.reduce((a, b) => a * b, arrays[dtype].BYTES_PER_ELEMENT);
    const { buffer } = bytes.slice(at, at += size);
    return [name, new arrays[dtype](buffer)];
  }));
}

/** Networks with states or layers that have a test of their own. */
const elsewhere = /^(refuse|dtln|gtcrn|silero|hand_point|basic|dp_cct)/;

/**
 * Quantized networks: the largest difference, of one step of the quantization, as a fraction of the
 * largest value, and how many values must be equal. The last layer of connxr_mnist_q is float.
 */
const quantized: Record<string, { difference: number; equal: number }> = {
  connxr_mnist_q: { difference: 0.003, equal: 0 },
  factorio_mnist_q: { difference: 1e-6, equal: 0.9 },
  ort_qdq_multi: { difference: 0.014, equal: 0.99 },
  ort_qdq_perchannel: { difference: 0.5, equal: 0.99 },
  shufflenet_v2_12_int8: { difference: 0.01, equal: 0.99 },
  ultraface_rfb_qdq_u8: { difference: 0.004, equal: 0.96 },
};

describe('public ONNX networks', () => {
  test.each(networks.filter((name) => !elsewhere.test(name)))('%s gives what its runtime gives', (name) => {
    const folder = path.join(root, name);
    const golden = JSON.parse(readFileSync(path.join(folder, 'golden.json'), 'utf8')) as Golden;
    const files = Object
      .fromEntries(readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(path.join(folder, file)))]));
    const shapes = Object.fromEntries(golden.inputs.map((port) => [port.name, port.shape]));
    const graph = onnx.import(files[golden.model]!, { name, files, shapes });
    const model = loadSync(compile(graph));
    expect(golden.cases.length).toBeGreaterThan(0);
    for (const example of golden.cases) {
      const inputs = tensorsOf(path.join(folder, `${example}.in.bin`), golden.inputs);
      const outputs = tensorsOf(path.join(folder, `${example}.out.bin`), golden.outputs);
      const result: Record<string, ArrayLike<number>> | ArrayLike<number> = model.predict(
        Object.fromEntries(inputs) as never,
        { output: 'raw' },
      ) as never;
      for (const [port, wanted] of outputs) {
        const found = outputs.size === 1
          ? (result as ArrayLike<number>)
          : (result as Record<string, ArrayLike<number>>)[port]!;
        const values = Array.from(wanted, Number);
        const largest = Math.max(...values.map(Math.abs));
        const difference = Math.max(...values.map((value, i) => Math.abs(value - Number(found[i]))));
        const bound = quantized[name] ?? { difference: 1e-4, equal: 0 };
        expect(difference / largest, `${example} ${port}`).toBeLessThanOrEqual(bound.difference);
        const equal = values.filter((value, i) => value === Number(found[i])).length / values.length;
        expect(equal, `${example} ${port}`).toBeGreaterThanOrEqual(bound.equal);
      }
    }
  });
});
