// kinglet/audio: feature extraction and streaming of audio into models. One file for pages,
// workers, worklets and Node, without dependencies.
export type { AudioPreprocessing, AudioWindow, LogParameters, MelParameters, MfccParameters,
  PcenParameters } from '../format/audio';
export { createAudioFeatures, type AudioFeatures, type OnFrame } from './features';
export { audioToInput, featuresOf, inputFrames, type AudioModel } from './input';
export { listen, type Listening, type ListenOptions } from './listen';
export { audioParameters, checkAudioParameters, type AudioConvention, type AudioSettings } from './parameters';
export { resample } from './resample';
export { createAudioStream, type AudioStream, type AudioStreamOptions, type OnOutput,
  type StreamingModel } from './stream';
export { createOverlapAdd, type FrameWindow, type OverlapAdd, type OverlapSettings } from './overlap';
export { createSpectrum, type Spectrum } from './spectrum';
export { createMicroFeatures, type MicroFeatures, type MicroSettings } from './micro';
