import { KletError } from '../../errors';
import type { KerasFile } from '../shared/keras/network';
import { archiveNames, unpack } from './archive';
import { hdf5Magic, openHdf5, type Hdf5Group } from './hdf5';
import { LayerGroups, LayerPaths } from './weights';

const CONFIG = 'config.json';
const METADATA = 'metadata.json';
const WEIGHTS = 'model.weights.h5';

export function isHdf5(bytes: Uint8Array): boolean {
  return hdf5Magic.every((byte, i) => bytes[i] === byte);
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/** Whether a file is a Keras archive: a ZIP file with a configuration. */
export function isKerasArchive(bytes: Uint8Array): boolean {
  if (!isZip(bytes)) return false;
  const names = archiveNames(bytes);
  if (names) return names.includes(CONFIG) && (names.includes(METADATA) || names.includes(WEIGHTS));
  // a cut archive, whose directory at the end is missing
  return /(config|metadata)\.json/.test(String.fromCharCode(...bytes.subarray(0, 4096)));
}

/** Reads a Keras file, whatever its name: HDF5, or a ZIP archive with HDF5 in it. */
export function readKeras(bytes: Uint8Array): KerasFile {
  if (isHdf5(bytes)) return fromHdf5(openHdf5(bytes));
  if (isKerasArchive(bytes)) return fromArchive(bytes);
  throw new KletError('BAD_MAGIC', 'the file is neither HDF5 nor a .keras archive');
}

function fromHdf5(root: Hdf5Group): KerasFile {
  const [config] = root.texts('model_config') ?? [];
  if (config === undefined) {
    const isWeights = root.longList('layer_names') !== undefined || root.names.includes('layers') ||
      root.names.includes('_layer_checkpoint_dependencies');
    throw new KletError(
      'UNSUPPORTED_OP',
      isWeights
        ? 'the file holds weights without a network; load them into the network in Keras and save it with '
          + 'model.save("network.keras")'
        : 'the HDF5 file has no network of Keras (no attribute model_config)',
    );
  }
  const weights = root.child('model_weights');
  if (!weights) throw new KletError('CORRUPT', 'the file has no group model_weights');
  const version = root.texts('keras_version') ?? weights.texts('keras_version');
  return { model: parse(config, 'model_config'), version: version?.[0] ?? '2', weights: new LayerGroups(weights) };
}

function fromArchive(bytes: Uint8Array): KerasFile {
  const files = unpack(bytes, [CONFIG, METADATA, WEIGHTS]);
  const text = (name: string): string | undefined => {
    const file = files.get(name);
    return file && new TextDecoder().decode(file);
  };
  const config = text(CONFIG);
  const weights = files.get(WEIGHTS);
  if (config === undefined) throw new KletError('CORRUPT', `the archive lacks ${CONFIG}`);
  if (!weights) throw new KletError('CORRUPT', `the archive lacks ${WEIGHTS}`);
  const metadata = parse(text(METADATA) ?? '{}', METADATA) as { keras_version?: unknown } | null;
  return {
    model: parse(config, CONFIG),
    version: typeof metadata?.keras_version === 'string' ? metadata.keras_version : '3',
    weights: new LayerPaths(openHdf5(weights)),
  };
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KletError('CORRUPT', `${what} is no JSON (${(error as Error).message})`, { cause: error });
  }
}
