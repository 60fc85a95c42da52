import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The optional folder of real networks, golden outputs and data beside the project. */
export const shared = path.resolve(import.meta.dirname, '../../../shared');
export const hasShared = existsSync(path.join(shared, 'models'));

export function sharedBytes(...parts: string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path.join(shared, ...parts)));
}

export function sharedJson<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(path.join(shared, ...parts), 'utf8')) as T;
}
