import { KletError } from '../errors';
import { isObject } from '../format/json';
import type { Snapshot } from '../format/snapshot';

/**
 * Checks what is to be a snapshot: they come from other devices and files.
 *
 * @param what for errors, for example "the reference"
 * @throws KletError `BAD_ARGUMENT` if it is none
 */
export function checkSnapshot(value: unknown, what: string): Snapshot {
  if (!isSnapshot(value)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${what} is not a snapshot of version 1; pass what snapshot(), take() or merge() gave, or its JSON once parsed`,
    );
  }
  return value;
}

function isSnapshot(value: unknown): value is Snapshot {
  if (!isObject(value) || value.version !== 1) return false;
  const { predictions, milliseconds, latency, classes, confidence, inputs } = value;
  return [predictions, milliseconds].every(Number.isFinite) && [latency, classes, confidence].every(isCounts) &&
    isObject(inputs) &&
    Object.values(inputs).every((input) =>
      isObject(input) && [input.values, input.sum, input.squares, input.outside].every(Number.isFinite) &&
      [input.bins, input.means].every(isCounts)
    );
}

function isCounts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(Number.isFinite);
}
