import { checkWhole, show } from '../arguments';
import { KletError } from '../errors';

// Arrays of callers, checked and copied.

const MAX_CLASSES = 2 ** 20;

/** The elements of an array or typed array; one whose buffer was transferred has none. */
function elementsOf(values: unknown, what: string, of: string): unknown[] {
  const isList = Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView));
  if (!isList) throw new KletError('BAD_ARGUMENT', `${what} must be an array of ${of}, not ${show(values)}`);
  const list = values as ArrayLike<unknown>;
  return Array.from({ length: list.length }, (_, i) => list[i]);
}

/** @throws KletError `BAD_ARGUMENT` unless all elements are numbers other than NaN */
export function numbersOf(values: unknown, what: string): Float64Array {
  return Float64Array.from(elementsOf(values, what, 'numbers'), (value, i) => {
    if (typeof value === 'number' && !Number.isNaN(value)) return value;
    throw new KletError('BAD_ARGUMENT', `${what}[${i}] must be a number, not ${show(value)}`);
  });
}

/**
 * Booleans as 0 and 1.
 *
 * @throws KletError `BAD_ARGUMENT` unless all elements are booleans, 0 or 1
 */
export function flagsOf(values: unknown, what: string): Uint8Array {
  return Uint8Array.from(elementsOf(values, what, 'booleans, or of 0 and 1'), (value, i) => {
    if (value === true || value === false || value === 0 || value === 1) return Number(value);
    throw new KletError('BAD_ARGUMENT', `${what}[${i}] must be a boolean, 0 or 1, not ${show(value)}`);
  });
}

/** @throws KletError `BAD_ARGUMENT` unless all elements are numbers of classes */
export function classesOf(values: unknown, what: string, least: number): Int32Array {
  return Int32Array.from(elementsOf(values, what, 'classes'), (value, i) => {
    checkWhole(value, `${what}[${i}]`, least, MAX_CLASSES - 1);
    return value as number;
  });
}
