// kinglet/tasks/sound: keywords and events in streams of sound, and filters of noise.
export { keywords, type Keyword, type KeywordDetector, type KeywordOptions, type OnKeyword } from './keywords';
export { detectSound, type DetectSoundOptions, type OnSound, type SoundDetector, type SoundEvent } from './detectSound';
export type { PerClass } from './classes';
export { denoise, type Denoiser, type DenoiseOptions } from './denoise';
export type { SpectrumFeatures } from './stages';
