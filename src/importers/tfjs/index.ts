import { checkImport, importNamed, type Importer } from '../shared/importer';
import { importKeras } from '../shared/keras/network';
import { TfNetwork } from './network';
import { graphOf, layersOf, looksLikeModel, readModel, signatureOf, weightGroupsOf } from './read';
import { Weights } from './weights';

/** Reads model.json of TensorFlow.js, a graph or layers, with its files of weights. */
export const tfjs: Importer = {
  name: 'tfjs',
  title: 'TensorFlow.js',
  extensions: ['json'],
  recognizes: looksLikeModel,
  companions: (bytes) => weightGroupsOf(readModel(bytes)).flatMap(({ paths }) => paths),
  import(bytes, options = {}) {
    checkImport(bytes, options, 'importTfjs()');
    const { name = 'network', files = {} } = options;
    return importNamed(name, () => {
      const model = readModel(bytes);
      const weights = new Weights(weightGroupsOf(model), files);
      const graph = graphOf(model);
      if (graph) return new TfNetwork(name, graph, weights).import(signatureOf(model), options);
      return importKeras({ ...layersOf(model), weights: weights.byLayer() }, options);
    });
  },
};
