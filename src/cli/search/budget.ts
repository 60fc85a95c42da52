import { InvalidArgumentError } from 'commander';
import type { SearchBudget } from '../../compiler/index';
import { bytesText, msText } from '../text';

/** What each unit limits, and its factor. */
const units: Readonly<Record<string, readonly [keyof SearchBudget, number]>> = {
  B: ['bytes', 1],
  kB: ['bytes', 1e3],
  MB: ['bytes', 1e6],
  KiB: ['bytes', 2 ** 10],
  MiB: ['bytes', 2 ** 20],
  us: ['ms', 1e-3],
  µs: ['ms', 1e-3],
  ms: ['ms', 1],
  s: ['ms', 1e3],
  pt: ['loss', 1],
  dB: ['sqnr', 1],
};

/** Parses a budget such as 100kB, 1.5ms or 100kB,1.5ms,0.5pt. */
export function parseBudget(text: string): SearchBudget {
  const known = new Map(Object.entries(units).map(([unit, meaning]) => [unit.toLowerCase(), meaning]));
  const limits = text.split(',').map((part): [keyof SearchBudget, number] => {
    const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(\D+?)\s*$/.exec(part) ?? [];
    const found = known.get(unit.toLowerCase());
    if (number === undefined || !found) {
      const names = Object.keys(units).join(', ');
      const forms = '100kB, 1.5ms, 0.5pt or 30dB, with commas between them';
      throw new InvalidArgumentError(`It must be limits such as ${forms}; the units are ${names}.`);
    }
    return [found[0], Number(number) * found[1]];
  });
  const budget = Object.fromEntries(limits);
  if (Object.keys(budget).length < limits.length) throw new InvalidArgumentError('It has two limits of the same kind.');
  return budget;
}

/** A budget in words. */
export function budgetText({ bytes, ms, loss, sqnr }: SearchBudget): string {
  const texts = [bytes !== undefined && `at most ${bytesText(bytes)}`, ms !== undefined && `at most ${msText(ms)}`,
    loss !== undefined && `at most ${loss} points lost`, sqnr !== undefined && `at least ${sqnr} dB`];
  return texts.filter((text) => text !== false).join(', ');
}
