// kinglet/learn: new classes for a network, learned on the device. One file without dependencies
// for pages, workers and Node. The model that it works with may be loaded by any entry.
export { Learner, type Classifier, type Embedder, type FitOptions, type FitReport, type LearnerOptions,
  type Prediction } from './learner';
export type { KnownRules, Metric } from '../format/known';
