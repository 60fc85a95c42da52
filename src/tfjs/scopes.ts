import { checkFunction, show } from '../arguments';
import { KletError } from '../errors';

// Which tensors a tidy() disposes, and how many there are.

interface Counted {
  dispose(): void;
  kept: boolean;
}

const scopes: Counted[][] = [];
const alive = { tensors: 0, bytes: 0 };

/** Counts a new tensor, and notes it for the innermost scope. */
export function count(tensor: Counted, bytes: number): void {
  alive.tensors++;
  alive.bytes += bytes;
  scopes[scopes.length - 1]?.push(tensor);
}

/** Counts a tensor that was disposed. */
export function leave(bytes: number): void {
  alive.tensors--;
  alive.bytes -= bytes;
}

/** Begins a scope, as `tf.engine().startScope()`. */
export function startScope(): void {
  scopes.push([]);
}

/** Ends a scope: disposes its tensors, except those in the result, which join the scope around. */
export function endScope(result?: unknown): void {
  const created = scopes.pop();
  if (!created) throw new KletError('BAD_ARGUMENT', 'endScope() has no startScope() before it');
  const returned = new Set(tensorsIn(result));
  for (const tensor of created) {
    if (tensor.kept) continue;
    if (returned.has(tensor)) scopes[scopes.length - 1]?.push(tensor);
    else tensor.dispose();
  }
}

function isTensor(value: object): value is Counted {
  return 'dataSync' in value && 'dispose' in value;
}

/** All tensors in a value: itself, or in arrays and records, at any depth. */
export function tensorsIn(value: unknown, seen = new Set<unknown>()): Counted[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return [];
  seen.add(value);
  return isTensor(value) ? [value] : Object.values(value).flatMap((inner) => tensorsIn(inner, seen));
}

/**
 * Runs a function and disposes the tensors that it makes, except those that it returns and those
 * given to `keep`.
 *
 * @throws KletError `BAD_ARGUMENT` if it is no function, or returns a promise; and what the
 *   function throws
 */
export function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
  const run = typeof nameOrFn === 'function' ? nameOrFn : fn;
  checkFunction(run, 'the argument of tidy()');
  startScope();
  let result: T | undefined;
  try {
    result = run!();
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
      throw new KletError(
        'BAD_ARGUMENT',
        'the function of tidy() returned a promise; make and read the tensors outside, and dispose() them',
      );
    }
    return result;
  } finally {
    endScope(result);
  }
}

/** Keeps a tensor beyond the `tidy` that made it. */
export function keep<T>(tensor: T): T {
  if (typeof tensor !== 'object' || tensor === null || !isTensor(tensor)) {
    throw new KletError('BAD_ARGUMENT', `keep() takes a tensor, not ${show(tensor)}`);
  }
  tensor.kept = true;
  return tensor;
}

/** Disposes a tensor, or all tensors in arrays and records. */
export function dispose(container: unknown): void {
  for (const tensor of tensorsIn(container)) tensor.dispose();
}

/** Number of tensors that were not disposed, and the bytes of their values. */
export function memory(): { numTensors: number; numDataBuffers: number; numBytes: number; unreliable: boolean } {
  return { numTensors: alive.tensors, numDataBuffers: alive.tensors, numBytes: alive.bytes, unreliable: false };
}
