import type { CompilerSource } from '../switching/network';

/**
 * Settings for all sessions. Of onnxruntime-web's own settings, only `wasm.numThreads` has an
 * effect.
 */
export interface Env {
  /**
   * `kinglet/compiler`, or a function that loads it. With it, `InferenceSession.create` also takes
   * ONNX files and converts them while it loads them.
   */
  compiler?: CompilerSource | undefined;
  logLevel?: 'verbose' | 'info' | 'warning' | 'error' | 'fatal';
  debug?: boolean;
  trace?: boolean;
  readonly versions: { readonly common: string; readonly web?: string; readonly node?: string };
  readonly wasm: {
    /** Number of threads of each session (default 1, at most 16). */
    numThreads?: number;
    simd?: boolean | 'fixed' | 'relaxed';
    trace?: boolean;
    initTimeout?: number;
    wasmPaths?: string | { wasm?: URL | string; mjs?: URL | string };
    wasmBinary?: ArrayBufferLike | Uint8Array;
    proxy?: boolean;
  };
  readonly webgl: Record<string, unknown>;
  readonly webgpu: Record<string, unknown>;
  [name: string]: unknown;
}

/** @see Env */
export const env: Env = { versions: { common: 'kinglet' }, wasm: {}, webgl: {}, webgpu: {} };
