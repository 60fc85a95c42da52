import { instantiateSync } from '@assemblyscript/loader';
import * as L from '../../assembly/layout';
import { KletError } from '../errors';

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

/** The known answer: one tile of a pointwise product, with a rounding tie, both clamps and a negative zero point in it. */
function answersRight(core: CoreExports, memory: Uint8Array): boolean {
  const view = new DataView(memory.buffer), plan = L.RESERVED, weights = plan + 256, arena = weights + 256, scratch = arena + 256;
  [plan, L.CONV2D_BYTES, weights, 192, arena, 64, scratch, 4096].forEach((value, i) => view.setUint32(L.MAP + i * 4, value, true));
  view.setUint8(plan + L.RECORD_OPCODE, L.OP_CONV2D);
  view.setUint8(plan + L.RECORD_DTYPE, L.DTYPE_I8);
  const fields: [number, number][] = [
    [L.RECORD_SIZE, L.CONV2D_BYTES], [L.CONV2D_TARGET, 16], [L.CONV2D_BIAS, 64], [L.CONV2D_SCALE, 128], [L.CONV2D_BATCH, 1], [L.CONV2D_IN_H, 1],
    [L.CONV2D_IN_W, 4], [L.CONV2D_IN_C, 2], [L.CONV2D_OUT_H, 1], [L.CONV2D_OUT_W, 4], [L.CONV2D_OUT_C, 8], [L.CONV2D_KERNEL_H, 1], [L.CONV2D_KERNEL_W, 1],
    [L.CONV2D_STRIDE_Y, 1], [L.CONV2D_STRIDE_X, 1], [L.CONV2D_DILATION_Y, 1], [L.CONV2D_DILATION_X, 1], [L.CONV2D_GROUPS, 1], [L.CONV2D_BLOCK_ROWS, 4],
    [L.CONV2D_PIXEL_STRIDE, 8], [L.CONV2D_ROW_STRIDE, 32], [L.CONV2D_BATCH_STRIDE, 32], [L.CONV2D_TARGET_ZERO, -3], [L.CONV2D_MIN, -100], [L.CONV2D_MAX, 90],
  ];
  for (const [field, value] of fields) view.setInt32(plan + field, value, true);
  const a = [-128, 127, 3, -5, 0, 1, 77, -2], w = [-127, 127, 1, 0, 0, 1, 64, -64, 5, 5, 100, -3, -1, -1, 2, 9];
  a.forEach((value, i) => view.setInt8(arena + i, value));
  w.forEach((value, i) => view.setInt8(weights + i, value));
  for (let n = 0; n < 8; n++) {
    view.setInt32(weights + 64 + n * 4, n, true);
    view.setFloat32(weights + 128 + n * 4, 0.5 / (1 + (n & 3)), true);
  }
  if (core.validate() !== L.FAULT_NONE) return false;
  core.prepare();
  core.run(0, L.CONV2D_BYTES);
  for (let m = 0; m < 4; m++) {
    for (let n = 0; n < 8; n++) {
      const x = Math.fround((a[2 * m]! * w[2 * n]! + a[2 * m + 1]! * w[2 * n + 1]! + n) * Math.fround(0.5 / (1 + (n & 3))));
      const down = Math.floor(x), rounded = x - down === 0.5 ? down + (down & 1) : Math.round(x);
      if (view.getInt8(arena + 16 + m * 8 + n) !== Math.max(-100, Math.min(90, rounded - 3))) return false;
    }
  }
  return true;
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
