import { FIRST_EXTRA_OPCODE, LAST_EXTRA_OPCODE } from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import { openKlet, type OpenedKlet } from '../format/klet';
import { recordOffsets } from '../format/records';
import { checksumBy, compileCore, compileExtra, hasWebAssembly, isForbidden, isModule, relaxedPays, requireWebAssembly,
  type CompiledCore, type CoreOf, type CoreSource, type ExtraOperators, type InlinedCores } from './core';
import { limitsOf, type LimitOptions, type Limits } from '../limits';
import { asBytes } from './read';
import type { Flavor } from './types';

// The cores of a bundle, and the synchronous half of loading, which is all that an audio worklet
// bundles of it.

export interface LoadSyncOptions extends LimitOptions {
  /** Which build of the core to run. Default: the fastest that works here. */
  flavor?: Flavor;
  /** A core that is not in the bundle, as bytes or module. */
  wasm?: ArrayBuffer | ArrayBufferView | WebAssembly.Module;
  /**
   * The extra module (`kinglet/extra.simd.wasm`, or `kinglet/extra.wasm` without SIMD), as bytes or
   * module: the operators that few networks have. Only models with such operators need it. For the
   * plain-JavaScript core, `extra` of `kinglet/js/extra`.
   */
  extra?: ArrayBuffer | ArrayBufferView | WebAssembly.Module | ExtraOperators;
}

/** Why a model of the plain-JavaScript core runs on one thread. */
export const NO_THREADS = 'the plain-JavaScript core has no threads';

/** Advice for engines where none of the bundle's cores works. */
export const GIVE_SCALAR = 'pass the option "wasm" (the bytes of kinglet/core.scalar.wasm, which needs no SIMD)';

/** Gives cores to callers that cannot wait. */
export interface CoreSupply {
  /** The core that the options ask for, or the fastest that works here. */
  pickAtOnce(options: LoadSyncOptions): CompiledCore;
  /**
   * Gives the core its extra module.
   *
   * @throws KletError `BAD_ARGUMENT` if the source is not at hand, or `NOT_WASM`
   */
  addExtra(core: CompiledCore, source: unknown): void;
  /** The extra module of the bundle. */
  readonly extra?: ExtraSource | undefined;
}

/** The cores of a bundle, compiled on first use. */
export class Cores implements CoreSupply {
  private readonly compiled = new Map<Flavor, CompiledCore>();
  private readonly compiledThreaded = new Map<Flavor, CompiledCore>();
  private relaxedFirst: boolean | undefined;

  constructor(
    private builds: InlinedCores<CoreSource>,
    private threadedBuilds: InlinedCores<CoreSource> = {},
    readonly extra?: ExtraSource,
  ) {}

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
    if (!bytes) throw noFlavor(flavor, Object.keys(builds));
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
  pickAtOnce({ flavor, wasm }: LoadSyncOptions): CompiledCore {
    if (wasm !== undefined) return given(wasm);
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

  addExtra(core: CompiledCore, source: unknown): void {
    if (core.flavor === 'js') {
      addOperators(core, source);
      return;
    }
    const module = isModule(source) ? source : asBytes(source);
    if (!module) throw lacksExtra('kinglet/extra.simd.wasm');
    core.extra = compileExtra(module);
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

/** @param flavors those that there are */
export function noFlavor(flavor: unknown, flavors: readonly string[]): KletError {
  const name = typeof flavor === 'string' ? flavor : describeValue(flavor);
  return new KletError('BAD_ARGUMENT', `there is no flavor "${name}" here; ${flavors.join(', ') || 'none'} available`);
}

/** What the extra module is made of; a function fetches it. */
type ExtraModule = Uint8Array | WebAssembly.Module | string | URL | ExtraOperators | (() => Promise<ExtraOperators>);

/** The extra module of a bundle that suits a core, or where to fetch it. */
export type ExtraSource = (core: CompiledCore) => ExtraModule;

export function isOperators(source: unknown): source is ExtraOperators {
  try {
    return (source as Partial<ExtraOperators> | null | undefined)?.flavor === 'js';
  } catch {
    return false;
  }
}

/** The extra module for a core: the given one if it suits the core, or the bundle's. */
export function extraFor<Given>(core: CompiledCore, given: Given, source?: ExtraSource): Given | ExtraModule {
  const suits = given !== undefined && isOperators(given) === (core.flavor === 'js');
  return suits || !source ? given : source(core);
}

/** Whether the plan has records of the extra module, which the core does not have yet. */
export function needsExtra({ extra }: CompiledCore, { plan }: OpenedKlet): boolean {
  const isExtra = (opcode: number): boolean => opcode >= FIRST_EXTRA_OPCODE && opcode <= LAST_EXTRA_OPCODE;
  return !extra && recordOffsets(plan).some((at) => isExtra(plan[at]!));
}

function lacksExtra(what: string): KletError {
  return new KletError(
    'BAD_ARGUMENT',
    `the model has operators of the extra module; pass the option "extra" (${what})`,
  );
}

/** `CoreSupply.addExtra` for the core in plain JavaScript. */
export function addOperators(core: CompiledCore, source: unknown): void {
  if (!isOperators(source)) throw lacksExtra("import { extra } from 'kinglet/js/extra'");
  core.extra = source;
}

/**
 * Chooses the core and reads a file, for scopes that cannot fetch. Only bytes are checked; the
 * caller checks the options.
 *
 * @param memory the default of `maxMemory`
 */
export function openSync(
  supply: CoreSupply,
  source: unknown,
  options: LoadSyncOptions,
  memory: number,
): [CompiledCore, OpenedKlet, Limits] {
  const limits = limitsOf(options, memory);
  const bytes = asBytes(source);
  if (!bytes) {
    throw new KletError(
      'BAD_ARGUMENT',
      `loadSync takes bytes (ArrayBuffer or Uint8Array), not ${describeValue(source)}; load() takes paths and URLs`,
    );
  }
  const core = supply.pickAtOnce(options);
  const parts = openKlet(bytes, 'the model', checksumBy(core), limits.maxMemory);
  if (needsExtra(core, parts)) supply.addExtra(core, extraFor(core, options.extra, supply.extra));
  return [core, parts, limits];
}
