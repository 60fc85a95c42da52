// kinglet/monitor: what a deployed model sees and answers, in counts. One file without dependencies
// for pages, workers and Node.
export { distanceOf, drift, type Distance, type Drift } from './drift';
export { toOtlp, toPrometheus, type OtlpMetrics, type OtlpOptions } from './exports';
export { Monitor, watch, type WatchedModel } from './monitor';
export { report, type InputReport, type Report } from './report';
export { merge } from './merge';
export type { Counts, InputStatistics, Snapshot } from '../format/snapshot';
