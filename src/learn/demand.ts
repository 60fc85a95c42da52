import { KletError, type KletErrorCode } from '../errors';

/** @throws KletError with this message unless the condition holds */
export function demand(holds: boolean, message: string, code: KletErrorCode = 'BAD_ARGUMENT'): asserts holds {
  if (!holds) throw new KletError(code, message);
}

/** @throws KletError `BAD_ARGUMENT` if an option is not a number in this range */
export function demandRange(value: number, name: string, least: number, most: number): void {
  demand(value >= least && value <= most, `the option "${name}" is a number from ${least} to ${most}, not ${value}`);
}
