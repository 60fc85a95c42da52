import { compile, importTflite, type Graph } from '../../src/compiler';
import { KletError } from '../../src/errors';
import { loadSync } from '../../src';
import type { Inputs, Model } from '../../src/exports';
import type { TfliteTensor } from '../../test/tflite/writer';
import { distances, epsilon } from '../../test/helpers/realNumbers';
import type { OracleCase } from './maker';

export { operators, oracleCases } from './cases';

type Values = Float32Array | Int8Array | Uint8Array | Int32Array;

/** The difference between kinglet and the oracle on one case. */
export interface Comparison {
  /** Share of values that are equal, 0 … 1. */
  equal: number;
  /**
   * Largest difference: in quantization steps for quantized and integer outputs, relative to the
   * tensor's largest magnitude for floats.
   */
  worst: number;
  values: number;
  /**
   * Whether all of kinglet's values are nearest to the real numbers, for operators that kinglet
   * rounds exactly where TensorFlow Lite does not.
   */
  isNearest?: boolean;
  /** Position and values of `worst`. */
  example: string;
}

/** The outputs of each sample, or the reason why the network does not run. */
export type Answer = { outputs: Uint8Array[][] } | { refusal: string };

/** Runs a case in kinglet. */
export function runKinglet({ network, name, samples, tensors, inputs, outputs }: OracleCase): Answer {
  let graph: Graph;
  let model: Model;
  try {
    graph = importTflite(network, { name });
    model = loadSync(compile(graph));
  } catch (error) {
    if (error instanceof KletError) {
      return { refusal: `${error.code}: ${error.message.split('\n').slice(0, 2).join(' ')}` };
    }
    return { refusal: String((error as Error).stack) };
  }
  const find = (tensor: string) => tensors.find((t) => t.name === tensor)!;
  try {
    return {
      outputs: samples.map((sample) => {
        const record: Inputs = Object.fromEntries(inputs.map((input, i) => [input, viewOf(find(input), sample[i]!)]));
        const result = model.predict(record, { output: 'raw' }) as Values | Record<string, Values>;
        return outputs.map((output) =>
          bytesOf(outputs.length === 1 ? result as Values : (result as Record<string, Values>)[output]!)
        );
      }),
    };
  } catch (error) {
    return { refusal: String((error as Error).stack) };
  } finally {
    model.dispose();
  }
}

/** Operators whose int8 results are the real number rounded once, which this XNNPACK's are not. */
const exact = new Set(['LEAKY_RELU']);

/** Whether every value of a case of one operator is nearest to the real number. */
function isNearest({ network, samples, tensors, inputs, outputs }: OracleCase, found: Uint8Array[][]): boolean {
  const [node] = importTflite(network).nodes;
  const values = (name: string, bytes: Uint8Array): Values => viewOf(tensors.find((t) => t.name === name)!, bytes);
  return samples.every((sample, s) => {
    const given = Object.fromEntries(inputs.map((name, i) => [name, values(name, sample[i]!)]));
    return distances(node!, given, values(outputs[0]!, found[s]![0]!)).every((steps) => steps <= 0.5 + epsilon);
  });
}

export function compareOutputs(network: OracleCase, expected: Uint8Array[][], found: Uint8Array[][]): Comparison {
  const { tensors, outputs, operator, type } = network;
  const result: Comparison = { equal: 0, worst: 0, values: 0, example: '' };
  let equal = 0;
  expected.forEach((sample, s) =>
    sample.forEach((bytes, o) => {
      const tensor = tensors.find((t) => t.name === outputs[o])!;
      const [a, b] = [viewOf(tensor, bytes), viewOf(tensor, found[s]![o]!)];
      const unit = tensor.type === 'FLOAT32'
        ? Math.max(...Array.from(a, (x) => (Number.isFinite(x) ? Math.abs(x) : 0)), 1e-30)
        : 1;
      for (let i = 0; i < a.length; i++) {
        if (Object.is(a[i], b[i]) || a[i] === b[i]) {
          equal++;
          continue;
        }
        const distance = Math.abs(a[i]! - b[i]!) / unit;
        if (!(distance <= result.worst)) {
          result.worst = Number.isNaN(distance) ? Infinity : distance;
          result.example = `${outputs[o]}[${i}] of sample ${s}: oracle ${a[i]}, kinglet ${b[i]}`;
        }
      }
      result.values += a.length;
    })
  );
  result.equal = equal / result.values;
  if (exact.has(operator) && type !== 'float32') result.isNearest = isNearest(network, found);
  return result;
}

function viewOf(tensor: TfliteTensor, bytes: Uint8Array): Values {
  const { buffer } = new Uint8Array(bytes);
  switch (tensor.type) {
    case 'FLOAT32':
      return new Float32Array(buffer);
    case 'INT8':
      return new Int8Array(buffer);
    case 'INT32':
      return new Int32Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

const bytesOf = (array: Values) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
