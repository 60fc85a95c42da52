import { strToU8, zipSync } from 'fflate';
import { writeHdf5, type ArrayContent, type GroupContent } from './hdf5Writer';

/** A model of Keras to write: its configuration, and its weights by layer and name. */
export interface KerasModel {
  model: object;
  weights?: Record<string, Record<string, ArrayContent>>;
  /** The groups of the layers, instead of `weights`. */
  groups?: GroupContent;
  version?: string;
}

/** Layers of a sequential model; the first one says the shape of the input. */
export type Layers = [className: string, config: object][];

/** A sequential model as Keras writes it. */
export function sequential(input: readonly number[], layers: Layers): object {
  const named = layers.map(([className, config], i) => ({
    class_name: className,
    config: { name: `layer_${i}`, trainable: true, ...config },
  }));
  const first = { class_name: 'InputLayer', config: { name: 'input', batch_input_shape: [null, ...input] } };
  return { class_name: 'Sequential', config: { name: 'model', layers: [first, ...named] } };
}

/** Writes an HDF5 file as Keras 2 does. */
export function writeKerasHdf5({ model, weights = {}, groups, version = '2.15.0' }: KerasModel): Uint8Array {
  const layers = Object.entries(weights).map(([layer, arrays]): [string, GroupContent] => {
    const names = Object.keys(arrays).map((name) => `${layer}/${name}:0`);
    const inner = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}:0`, array]));
    return [layer, { attributes: { weight_names: names }, children: { [layer]: { children: inner } } }];
  });
  return writeHdf5({
    attributes: { model_config: JSON.stringify(model), keras_version: version },
    children: {
      model_weights: groups ??
        { attributes: { layer_names: Object.keys(weights) }, children: Object.fromEntries(layers) },
    },
  });
}

/** Writes a `.keras` archive. @param root - the weights of `model.weights.h5` */
export function writeKerasArchive(model: object, root: GroupContent, version = '3.9.0'): Uint8Array {
  return zipSync({
    'metadata.json': strToU8(JSON.stringify({ keras_version: version })),
    'config.json': strToU8(JSON.stringify(model)),
    'model.weights.h5': writeHdf5(root),
  }, { level: 0 });
}
