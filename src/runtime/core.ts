import { instantiateSync } from '@assemblyscript/loader';
import { FAULT_OPCODE, RESERVED } from '../../assembly/layout';
import { KletError } from '../errors';
import { answersRight } from './knownAnswer';
import type { CoreExports, Flavor } from './types';

// The one file that names WebAssembly.

/** By the number that a core's `flavor()` gives. */
const flavors: readonly Flavor[] = ['scalar', 'simd', 'relaxed', 'js'];

/** Makes plain-JavaScript cores with their own memory of `bytes` bytes. */
export type CoreOf = (bytes: number, extra?: ExtraOperators) => Core;

/** The operators of `kinglet/js/extra`, for the option `extra` of the plain-JavaScript core. */
export interface ExtraOperators {
  readonly flavor: 'js';
}

/** A compiled core, shared by all models. */
export interface CompiledCore {
  module: WebAssembly.Module | CoreOf;
  flavor: Flavor;
  /**
   * A utility instance without a model, for checksums, self tests and quantizing inputs. All of its
   * memory above RESERVED is free.
   */
  utility: Core;
  /** Whether it was built for threads, with a shared memory. */
  threaded: boolean;
  /** The extra module, once a model needs it: the operators that few networks have. */
  extra?: WebAssembly.Module | ExtraOperators;
  /**
   * Makes an instance with its own memory of `bytes` bytes, rounded up to pages.
   *
   * @throws KletError `OUT_OF_MEMORY` when the engine does not grant it
   */
  start(bytes: number): Core;
}

/** The memory that the instances of a core on several threads share. */
export type SharedMemory = WebAssembly.Memory;

/** A core with its memory. */
export interface Core {
  exports: CoreExports;
  memory: Uint8Array;
  shared: SharedMemory;
}

/** The exports of the extra module, or of its stand-in. */
interface ExtraExports extends Partial<Pick<CoreExports, 'register'>> {
  extra: (record: number, phase: number) => number;
}

const PAGE = 65536;

/** What a core is made of: bytes, a module, or plain JavaScript. */
export type CoreSource = Uint8Array | WebAssembly.Module | CoreOf;

/** The cores that a bundle carries, by flavor, fastest first. */
export type InlinedCores<Source = Uint8Array> = Partial<Record<Flavor, () => Source>>;

/**
 * Compiles a core and runs a small product with a known answer on it, because engines that claim a
 * feature do not always compute it correctly.
 *
 * @param threaded whether the core is built for threads; detected by default
 * @throws KletError `NOT_WASM` when the bytes are no core, `NO_WASM` when this engine cannot run it
 */
export function compileCore(
  source: BufferSource | WebAssembly.Module | CoreOf,
  what: string,
  threaded?: boolean,
): CompiledCore {
  if (typeof source === 'function') return openPlain(source as CoreOf, what);
  let module: WebAssembly.Module;
  try {
    module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  } catch (cause) {
    if (!(source instanceof WebAssembly.Module) && !isWasm(source)) {
      throw new KletError(
        'NOT_WASM',
        `${what} is not WebAssembly${
          looksLikeHtml(source) ? " but HTML, probably the server's page for a missing file" : ''
        }; check its URL`,
        { cause },
      );
    }
    throw refusal(what, cause);
  }
  const foreign = (cause?: unknown): KletError =>
    new KletError('NOT_WASM', `${what} is WebAssembly, but not a core of this kinglet`, { cause });
  let utility: Core;
  try {
    try {
      utility = instantiate({ module, threaded: threaded ?? false }, PAGE);
    } catch (cause) {
      if (threaded !== undefined || cause instanceof KletError) throw cause;
      utility = instantiate({ module, threaded: threaded = true }, PAGE);
    }
  } catch (cause) {
    // WebKit compiles here, so a policy may refuse here
    if (cause instanceof WebAssembly.CompileError) throw refusal(what, cause);
    throw cause instanceof KletError ? cause : foreign(cause);
  }
  const { exports } = utility;
  if (typeof exports.run !== 'function' || typeof exports.flavor !== 'function') throw foreign();
  checkAnswers(utility, what);
  return {
    module,
    flavor: flavors[exports.flavor()]!,
    threaded: threaded ?? false,
    utility,
    start(bytes) {
      return instantiate({ ...this, module }, bytes);
    },
  };
}

/**
 * The core in plain JavaScript, after the same check.
 *
 * @throws KletError `NO_WASM` when this engine computes incorrectly
 */
export function openPlain(coreOf: CoreOf, what: string): CompiledCore {
  const utility = coreOf(PAGE);
  checkAnswers(utility, what);
  return {
    module: coreOf,
    flavor: 'js',
    threaded: false,
    utility,
    start(bytes) {
      try {
        return coreOf(bytes, this.extra as ExtraOperators | undefined);
      } catch (cause) {
        throw outOfMemory(bytes, cause);
      }
    },
  };
}

function checkAnswers({ exports, memory }: Core, what: string): void {
  let right = false;
  let cause: unknown;
  try {
    right = answersRight(exports, memory);
  } catch (error) {
    cause = error;
  }
  if (!right) {
    throw new KletError('NO_WASM', `${what} computes incorrectly on this engine; use another flavor`, { cause });
  }
}

function outOfMemory(bytes: number, cause: unknown): KletError {
  return new KletError('OUT_OF_MEMORY', `this engine refused ${bytes} bytes of memory`, { cause });
}

