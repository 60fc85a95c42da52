import { instantiateSync } from '@assemblyscript/loader';
import { KletError } from '../errors';
import { answersRight } from './knownAnswer';

// The one file that names WebAssembly.

/** Builds of the core: with 128-bit SIMD, and plain WebAssembly 1.0. Their results are bit-identical. */
export type Flavor = 'simd' | 'scalar';

/** A compiled core, shared by all models. */
export interface CompiledCore {
  module: WebAssembly.Module;
  flavor: Flavor;
}

/** The exports of assembly/index.ts. */
export interface CoreExports {
  validate(): number;
  faultOffset(): number;
  prepare(): void;
  run(from: number, to: number): void;
  scratchOf(): number;
  simd(): number;
}

const PAGE = 65536;

/** Bytes of cores by flavor, best first: what a bundle carries. */
export type InlinedCores = Partial<Record<Flavor, () => Uint8Array>>;

/**
 * Compiles a core and tries it: engines that claim a feature do not always have it, so the answer of a small product decides.
 *
 * @throws KletError `NOT_WASM` when the bytes are no core, `NO_WASM` when this engine cannot run it
 */
export function compileCore(source: BufferSource | WebAssembly.Module, what: string): CompiledCore {
  let module: WebAssembly.Module;
  try {
    module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  } catch (cause) {
    if (!(source instanceof WebAssembly.Module) && !isWasm(source)) {
      throw new KletError('NOT_WASM', `${what} is not WebAssembly${looksLikeHtml(source) ? ' but HTML, probably the server\'s page for a missing file' : ''}; check its URL`, { cause });
    }
    throw new KletError('NO_WASM', `this engine does not compile ${what}: ${String(cause)}`, { cause });
  }
  const { exports, memory } = instantiate({ module, flavor: 'scalar' }, PAGE);
  if (typeof exports.run !== 'function' || typeof exports.simd !== 'function') {
    throw new KletError('NOT_WASM', `${what} is WebAssembly, but not a core of this kinglet`);
  }
  if (!answersRight(exports, memory)) throw new KletError('NO_WASM', `this engine computes wrongly with ${what}; use another flavor`);
  return { module, flavor: exports.simd() === 1 ? 'simd' : 'scalar' };
}

/** Whether this engine has WebAssembly at all. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly === 'object' && typeof WebAssembly.Module === 'function';
}

/** @returns whether the value is a compiled module */
export function isModule(value: unknown): value is WebAssembly.Module {
  return hasWebAssembly() && value instanceof WebAssembly.Module;
}

/**
 * A core with a memory of its own, of exactly so many bytes (rounded up to pages).
 *
 * @throws KletError `OUT_OF_MEMORY` when the engine does not grant it
 */
export function instantiate(core: CompiledCore, bytes: number): { exports: CoreExports; memory: Uint8Array } {
  const pages = Math.ceil(bytes / PAGE);
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new KletError('OUT_OF_MEMORY', `the model needs ${pages * PAGE} bytes and this engine does not grant them`, { cause });
  }
  const { exports } = instantiateSync(core.module, { env: { memory } });
  return { exports: exports as unknown as CoreExports, memory: new Uint8Array(memory.buffer) };
}

function bytesIn(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
}

function isWasm(source: BufferSource): boolean {
  const b = bytesIn(source);
  return b[0] === 0 && b[1] === 0x61 && b[2] === 0x73 && b[3] === 0x6d;
}

function looksLikeHtml(source: BufferSource): boolean {
  return /^\s*</.test(String.fromCharCode(...bytesIn(source).subarray(0, 16)));
}
