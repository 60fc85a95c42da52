import { checkImport, importNamed, type Importer } from '../shared/importer';
import { OnnxNetwork } from './network';
import { looksLikeOnnx, readModel } from './read';
import { externalFiles } from './tensors';

/** Reads ONNX files of the operator sets 7 to 23. */
export const onnx: Importer = {
  name: 'onnx',
  title: 'ONNX',
  extensions: ['onnx'],
  recognizes: looksLikeOnnx,
  companions: (bytes) => externalFiles(readModel(bytes).graph),
  import(bytes, options = {}) {
    checkImport(bytes, options, 'importOnnx()');
    const { name = 'network', files = {} } = options;
    return importNamed(name, () => new OnnxNetwork(name, files).import(bytes, options));
  },
};
