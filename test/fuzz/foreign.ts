import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compile, importModel, type Graph } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';
import { shared } from '../helpers/shared';
import { allocate } from '../reference/support';
import { judgeModel } from './models';
import { attempt, Failure, judgeError, MAX_MEMORY, Meter, unchanged } from './oracles';
import { unpack } from './package';

// What all importers have in common.

/** The largest files of others that are worth changing. */
const MAX_SEED_BYTES = 120_000;

/** Networks of others with this ending, if there are any beside the project. */
export function sharedNetworks(folder: string, ...endings: string[]): Uint8Array[] {
  const from = path.join(shared, folder);
  if (!existsSync(from)) return [];
  const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))
  );
  return files.map((entry) => new Uint8Array(readFileSync(path.join(entry.parentPath, entry.name)))).filter((bytes) =>
    bytes.length <= MAX_SEED_BYTES
  );
}

function goldenOf(graph: Graph): Record<string, Float32Array> {
  const random = new Random(3);
  return Object.fromEntries(graph.inputs.map((tensor) => [tensor.name, random.fill(allocate(tensor))])) as never;
}

/**
 * Imports and compiles a network, and judges the result. The file must not be changed, and what is
 * compiled must load and reproduce its golden case.
 *
 * @returns the shape of the error, or the operators of the network
 * @throws Failure
 */
export async function judgeForeign(bytes: Uint8Array): Promise<string> {
  const meter = new Meter();
  const files = unpack(bytes) ?? bytes;
  const given = files instanceof Uint8Array ? [files] : Object.values(files);
  let graph: Graph;
  try {
    // importModel() reads everything before it returns
    graph = await unchanged(given, () => importModel(files));
  } catch (error) {
    meter.check();
    return `import ${judgeError(error)}`;
  }
  const elements = graph.inputs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const golden = elements < 1 << 20 ? [goldenOf(graph)] : [];
  const compiled = unchanged(given, () => attempt(() => compile(graph, { maxMemory: MAX_MEMORY, golden })));
  meter.check();
  if ('error' in compiled) return `compile ${compiled.error}`;
  const refusal = judgeModel(compiled.value);
  if (refusal && !refusal.startsWith('OUT_OF_MEMORY')) throw new Failure('refused', `what compile() wrote: ${refusal}`);
  if (!refusal && loadSync(compiled.value).selfTest() !== golden.length) {
    throw new Failure('refused', 'the golden case is not in the file');
  }
  const operators = new Set(graph.nodes.map(({ op }) => op));
  return `compiles ${[...operators].sort().join()} ${graph.inputs.map(({ dtype }) => dtype).join()}`;
}
