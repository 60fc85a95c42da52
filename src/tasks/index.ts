// kinglet/tasks: what comes before and after predict. Runs in browsers too; decoding picture files
// is the CLI's.
export { checkPreprocessing, imageToInput, pictureShape, resizePixels } from './pixels';
export { topK } from './labels';
