import { show } from '../arguments';
import { KletError } from '../errors';
import type { Outcome } from './measure';
import type { ExampleInputs, Target } from './types';

/** Gathers the answers of a network, for one task. */
export interface Collector {
  /** Sees the outputs after each input of an example. */
  observe?(outputs: Record<string, Float32Array>, input: ExampleInputs): void;
  /**
   * Adds the outputs after the last input of an example.
   *
   * @throws KletError `BAD_ARGUMENT` if the target does not fit
   */
  add(outputs: Record<string, Float32Array>, target: Target): void;
  finish(): Outcome;
}

/** An error about a target that does not fit the task. */
export function badTarget(expected: string, target: unknown): KletError {
  return new KletError('BAD_ARGUMENT', `the target must be ${expected}, not ${show(target)}`);
}
