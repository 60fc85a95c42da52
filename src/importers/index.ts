import { keras } from './keras/index';
import { onnx } from './onnx/index';
import { checkImport, type Importer } from './shared/importer';
import { tfjs } from './tfjs/index';
import { tflite } from './tflite/index';

export type { ConstantInput, ForeignMeta, Importer, ImportOptions } from './shared/importer';

/** The formats that kinglet imports. A new one needs a folder here and an entry in this list. */
export const importers: readonly Importer[] = [tflite, onnx, keras, tfjs];

/** The importer of a file, or undefined if its format is not among `importers`. */
export function importerOf(bytes: Uint8Array): Importer | undefined {
  checkImport(bytes, {}, 'importerOf()');
  return importers.find((importer) => importer.recognizes(bytes));
}
