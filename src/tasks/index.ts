// kinglet/tasks: preparation of inputs and evaluation of outputs. It also runs in browsers, because
// the decoders of image files are in the CLI only.
export { checkPreprocessing, imageShape, imageToInput, resizePixels, type ImageModel, type Pixels } from './pixels';
export type { Drawable } from './source';
export { topK } from './labels';
