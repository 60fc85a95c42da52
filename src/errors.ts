/**
 * The kind of an error. Codes are stable: programs branch on `error.code`, people read
 * `error.message`.
 *
 * | code | when |
 * |---|---|
 * | `BAD_MAGIC` | the bytes are not a `.klet` file (or not the foreign format that was expected) |
 * | `BAD_INTEGRITY` | the file does not have the hash that was expected |
 * | `BAD_SIGNATURE` | the file is not signed with an expected key, or was changed afterwards |
 * | `BAD_VERSION` | the file is of a newer major version than this runtime reads |
 * | `CORRUPT` | a length, offset, checksum or plan record contradicts the file itself |
 * | `NOT_WASM` | what was given or fetched as the core is not WebAssembly |
 * | `NO_WASM` | this engine offers no way to run the core |
 * | `FETCH_FAILED` | a URL or path could not be read |
 * | `ABORTED` | the caller's `AbortSignal` fired |
 * | `UNSUPPORTED_OP` | a network uses operators or forms of them that kinglet lacks (all listed) |
 * | `UNSUPPORTED_TYPE` | a tensor's element type or quantization has no counterpart |
 * | `INVALID_GRAPH` | a network contradicts itself: shapes, dangling tensors, cycles |
 * | `SHAPE_MISMATCH` | an input or output array has the wrong number of elements |
 * | `TYPE_MISMATCH` | an input or output array is of the wrong kind |
 * | `MISSING_INPUT` | a record of inputs lacks a name, or has one the model does not know |
 * | `NOT_A_NUMBER` | a float input holds NaN |
 * | `OUT_OF_MEMORY` | the model needs more memory than the limit, or than the engine grants |
 * | `TOO_MUCH_WORK` | a prediction takes more multiply-adds than the limit |
 * | `DISPOSED` | the model was used after `dispose()` |
 * | `SELF_TEST_FAILED` | the model's golden vectors were not reproduced |
 * | `BAD_ARGUMENT` | any other wrong argument or option |
 */
export type KletErrorCode = 'BAD_MAGIC' | 'BAD_INTEGRITY' | 'BAD_SIGNATURE' | 'BAD_VERSION' | 'CORRUPT' | 'NOT_WASM'
  | 'NO_WASM' | 'FETCH_FAILED' | 'ABORTED' | 'UNSUPPORTED_OP' | 'UNSUPPORTED_TYPE' | 'INVALID_GRAPH' | 'SHAPE_MISMATCH'
  | 'TYPE_MISMATCH' | 'MISSING_INPUT' | 'NOT_A_NUMBER' | 'OUT_OF_MEMORY' | 'TOO_MUCH_WORK' | 'DISPOSED'
  | 'SELF_TEST_FAILED' | 'BAD_ARGUMENT';

const BRAND = Symbol.for('kinglet.KletError');

/**
 * The one error class of kinglet. The message says what was expected, what was found, where, and
 * what to do.
 *
 * @example
 * ```js
 * try {
 *   await load('missing.klet');
 * } catch (error) {
 *   if (error.code === 'FETCH_FAILED') console.log(error.message);
 * }
 * ```
 */
export class KletError extends Error {
  override readonly name = 'KletError';

  constructor(readonly code: KletErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }

  /**
   * Each bundle of kinglet has its own class; this mark is common to all of them.
   *
   * @internal
   */
  get [BRAND](): true {
    return true;
  }

  /** True for errors of every entry of kinglet. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== KletError) return super[Symbol.hasInstance](value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** The message of a caught error, or of another value that was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Names a value in an error message, by its class or type. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') {
    try {
      const { name } = (value.constructor ?? {}) as { name?: unknown };
      if (typeof name === 'string' && name !== '') return name;
    } catch {
      // a getter or proxy that throws
    }
    return 'an object';
  }
  return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}
