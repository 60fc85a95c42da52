import { afterEach, expect } from 'vitest';
import { KletError, loadSync, type KletErrorCode } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { sampleFile } from './sample';

/** Expects a KletError with a code and a message that names all that is asked for. */
export function refuses(action: () => unknown, code: KletErrorCode, ...about: RegExp[]): KletError {
  try {
    action();
  } catch (error) {
    return check(error, code, about);
  }
  throw new Error(`nothing was thrown where ${code} was expected`);
}

/** The same of a promise. */
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
  throw new Error(`${String(result)} came where ${code} was expected`);
}

function check(error: unknown, code: KletErrorCode, about: RegExp[]): KletError {
  if (!(error instanceof KletError)) throw error;
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  for (const pattern of about) expect(error.message).toMatch(pattern);
  return error;
}

const healthy = sampleFile();

/** After each test of a file: a healthy model still loads and gives its golden answers. */
export function staysUsable(): void {
  afterEach(() => {
    for (const flavor of flavors) expect(loadSync(healthy, { flavor }).selfTest()).toBe(1);
  });
}
