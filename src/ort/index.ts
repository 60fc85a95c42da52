// kinglet/ort: the part of onnxruntime-web's interface that programs use to run a network, on
// kinglet. As there, the default export has all names.
import * as ort from './exports';

export * from './exports';
export default ort;
