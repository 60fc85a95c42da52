import { KletError, loadSync, type Flavor } from '../../src/index';

const names: readonly Flavor[] = ['relaxed', 'simd', 'scalar'];

/**
 * The builds of the core that this engine runs: a file that is none gets as far as being refused.
 */
export const flavors = names.filter((flavor) => {
  try {
    loadSync(new Uint8Array(0), { flavor });
  } catch (error) {
    return error instanceof KletError && error.code === 'BAD_MAGIC';
  }
  return false;
});
