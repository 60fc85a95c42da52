import { KletError } from '../../errors';
import type { Graph } from '../../graph/graph';
import { checkImport, importNamed, type Importer, type ImportOptions } from '../shared/importer';
import { readMetadata } from './metadata';
import { TfliteImport } from './network';
import { isTflite } from './reader';
import { signaturesOf } from './signatures';

/**
 * Reads a TensorFlow Lite network into the compiler's graph.
 *
 * Inputs and outputs keep their order. They are named by the file's signature, or by their tensors
 * if there is none. Operators whose results are not used are left out.
 *
 * @param bytes - A .tflite file.
 * @param options.name - Name of the network, also used in error messages.
 * @param options.signature - Key of the signature to import, for a file with several. By default
 *   `serving_default`, or another one whose key is usual for prediction.
 * @param options.shapes - Shapes of inputs by name, for files that leave sizes open.
 * @throws {KletError} `BAD_ARGUMENT` for a signature that the file lacks, `BAD_MAGIC`, `CORRUPT` or
 *   `INVALID_GRAPH` for malformed files, `UNSUPPORTED_OP` with a list of all unsupported operators,
 *   `UNSUPPORTED_TYPE` with a list of all tensors of unsupported types.
 */
export function importTflite(bytes: Uint8Array, options: ImportOptions = {}): Graph {
  checkImport(bytes, options, 'importTflite()');
  const { name = 'network', constants = {} } = options;
  const [constant] = Object.keys(constants);
  if (constant !== undefined) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${name}: inputs of TensorFlow Lite cannot become constants, but "constants" names "${constant}"`,
    );
  }
  return importNamed(name, () => new TfliteImport(bytes, name, options).graph());
}

export const tflite: Importer = {
  name: 'tflite',
  title: 'TensorFlow Lite',
  extensions: ['tflite', 'lite'],
  recognizes: isTflite,
  import: importTflite,
  signatures: signaturesOf,
  meta: readMetadata,
};
