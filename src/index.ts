// Node's entry: `load` also takes paths.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { inlinedCores } from './runtime/inlined';
import { makeRuntime } from './runtime/load';

export * from './exports';
export const { load, loadSync } = makeRuntime(inlinedCores, (path) =>
  readFile(path instanceof URL || path.startsWith('file:') ? fileURLToPath(path) : path));
