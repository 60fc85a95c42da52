// The entry without WebAssembly, with the plain-JavaScript core inside: for engines that have none,
// such as React Native's.
import { KletError } from './errors';
import { plainCore } from './js/core';
import { makeRuntime } from './runtime/load';

export * from './exports';
export const { load, loadSync } = makeRuntime({ js: () => plainCore }, {}, () => {
  throw new KletError('BAD_ARGUMENT', 'kinglet/js has no threads');
});
