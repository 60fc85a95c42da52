// Exports common to all entries of the runtime; each entry adds `load` and `loadSync`.
import type { Model } from './runtime/model';
import { Stream as StreamOf } from './runtime/stream';

export type { ExtraOperators } from './runtime/core';
export { KletError, type KletErrorCode } from './errors';
export type { AudioPreprocessing } from './format/audio';
export type { ImagePreprocessing, IoType, Meta, Preprocessing, TensorInfo } from './format/meta';
export type { LoadSyncOptions } from './runtime/cores';
export type { LoadOptions, WasmSource } from './runtime/load';
export { Model, type ProfileOptions } from './runtime/model';
export type { Source } from './runtime/read';
export type { ThreadOptions, ThreadWorker } from './runtime/threads';
export type { Flavor, InputArray, Inputs, MemoryUse, ModelInfo, OutputTargets, PredictOptions, ProfileEntry,
  RawArray } from './runtime/types';

export const Stream = StreamOf;
/** A stream of a `Model`. */
export type Stream = StreamOf<Model>;
