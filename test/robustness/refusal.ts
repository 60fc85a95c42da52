import { afterEach, expect } from 'vitest';
import { KletError, loadSync, type KletErrorCode } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { sampleFile } from './sample';

/** Expects a KletError with this code, whose message matches all patterns. */
export function refuses(action: () => unknown, code: KletErrorCode, ...about: RegExp[]): KletError {
  try {
    action();
  } catch (error) {
    return check(error, code, about);
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}

/** The same for a promise. */
export async function rejects(
  action: () => Promise<unknown>,
  code: KletErrorCode,
  ...about: RegExp[]
): Promise<KletError> {
  let result: unknown;
  try {
    result = await action();
  } catch (error) {
    return check(error, code, about);
  }
  throw new Error(`expected ${code}, but the promise resolved to ${String(result)}`);
}

function check(error: unknown, code: KletErrorCode, about: RegExp[]): KletError {
  if (!(error instanceof KletError)) throw error;
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  for (const pattern of about) expect(error.message).toMatch(pattern);
  return error;
}

const valid = sampleFile();

/** Checks, after each test, that a valid model still loads and passes its self test. */
export function staysUsable(): void {
  afterEach(() => {
    for (const flavor of flavors) expect(loadSync(valid, { flavor }).selfTest()).toBe(1);
  });
}
