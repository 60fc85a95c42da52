/** What a file may take. */
export interface Limits {
  /** Bytes of the model's memory. */
  maxMemory: number;
  /** Multiply-adds of one prediction. */
  maxWork: number;
}

/** Limits of what a file may take, as options. */
export interface LimitOptions {
  /**
   * Upper limit of the model's memory, in bytes. Default: 1 GiB in Node, Deno and Bun, 256 MiB
   * elsewhere.
   */
  maxMemory?: number;
  /**
   * Upper limit of the work of one prediction (`model.work`), in multiply-adds. Default: 2^40.
   */
  maxWork?: number;
}

/** Default of `maxMemory` in pages, on edge platforms and phones. */
export const PAGE_MEMORY = 2 ** 28;
/** Default of `maxMemory` in Node, Deno and Bun, and of tools. */
export const TOOL_MEMORY = 2 ** 30;
/**
 * Default of `maxWork`. One thread with SIMD takes about a minute for as many multiply-adds of int8
 * convolutions. Networks for devices take at most a tenth of it: detectors of 80 classes in
 * photographs of 640 × 640 pixels, for example, 2^32 to 2^37.
 */
const MAX_WORK = 2 ** 40;

/** For networks that the caller compiles itself. */
export const UNLIMITED: Limits = { maxMemory: Infinity, maxWork: Infinity };
export const TOOL_LIMITS: Limits = { maxMemory: TOOL_MEMORY, maxWork: MAX_WORK };

/** The limits of the options, or the defaults; `memory` is that of `maxMemory`. */
export function limitsOf(
  { maxMemory, maxWork }: { [limit in keyof LimitOptions]: LimitOptions[limit] | undefined },
  memory: number,
): Limits {
  return { maxMemory: maxMemory ?? memory, maxWork: maxWork ?? MAX_WORK };
}
