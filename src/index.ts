// The entry for Node, where `load` also takes file paths. The other entries have the same types.
import { Worker } from 'node:worker_threads';
import { plainCore } from './js/core';
import { everyExtra } from './everyCore';
import { TOOL_MEMORY } from './limits';
import { readPath } from './readPath';
import { inlinedCores, inlinedThreadedCores } from './runtime/inlined';
import type { LoadSyncOptions } from './runtime/cores';
import { makeRuntime } from './runtime/bundle';
import type { LoadOptions } from './runtime/load';
import type { Model } from './runtime/model';
import type { Source } from './runtime/read';
import * as trust from './runtime/trust';

export * from './exports';

/** Do not pass on the process's flags, because some of them are valid for the main script only. */
const options = { execArgv: [] };

/** Bundlers recognize `new Worker(new URL(…))` as it stands here, and only with one URL in it. */
const openWorker = (script?: string | URL): Worker =>
  script === undefined
    ? new Worker(new URL('./thread.node.js', import.meta.url), options)
    : new Worker(script, options);
const runtime = makeRuntime({
  builds: { ...inlinedCores, js: () => plainCore },
  threadedBuilds: inlinedThreadedCores,
  openWorker,
  readPath,
  extra: everyExtra,
  memory: TOOL_MEMORY,
  openTrust: () => Promise.resolve(trust),
});

/**
 * Loads a model: reads the file, checks it and prepares it to run.
 *
 * @param source a path (in Node) or URL, a fetch `Response`, a `Blob`, a byte stream, or the bytes
 *   themselves
 * @throws KletError `FETCH_FAILED`, `ABORTED`, `BAD_MAGIC`, `BAD_VERSION`, `CORRUPT`,
 *   `OUT_OF_MEMORY`, `TOO_MUCH_WORK`, `NOT_WASM`, `NO_WASM` or `BAD_ARGUMENT`
 * @example
 * ```js
 * const model = await load('models/digits/digits.klet');
 * console.log(model.inputs[0].shape); // [1, 28, 28, 1]
 * ```
 */
export function load(source: Source | PromiseLike<Source>, options?: LoadOptions): Promise<Model> {
  return runtime.load(source, options);
}

/**
 * Loads a model from bytes in memory, synchronously. For worklets and other code that cannot wait.
 *
 * @throws KletError as `load`
 */
export function loadSync(bytes: ArrayBuffer | ArrayBufferView, options?: LoadSyncOptions): Model {
  return runtime.loadSync(bytes, options);
}
