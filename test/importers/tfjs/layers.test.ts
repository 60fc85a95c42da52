import '@tensorflow/tfjs-backend-cpu';
import { io, tensor, type Tensor } from '@tensorflow/tfjs-core';
import { input, layers, model, sequential, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { tfjs } from '../../../src/importers/tfjs/index';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { toJson } from './writer';

/** A model as TensorFlow.js saves it. */
async function saved(network: LayersModel): Promise<{ modelTopology: unknown; specs: unknown; data: Uint8Array }> {
  let artifacts: io.ModelArtifacts | undefined;
  await network.save(io.withSaveHandler((made) => {
    artifacts = made;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
  }));
  const { modelTopology, weightSpecs: specs, weightData } = artifacts!;
  return { modelTopology, specs, data: new Uint8Array(weightData as ArrayBuffer) };
}

/** A network of models in models, as of Teachable Machine. Weights have the inner layers' names. */
function nested(): LayersModel {
  const image = input({ shape: [8, 8, 3] });
  const apply = (layer: { apply(x: SymbolicTensor): unknown }, x: SymbolicTensor) => layer.apply(x) as SymbolicTensor;
  const features = [
    layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', strides: 2, useBias: false, name: 'Conv1' }),
    layers.batchNormalization({ name: 'bn_Conv1' }),
    layers.reLU({ maxValue: 6 }),
  ].reduce((x, layer) => apply(layer, x), image);
  const base = sequential();
  base.add(model({ inputs: image, outputs: features }));
  base.add(layers.globalAveragePooling2d({}));
  const head = sequential({
    layers: [layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
      layers.dense({ units: 2, activation: 'softmax', useBias: false })],
  });
  const network = sequential();
  network.add(base);
  network.add(head);
  return network;
}

test.each([['modelTopology', false], ['model_config, as the converter writes it', true]])(
  'models in models give what TensorFlow.js gives, in %s',
  async (_, isConverted) => {
    const network = nested();
    const { modelTopology, specs, data } = await saved(network);
    const topology = isConverted
      ? { keras_version: '2.1.4', backend: 'tensorflow', model_config: modelTopology }
      : modelTopology;
    const json = toJson({ modelTopology: topology, weightsManifest: [{ paths: ['weights'], weights: specs }] });
    const graph = tfjs.import(json, { name: 'network', files: { weights: data } });
    const random = new Random(3);
    const values = Float32Array.from({ length: 192 }, () => random.between(-1, 1));
    const wanted = (network.predict(tensor(values, [1, 8, 8, 3])) as Tensor).dataSync();
    const found = loadSync(compile(graph)).predict(values) as Float32Array;
    expect(found.length).toBe(wanted.length);
    found.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
  },
);
