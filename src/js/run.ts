import { RECORD_SIZE } from '../../assembly/layout';
import type { Memory } from './memory';

/** A function that runs or prepares a record at address r of the plan. */
export type Operator = (r: number, m: Memory) => void;

/** The functions of opcodes. */
export interface Operators {
  /** Runs records. */
  run: Record<number, Operator>;
  /** Provides the working memory of records. */
  prepare: Record<number, Operator>;
}

/** The operators that few networks have, which a core gets when a model needs them. */
export interface PlainExtra extends Operators {
  readonly flavor: 'js';
  /** @returns the FAULT_ code of the record at this address of the memory */
  validate(buffer: ArrayBuffer, record: number): number;
}

/** Calls the function of each record at plan offsets in [from, to). */
export function each(functions: Record<number, Operator>, m: Memory, from: number, to: number): void {
  for (let r = from; r < to; r += m.plan[(r + RECORD_SIZE) >> 2]!) {
    const operator = functions[m.plan[r >> 2]! & 255];
    if (operator) operator(r, m);
  }
}
