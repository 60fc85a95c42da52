import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Graph } from '../../src/compiler/index';
import { compile } from '../../src/compiler/index';
import type { Importer } from '../../src/importers/index';
import { loadSync } from '../../src/index';

// Public networks with inputs and outputs of their own runtimes, if the folder is at hand.

interface Port {
  name: string;
  dtype: 'float32' | 'int64' | 'int32' | 'uint8' | 'int8';
  shape: number[];
}

/** A network and what its runtime computed. */
export interface Golden {
  model: string;
  format: string;
  inputs: Port[];
  outputs: Port[];
  cases: string[];
}

/** The networks of a kind. */
export interface GoldenFolder {
  /** Its networks; none if the folder is not at hand. */
  networks: string[];
  golden(network: string): Golden;
  /** All files of a network, by name. */
  files(network: string): Record<string, Uint8Array>;
}

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array };

export function goldenFolder(kind: string): GoldenFolder {
  const root = path.resolve(import.meta.dirname, '../../../shared/formats', kind);
  const read = (network: string, file: string): Uint8Array =>
    new Uint8Array(readFileSync(path.join(root, network, file)));
  return {
    networks: existsSync(root) ? readdirSync(root) : [],
    golden: (network) => JSON.parse(new TextDecoder().decode(read(network, 'golden.json'))) as Golden,
    files: (network) =>
      Object.fromEntries(readdirSync(path.join(root, network)).map((file) => [file, read(network, file)])),
  };
}

/** The tensors of a file, one after the other. */
function tensorsOf(bytes: Uint8Array, ports: readonly Port[]): Map<string, ArrayLike<number | bigint>> {
  let at = 0;
  return new Map(ports.map(({ name, dtype, shape }) => {
    const size = shape.reduce((a, b) => a * b, arrays[dtype].BYTES_PER_ELEMENT);
    const { buffer } = bytes.slice(at, at += size);
    return [name, new arrays[dtype](buffer)];
  }));
}

/** Whole numbers for an input of real numbers, such as indices in Keras, become real numbers. */
function inGraphType(graph: Graph, name: string, values: ArrayLike<number | bigint>): ArrayLike<number | bigint> {
  const isReal = graph.inputs.find((input) => input.name === name)?.dtype === 'float32';
  return isReal ? Float32Array.from(values, Number) : values;
}

/** Imports a network with the shapes of its golden inputs. */
export function importGolden(importer: Importer, folder: GoldenFolder, network: string): Graph {
  const { model, inputs } = folder.golden(network);
  const files = folder.files(network);
  const shapes = Object.fromEntries(inputs.map((port) => [port.name, port.shape]));
  return importer.import(files[model]!, { name: network, files, shapes });
}

/** How an output compares with its golden values. */
interface GoldenComparison {
  output: string;
  /** The largest difference, divided by the largest of the golden values. */
  difference: number;
  /** The part of the values that are equal. */
  equal: number;
}

/** Compares the outputs of a network in each case. */
export function compareGolden(
  graph: Graph,
  folder: GoldenFolder,
  network: string,
  golden = folder.golden(network),
): GoldenComparison[] {
  const files = folder.files(network);
  const model = loadSync(compile(graph));
  return golden.cases.flatMap((example) => {
    const inputs = tensorsOf(files[`${example}.in.bin`]!, golden.inputs);
    const outputs = tensorsOf(files[`${example}.out.bin`]!, golden.outputs);
    const result: Record<string, ArrayLike<number>> | ArrayLike<number> = model.predict(
      Object.fromEntries([...inputs].map(([name, values]) => [name, inGraphType(graph, name, values)])) as never,
      { output: 'raw' },
    ) as never;
    return [...outputs].map(([port, wanted]) => {
      const found = outputs.size === 1
        ? (result as ArrayLike<number>)
        : (result as Record<string, ArrayLike<number>>)[port]!;
      const values = Array.from(wanted, Number);
      const largest = Math.max(...values.map(Math.abs));
      const differences = values.map((value, i) => Math.abs(value - Number(found[i])));
      return {
        output: `${example} ${port}`,
        difference: Math.max(...differences) / largest,
        equal: differences.filter((difference) => difference === 0).length / differences.length,
      };
    });
  });
}
