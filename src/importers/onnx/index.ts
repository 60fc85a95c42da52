import { checkImport, importNamed, type Importer } from '../shared/importer';
import { OnnxNetwork } from './network';
import { pythonLiteral, ultralyticsMeta } from '../shared/ultralytics';
import { looksLikeOnnx, readModel } from './read';
import { externalFiles } from './tensors';

/** Reads ONNX files of the operator sets 7 to 23. */
export const onnx: Importer = {
  name: 'onnx',
  title: 'ONNX',
  extensions: ['onnx'],
  recognizes: looksLikeOnnx,
  companions: (bytes) => externalFiles(readModel(bytes).graph),
  meta(bytes) {
    const entries = new Map(readModel(bytes).metadataProps.map(({ key, value }) => [key, value]));
    return ultralyticsMeta((key) => {
      const text = entries.get(key);
      // only some of the texts are literals
      return key === 'task' || text === undefined ? text : pythonLiteral(text);
    });
  },
  import(bytes, options = {}) {
    checkImport(bytes, options, 'importOnnx()');
    const { name = 'network', files = {} } = options;
    return importNamed(name, () => new OnnxNetwork(name, files).import(bytes, options));
  },
};
