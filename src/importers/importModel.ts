import { checkObject } from '../arguments';
import { KletError } from '../errors';
import type { Graph } from '../graph/graph';
import { importerOf, importers } from './index';
import type { ImportOptions } from './shared/importer';

/** The files of a network: one, or several by their names. */
export type ModelFiles = Uint8Array | Readonly<Record<string, Uint8Array>>;

/**
 * Reads a network of any format that kinglet imports, which is told from the bytes.
 *
 * @param model - The bytes of the file or, if its weights are in other files, all files by name.
 * @param options - How it is read.
 * @returns the graph, for `quantize`, `prune` and `compile`
 * @throws {KletError} `BAD_MAGIC` if no importer recognizes a file, and the errors of
 *   `Importer.import`
 * @example
 * ```js
 * const graph = await importModel(bytes, { name: 'scene', shapes: { image: [1, 3, 64, 64] } });
 * const klet = compile(graph);
 * ```
 */
export function importModel(model: ModelFiles, options: ImportOptions = {}): Promise<Graph> {
  return new Promise((resolve) => resolve(importNow(model, options)));
}

function importNow(model: ModelFiles, options: ImportOptions): Graph {
  const given: unknown = options;
  checkObject(given, 'the options of importModel()');
  const { main, files } = filesOf(model);
  const importer = importerOf(main);
  if (!importer) {
    const titles = importers.map(({ title }) => title).join(', ');
    throw new KletError('BAD_MAGIC', `the file is no network that kinglet imports; it imports ${titles}`);
  }
  return importer.import(main, { ...options, files: { ...files, ...options.files } });
}

/** The file with the network, and the others. */
function filesOf(model: ModelFiles): { main: Uint8Array; files: Readonly<Record<string, Uint8Array>> } {
  if (model instanceof Uint8Array) return { main: model, files: {} };
  checkObject(model, 'the files of importModel()');
  const named = Object.entries(model);
  const recognized = named.filter(([, bytes]) => importerOf(bytes));
  const [first, second] = recognized;
  if (first && !second) return { main: first[1], files: model };
  const names = (recognized.length > 1 ? recognized : named).map(([name]) => `"${name}"`).join(', ');
  throw new KletError(
    'BAD_MAGIC',
    second ? `several of the files are networks: ${names}; pass one` : `none of the files is a network: ${names}`,
  );
}
