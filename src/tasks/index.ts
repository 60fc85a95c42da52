// kinglet/tasks: preparation of inputs and evaluation of outputs. It also runs in browsers, because
// the decoders of image files are in the CLI only.
export { checkPreprocessing, imageShape, imageToInput, resizePixels, type ImageModel, type Pixels } from './pixels';
export type { Drawable } from './source';
export { topK } from './labels';
export { keywords, type Keyword, type KeywordDetector, type KeywordOptions, type OnKeyword } from './sound/keywords';
export { detectSound, type DetectSoundOptions, type OnSound, type SoundDetector,
  type SoundEvent } from './sound/detectSound';
export type { PerClass } from './sound/classes';
export { denoise, type Denoiser, type DenoiseOptions } from './sound/denoise';
export type { SpectrumFeatures } from './sound/stages';
