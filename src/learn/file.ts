// kinglet/learn/file: cuts a .klet file after a layer, and appends a classifier. Pages, workers and
// build scripts can use it; it needs neither the runtime nor the compiler half.
export { layersOf, upTo, type Layer } from './cut';
export { withClassifier } from './head';
