// The entry for `require` without Node, for example in bundlers of older projects and in Jest with
// jsdom. All cores are inside, because CommonJS cannot fetch one later.
import { KletError } from './errors';
import { everyCore, everyExtra } from './everyCore';
import { inlinedThreadedCores } from './runtime/inlined';
import { makeRuntime } from './runtime/bundle';
import * as trust from './runtime/trust';
import type { ThreadWorker } from './runtime/threads';
import { webWorkerOf } from './webWorker';

export * from './exports';
function openWorker(script?: string | URL): ThreadWorker {
  if (script !== undefined) return webWorkerOf(script);
  throw new KletError(
    'BAD_ARGUMENT',
    'the CommonJS build does not know where its thread script is: pass the option "worker" ' +
      '(a URL of kinglet/thread.js)',
  );
}

export const { load, loadSync } = makeRuntime({
  builds: everyCore,
  threadedBuilds: inlinedThreadedCores,
  openWorker,
  extra: everyExtra,
  openTrust: () => Promise.resolve(trust),
});
