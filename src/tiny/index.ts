// kinglet/tiny: int8 networks in one script of ECMAScript 5, for engines without WebAssembly and
// modules.
import { operators } from './operators';
import { readParts } from './file';
import { makeModel, type TinyModel } from './model';

export type { Port } from './file';
export type { TinyModel, Values } from './model';

/**
 * Loads a model of int8 or uint8 operators, synchronously.
 *
 * @param file the bytes of a `.klet` file that is not compact. They are used in place, so they must
 *   not change afterwards; bytes mapped from flash take no memory
 * @throws Error if the file is damaged or needs other operators
 */
export function load(file: Uint8Array | ArrayBuffer): TinyModel {
  return makeModel(operators, readParts(file instanceof ArrayBuffer ? new Uint8Array(file) : file));
}
