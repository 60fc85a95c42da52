// The entry for edge platforms such as Cloudflare Workers and Vercel's Edge Functions. They compile
// no bytes. They take modules that are deployed with the code, and their tools make those modules
// from the imports below.
import core from './core.simd.wasm?module';
import extra from './extra.simd.wasm?module';
import { KletError } from './errors';
import { makeRuntime } from './runtime/bundle';
import * as trust from './runtime/trust';
import type { ThreadWorker } from './runtime/threads';
import { webWorkerOf } from './webWorker';

export * from './exports';

function openWorker(script?: string | URL): ThreadWorker {
  if (script !== undefined) return webWorkerOf(script);
  throw new KletError(
    'BAD_ARGUMENT',
    'edge platforms start no workers; pass a function that makes one as the option "worker"',
  );
}

/**
 * Makes `instanceof` recognize a module of another realm, such as those that Next.js gives to its
 * functions.
 */
function ofThisRealm(module: WebAssembly.Module): WebAssembly.Module {
  return Object.setPrototypeOf(module, WebAssembly.Module.prototype) as WebAssembly.Module;
}

export const { load, loadSync } = makeRuntime({
  builds: { simd: () => ofThisRealm(core) },
  openWorker,
  extra: () => ofThisRealm(extra),
  openTrust: () => Promise.resolve(trust),
});
