import { KletError } from '../../src/errors';

/** Code and message of the KletError that a call throws. */
export function refusal(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof KletError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
