import { KletError, loadSync, type Flavor } from '../../src/index';

const names: readonly Flavor[] = ['relaxed', 'simd', 'scalar', 'js'];

/**
 * The flavors that this engine supports, found by loading an empty file. Only with a supported
 * flavor does `load` reach the check of the file.
 */
export const flavors = names.filter((flavor) => {
  try {
    loadSync(new Uint8Array(0), { flavor });
  } catch (error) {
    return error instanceof KletError && error.code === 'BAD_MAGIC';
  }
  return false;
});

/** Those of them that have threads. */
export const threadedFlavors: readonly Flavor[] = flavors.filter((flavor) => flavor !== 'js');
