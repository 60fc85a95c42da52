import { FIRST_EXTRA_OPCODE, LAST_EXTRA_OPCODE } from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import { openKlet, type OpenedKlet } from '../format/klet';
import { checksumBy, compileCore, compileExtra, hasWebAssembly, isForbidden, isModule, relaxedPays, requireWebAssembly,
  type CompiledCore, type CoreOf, type CoreSource, type InlinedCores } from './core';
import { recordOffsets } from './memory';
import { asBytes } from './read';
import type { Flavor } from './types';

// The cores of a bundle, and the synchronous half of loading, which is all that an audio worklet
// bundles of it.

export interface LoadSyncOptions {
  /** Which build of the core to run. Default: the fastest that works here. */
  flavor?: Flavor;
  /** A core that is not in the bundle, as bytes or module. */
  wasm?: ArrayBuffer | ArrayBufferView | WebAssembly.Module;
  /**
   * The extra module (`kinglet/extra.simd.wasm`, or `kinglet/extra.wasm` without SIMD), as bytes or
   * module: the operators that few networks have. Only models with such operators need it.
   */
  extra?: ArrayBuffer | ArrayBufferView | WebAssembly.Module;
  /** Upper limit of the model's memory, in bytes. */
  maxMemory?: number;
}

/** Advice for engines where none of the bundle's cores works. */
export const GIVE_SCALAR = 'pass the option "wasm" (the bytes of kinglet/core.scalar.wasm, which needs no SIMD)';

/** The cores of a bundle, compiled on first use. */
export class Cores {
  private readonly compiled = new Map<Flavor, CompiledCore>();
  private readonly compiledThreaded = new Map<Flavor, CompiledCore>();
  private relaxedFirst: boolean | undefined;

  constructor(private builds: InlinedCores<CoreSource>, private threadedBuilds: InlinedCores<CoreSource> = {}) {}

  add(flavor: Flavor, core: CoreOf | Uint8Array, threaded = false): void {
    const builds = threaded ? 'threadedBuilds' : 'builds';
    this[builds] = { ...this[builds], [flavor]: () => core };
  }

  hasScalar(threaded: boolean): boolean {
    return 'scalar' in (threaded ? this.threadedBuilds : this.builds);
  }

  of(flavor: Flavor, threaded = false): CompiledCore {
    const { builds } = this;
    const table = threaded ? this.compiledThreaded : this.compiled;
    const known = table.get(flavor);
    if (known) return known;
    const bytes = Object.hasOwn(builds, flavor) ? (threaded ? this.threadedBuilds : builds)[flavor] : undefined;
    if (!bytes) {
      throw new KletError(
        'BAD_ARGUMENT',
        `there is no flavor "${typeof flavor === 'string' ? flavor : describeValue(flavor)}" here; ${
          Object.keys(builds).join(', ') || 'none'
        } available`,
      );
    }
    const core = compileCore(bytes(), `the ${flavor} core${threaded ? ' with threads' : ''}`, threaded);
    table.set(flavor, core);
    return core;
  }

  /** The requested flavor, or the fastest that works here. */
  pick(flavor: Flavor | undefined): CompiledCore {
    if (!('js' in this.builds)) requireWebAssembly();
    if (flavor !== undefined) return this.of(flavor);
    const flavors = Object.keys(this.builds) as Flavor[];
    if (flavors.length === 0) {
      throw new KletError(
        'BAD_ARGUMENT',
        'this entry carries no core: pass the option "wasm" (a URL, bytes or module of kinglet/core.simd.wasm)',
      );
    }
    let last: unknown;
    for (const candidate of flavors) {
      if (candidate === 'relaxed' && !(this.relaxedFirst ??= relaxedPays())) continue;
      try {
        return this.of(candidate);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  /** Like `pick`, for callers that cannot fetch a core; its error says which core to pass. */
  pickAtOnce(flavor: Flavor | undefined): CompiledCore {
    try {
      return this.pick(flavor);
    } catch (error) {
      // a missing scalar core is to blame only in bundles that carry SIMD cores alone
      const lacksScalar = 'simd' in this.builds && !('scalar' in this.builds) &&
        (flavor === undefined || flavor === 'scalar');
      if (!lacksScalar || !hasWebAssembly() || !(error instanceof KletError) || isForbidden(error.cause)) throw error;
      throw new KletError(error.code, `${error.message}; ${GIVE_SCALAR}`, { cause: error });
    }
  }
}

export function given(wasm: ArrayBuffer | ArrayBufferView | WebAssembly.Module): CompiledCore {
  requireWebAssembly();
  if (isModule(wasm)) return compileCore(wasm, 'the module given as "wasm"');
  const bytes = asBytes(wasm);
  if (!bytes) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "wasm" takes bytes or a WebAssembly.Module, not ${describeValue(wasm)}`,
    );
  }
  return compileCore(bytes, 'the core given as "wasm"');
}

/** Gives the bytes of the extra module for a core, or where to fetch them. */
export type ExtraSource = (threaded: boolean, simd: boolean) => Uint8Array | WebAssembly.Module | string | URL;

/** The extra module of a bundle that suits the core. */
export function extraOf({ threaded, flavor }: CompiledCore, source?: ExtraSource): ReturnType<ExtraSource> | undefined {
  return source?.(threaded, flavor !== 'scalar');
}

/** Whether the plan has records of the extra module, which the core does not have yet. */
export function needsExtra({ extra, flavor }: CompiledCore, { plan }: OpenedKlet): boolean {
  const isExtra = (opcode: number): boolean => opcode >= FIRST_EXTRA_OPCODE && opcode <= LAST_EXTRA_OPCODE;
  return !extra && flavor !== 'js' && recordOffsets(plan).some((at) => isExtra(plan[at]!));
}

export function addExtra(core: CompiledCore, source: unknown): void {
  const module = isModule(source) ? source : asBytes(source);
  if (!module) {
    throw new KletError(
      'BAD_ARGUMENT',
      'the model has operators of the extra module; pass the option "extra" (kinglet/extra.simd.wasm)',
    );
  }
  core.extra = compileExtra(module);
}

/**
 * Chooses the core and reads a file, for scopes that cannot fetch. Only bytes are checked; the
 * caller checks the options.
 */
export function openSync(
  cores: Cores,
  source: unknown,
  options: LoadSyncOptions,
  extra?: ExtraSource,
): [CompiledCore, OpenedKlet] {
  const bytes = asBytes(source);
  if (!bytes) {
    throw new KletError(
      'BAD_ARGUMENT',
      `loadSync takes bytes (ArrayBuffer or Uint8Array), not ${describeValue(source)}; load() takes paths and URLs`,
    );
  }
  const core = options.wasm === undefined ? cores.pickAtOnce(options.flavor) : given(options.wasm);
  const parts = openKlet(bytes, 'the model', checksumBy(core));
  if (needsExtra(core, parts)) addExtra(core, options.extra ?? extraOf(core, extra));
  return [core, parts];
}