/** CRC-32 by the core; equals crc32 in src/format. */
export function checksumBy({ utility: { exports, memory } }: CompiledCore): (bytes: Uint8Array) => number {
  return (bytes) => {
    let crc = 0;
    for (let at = 0; at < bytes.length; at += memory.length - RESERVED) {
      const piece = bytes.subarray(at, at + memory.length - RESERVED);
      memory.set(piece, RESERVED);
      crc = exports.crc32(RESERVED, piece.length, crc);
    }
    return crc >>> 0;
  };
}

/**
 * A module that computes one relaxed dot product of four pairs (127, byte 255), in text form:
 * (module (func (export "f") (result i32) …))
 */
const relaxedDot = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1,
  0x66, 0, 0, 0x0a, 0x17, 1, 0x15, 0, 0x41, 0xff, 0, 0xfd, 0x0f, 0x41, 0x7f, 0xfd, 0x0f, 0x41, 0, 0xfd, 0x0f, 0xfd,
  0x93, 2, 0xfd, 0x1b, 0, 0x0b]);

/**
 * Whether the relaxed core is faster than the SIMD one here. For operands outside the range in
 * which all engines agree, the result reveals the instruction: 4·127·255 (AVX-VNNI) and 4·127·−1
 * (AVX-VNNI-INT8, Arm) come from one or few instructions; 2·32767 comes from the three saturating
 * instructions of other x86 processors, which are slower than plain SIMD; anything else is wrong.
 */
export function relaxedPays(): boolean {
  try {
    const { f } = startModule(relaxedDot) as unknown as { f: () => number };
    return [129540, -508].includes(f());
  } catch {
    return false;
  }
}

/**
 * The exports of a module that imports nothing.
 *
 * @throws KletError `NO_WASM` when this engine has WebAssembly in name only, or is not allowed to
 *   compile it; `OUT_OF_MEMORY` when it has no memory for the module
 */
export function startModule(bytes: Uint8Array): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)).exports;
  } catch (cause) {
    if (cause instanceof RangeError && /memory/i.test(cause.message)) throw outOfMemory(PAGE, cause);
    throw refusal('WebAssembly', cause);
  }
}

/** Whether a policy, not a missing feature, keeps this engine from compiling WebAssembly. */
export function isForbidden(cause: unknown): boolean {
  return /unsafe-eval|CSP|embedder/.test(String(cause));
}

function refusal(what: string, cause: unknown): KletError {
  const text = String(cause);
  let advice = '';
  if (text.includes('embedder')) {
    advice = '; this platform takes modules only: bundle for the condition "workerd", ' +
      'or pass the module kinglet/core.simd.wasm as the option "wasm"';
  } else if (isForbidden(cause)) {
    advice = "; add 'wasm-unsafe-eval' (not 'unsafe-eval') to script-src of the Content-Security-Policy; " +
      'browser extensions have it in manifest.json, as content_security_policy.extension_pages';
  }
  return new KletError('NO_WASM', `this engine does not compile ${what}: ${text}${advice}`, { cause });
}

/** @throws KletError `NO_WASM` */
export function requireWebAssembly(): void {
  if (!hasWebAssembly()) {
    throw new KletError('NO_WASM', 'this engine has no WebAssembly; load() of the entry "kinglet" needs none');
  }
}

/** Whether this engine has WebAssembly. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly === 'object' && typeof WebAssembly.Module === 'function';
}

/** @returns whether the value is a compiled module */
export function isModule(value: unknown): value is WebAssembly.Module {
  return hasWebAssembly() && value instanceof WebAssembly.Module;
}

/** A core built as WebAssembly, and the extra module if a model needs it. */
interface Modules extends Pick<CompiledCore, 'threaded' | 'extra'> {
  module: WebAssembly.Module;
}

/** Instantiates a core with its own memory; see `CompiledCore.start`. */
export function instantiate({ module, threaded, extra }: Modules, bytes: number): Core {
  const pages = Math.ceil(bytes / PAGE);
  let shared: SharedMemory;
  try {
    shared = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: threaded });
  } catch (cause) {
    throw outOfMemory(pages * PAGE, cause);
  }
  return { exports: instantiateOn(module, shared, extra), memory: new Uint8Array(shared.buffer), shared };
}

/** Instantiates a core on an existing memory, and the extra module if it is given. */
export function instantiateOn(
  module: WebAssembly.Module,
  memory: SharedMemory,
  extraModule?: CompiledCore['extra'],
): CoreExports {
  const second =
    (extraModule
      ? instantiateSync(extraModule, { env: { memory } }).exports
      : { extra: () => -FAULT_OPCODE }) as unknown as ExtraExports;
  const imports = { env: { memory, extra: second.extra } };
  const core = instantiateSync(module, imports).exports as unknown as CoreExports;
  if (!extraModule) return core;
  return {
    ...core,
    register(...thread) {
      core.register(...thread);
      second.register?.(...thread);
    },
  };
}

/** @throws KletError `NOT_WASM` when the bytes are no extra module of this kinglet */
export function compileExtra(source: BufferSource | WebAssembly.Module): WebAssembly.Module {
  let cause: unknown;
  try {
    const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
    if (WebAssembly.Module.exports(module).some(({ name }) => name === 'extra')) return module;
  } catch (error) {
    cause = error;
  }
  throw new KletError('NOT_WASM', 'the option "extra" is not this kinglet\'s extra.wasm; check its URL', { cause });
}

function bytesIn(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

function isWasm(source: BufferSource): boolean {
  const b = bytesIn(source);
  return b[0] === 0 && b[1] === 0x61 && b[2] === 0x73 && b[3] === 0x6d;
}

function looksLikeHtml(source: BufferSource): boolean {
  return /^\s*</.test(String.fromCharCode(...bytesIn(source).subarray(0, 16)));
}
