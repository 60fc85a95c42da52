// Exports common to all entries of the runtime; each entry adds `load` and `loadSync`.
export { KletError, type KletErrorCode } from './errors';
export type { AudioPreprocessing } from './format/audio';
export type { ImagePreprocessing, IoType, Meta, Preprocessing, TensorInfo } from './format/klet';
export type { Flavor } from './runtime/core';
export type { LoadOptions, LoadSyncOptions, WasmSource } from './runtime/load';
export { Model } from './runtime/model';
export type { Inputs, MemoryUse, ModelInfo, OutputTargets, PredictOptions, ProfileEntry } from './runtime/model';
export type { Source } from './runtime/read';
export type { ThreadOptions, ThreadWorker } from './runtime/threads';
export { Stream } from './runtime/stream';
export type { InputArray, RawArray } from './runtime/tensor';
