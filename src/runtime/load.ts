import { KletError } from '../errors';
import { openKlet } from '../format/klet';
import { checksumBy, compileCore, hasWebAssembly, isModule, relaxedPays, type CompiledCore, type Flavor, type InlinedCores } from './core';
import { Model } from './model';
import { asBytes, describeValue, nameOf, readBytes, type PathReader, type ReadOptions, type Source } from './read';

/** Where the core comes from, when not from the bundle. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export interface LoadSyncOptions {
  /** Which build of the core; the fastest that works here unless told. */
  flavor?: Flavor;
  /** The core apart from the bundle, as bytes or module. */
  wasm?: ArrayBuffer | ArrayBufferView | WebAssembly.Module;
  /** Most bytes of memory the model may take. */
  maxMemory?: number;
}

export interface LoadOptions extends ReadOptions, Omit<LoadSyncOptions, 'wasm'> {
  /** The core apart from the bundle: a URL, response, bytes or module. */
  wasm?: WasmSource;
}

/** `load` and `loadSync` of a bundle: `cores` are the builds that it carries, best first. */
export interface Runtime {
  load: (source: Source | PromiseLike<Source>, options?: LoadOptions) => Promise<Model>;
  loadSync: (bytes: ArrayBuffer | ArrayBufferView, options?: LoadSyncOptions) => Model;
}

async function settle(source: Source | PromiseLike<Source>): Promise<Source> {
  try {
    return await source;
  } catch (cause) {
    throw cause instanceof KletError ? cause : new KletError('FETCH_FAILED', `the promise of a model was broken: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

export function makeRuntime(cores: InlinedCores, readPath?: PathReader): Runtime {
  const compiled = new Map<Flavor, CompiledCore>();
  let relaxedFirst: boolean | undefined;

  function inlined(flavor: Flavor): CompiledCore {
    const known = compiled.get(flavor);
    if (known) return known;
    const bytes = Object.hasOwn(cores, flavor) ? cores[flavor] : undefined;
    if (!bytes) throw new KletError('BAD_ARGUMENT', `there is no flavor "${flavor}" here; ${Object.keys(cores).join(', ') || 'none'} available`);
    const core = compileCore(bytes(), `the ${flavor} core`);
    compiled.set(flavor, core);
    return core;
  }

  function pick(flavor: Flavor | undefined): CompiledCore {
    if (!hasWebAssembly()) throw new KletError('NO_WASM', 'this engine has no WebAssembly');
    if (flavor !== undefined) return inlined(flavor);
    const flavors = Object.keys(cores) as Flavor[];
    if (flavors.length === 0) throw new KletError('BAD_ARGUMENT', 'this entry carries no core: pass the option "wasm" (a URL, bytes or module of kinglet/core.simd.wasm)');
    let last: unknown;
    for (const candidate of flavors) {
      if (candidate === 'relaxed' && !(relaxedFirst ??= relaxedPays())) continue;
      try {
        return inlined(candidate);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  function checkOptions(options: LoadSyncOptions | LoadOptions): void {
    if (typeof options !== 'object' || options === null) throw new KletError('BAD_ARGUMENT', `the options must be an object, not ${describeValue(options)}`);
    const { maxMemory } = options;
    if (maxMemory !== undefined && !(maxMemory > 0)) throw new KletError('BAD_ARGUMENT', `maxMemory must be a number of bytes above 0, not ${String(maxMemory)}`);
  }

  function given(wasm: ArrayBuffer | ArrayBufferView | WebAssembly.Module): CompiledCore {
    if (!hasWebAssembly()) throw new KletError('NO_WASM', 'this engine has no WebAssembly');
    if (isModule(wasm)) return compileCore(wasm, 'the module given as "wasm"');
    const bytes = asBytes(wasm);
    if (!bytes) throw new KletError('BAD_ARGUMENT', `the option "wasm" takes bytes or a WebAssembly.Module, not ${describeValue(wasm)}`);
    return compileCore(bytes, 'the core given as "wasm"');
  }

  return {
    async load(source, options = {}) {
      checkOptions(options);
      const settled = await settle(source);
      const bytes = await readBytes(settled, options, readPath);
      const { wasm } = options;
      let core: CompiledCore;
      if (wasm === undefined) core = pick(options.flavor);
      else if (isModule(wasm)) core = given(wasm);
      else {
        const coreBytes = await readBytes(wasm, options.signal ? { signal: options.signal } : {}, readPath);
        core = compileCore(coreBytes, nameOf(wasm) === 'the model' ? 'the core given as "wasm"' : nameOf(wasm));
      }
      return new Model(core, openKlet(bytes, nameOf(settled), checksumBy(core)), nameOf(settled), options.maxMemory);
    },
    loadSync(source, options = {}) {
      checkOptions(options);
      const bytes = asBytes(source);
      if (!bytes) throw new KletError('BAD_ARGUMENT', `loadSync takes bytes (ArrayBuffer or Uint8Array), not ${describeValue(source)}; load() takes paths and URLs`);
      const core = options.wasm === undefined ? pick(options.flavor) : given(options.wasm);
      return new Model(core, openKlet(bytes, 'the model', checksumBy(core)), 'the model', options.maxMemory);
    },
  };
}
