// kinglet/tasks: images to inputs, and outputs to answers. It also runs in browsers, because the
// decoders of image files are in the bundle for Node only. Sound has an entry of its own.
export { checkPreprocessing } from '../format/preprocessing';
export { checkTask, type Activation, type AnchorLayer, type AxisOrder, type ClassifyRules, type DetectDecoder,
  type DetectRules, type EmbedRules, type GridHead, type NamedValue, type PoseDecoder, type PoseRules,
  type RegressRules, type SegmentRules, type SoundRules, type TaskKind, type TaskRules } from '../format/task';
export type { TaskModel, TaskOptions } from './answer';
export { classify } from './classify';
export { detect, type DetectedObject, type Point } from './detect';
export { compareEmbeddings, embed, Gallery, type GalleryMatch } from './embed';
export type { KnownRules } from '../format/known';
export type { ImageFile } from './files';
export type { ObjectMask } from './masks';
export { imageShape, imageToInput, type ImageModel, type ImageSource, type ImageValues, type Pixels } from './pixels';
export { pose, type Keypoint, type Pose } from './pose';
export { isKnown } from './known';
export { regress, type Estimate } from './regress';
export { segment, type ClassShare, type Segmentation, type SegmentOptions } from './segment';
export type { Drawable } from './source';
export { topK, type Ranked } from './labels';
