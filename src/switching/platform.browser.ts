// The bundles for browsers import this entry instead of containing it, so that a page with several
// entries of kinglet has one runtime.
import type { PathReader } from '../runtime/read';

export { load } from '../browser';
export const readPath: PathReader | undefined = undefined;
