import { checkImport, importNamed, type Importer } from '../shared/importer';
import { importKeras } from '../shared/keras/network';
import { isHdf5, isKerasArchive, readKeras } from './read';

/** Reads networks of Keras 2 and 3: HDF5 files, and archives that end in `.keras`. */
export const keras: Importer = {
  name: 'keras',
  title: 'Keras',
  extensions: ['keras', 'h5', 'hdf5'],
  recognizes: (bytes) => isHdf5(bytes) || isKerasArchive(bytes),
  import(bytes, options = {}) {
    checkImport(bytes, options, 'importKeras()');
    return importNamed(options.name ?? 'network', () => importKeras(readKeras(bytes), options));
  },
};
