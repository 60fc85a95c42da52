// What kinglet/ort and kinglet/tfjs take from kinglet's entry. Their bundles for browsers contain
// platform.browser.ts in its place.
export { load } from '../index';
export { readPath } from '../readPath';
