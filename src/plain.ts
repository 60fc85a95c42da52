// The entry without WebAssembly, with the plain-JavaScript core inside: for engines that have none,
// such as React Native's.
import { KletError } from './errors';
import { plainCore } from './js/core';
import { openPlain, type CompiledCore } from './runtime/core';
import { addOperators, needsExtra, noFlavor, NO_THREADS, type LoadSyncOptions } from './runtime/cores';
import * as trust from './runtime/trust';
import { runtimeOf, type LoadOptions } from './runtime/load';

export * from './exports';

let core: CompiledCore | undefined;

function pick({ flavor = 'js', wasm }: LoadSyncOptions | LoadOptions): CompiledCore {
  if (wasm !== undefined) {
    throw new KletError(
      'BAD_ARGUMENT',
      'kinglet/js has no WebAssembly: leave out the option "wasm", or import "kinglet"',
    );
  }
  if (flavor !== 'js') throw noFlavor(flavor, ['js']);
  return core ??= openPlain(plainCore, 'the plain-JavaScript core');
}

export const { load, loadSync } = runtimeOf({
  pick: (options) =>
    new Promise((resolve) => {
      resolve(pick(options));
    }),
  pickAtOnce: pick,
  addExtra: addOperators,
  fetchExtra(core, parts, { extra }) {
    if (needsExtra(core, parts)) addOperators(core, extra);
  },
  withThreads: () => NO_THREADS,
  openTrust: () => Promise.resolve(trust),
});
