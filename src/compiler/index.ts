// kinglet/compiler: networks to .klet files.
export { compile, type CompileOptions } from './compile';
export { cluster, type ClusteredWeights } from './cluster';
export { compare, minAgreement, minSqnr, type Comparison, type ComparisonSample, type OutputComparison,
  type Verdict } from './compare';
export { quantizationReport, quantize, type ActivationBits, type CalibrationMethod, type FloatLayer, type LayerError,
  type AutoKept, type AutoKeptLayer, type OutputError, type QuantizationAdvice, type QuantizationReport,
  type QuantizationReportOptions, type QuantizeOptions, type TensorError, type WeightBits } from './quantize/index';
export { imagePreprocessing, type ImageSettings } from './imagePreprocessing';
export { ssdAnchors, type SsdAnchorSettings } from './ssdAnchors';
export { repack, type RepackOptions } from './repack';
export { createKeys, publicKeyOf, sign, verify, type KeyPair, type PrivateKey, type PublicKey } from './sign';
export { toScript, type Script, type ScriptOptions } from '../script/index';
export { toStream, type StreamOptions } from './stream';
export { evaluate, type EvaluatedModel, type EvaluatedNetwork, type EvaluatedStream } from '../evaluation/evaluate';
export { evaluatePair, type Difference, type PairedEvaluation, type PairedExample } from '../evaluation/pair';
export { calibrationError } from '../evaluation/calibration';
export { classReport, type ClassAverages, type ClassReports } from '../evaluation/classReport';
export { averagePrecisions, type DetectedImage, type Precisions } from '../evaluation/precision';
export { mcNemar, wilson, type McNemar } from '../evaluation/intervals';
export { metricTexts, type MetricText } from '../evaluation/verdict';
export { rocAuc } from '../evaluation/roc';
export type { AnomalyDetails, Box, CalibrationBin, ClassificationDetails, ClassReport, Detection, DetectionDetails,
  Estimate, EvaluateOptions, Evaluation, Example, ExampleInputs, MetricName, Mistake, RegressionDetails, RocPoint,
  SegmentationDetails, Target, Task } from '../evaluation/types';
export { findStates } from './findStates';
export { wireStates, type WireOptions } from './wireStates';
export { lowRank, type FactoredLayer } from './prune/lowRank';
export { prunableLayerNames, prune, type KeptLayer, type PrunedLayer, type PruneOptions } from './prune/prune';
export { sensitivity, type LayerSensitivity, type SensitivityOptions } from './prune/sensitivity';
export type { PrunePattern } from './prune/units';
export { NetworkSearch, search, type NetworkValues, type SearchBudget, type SearchOptions,
  type SearchResult } from '../search/networkSearch';
export type { HeldOut, QualityName } from '../search/quality';
export type { SearchDimension } from '../search/networkSpace';
export { applyRecipe, type LayerPruning, type Recipe } from '../search/recipe';
export { Study, type SamplerName, type SearchMeasure, type StudyOptions, type Trial } from '../search/study';
export type { ChoiceParameter, Condition, Parameter, ParameterValue, ParameterValues, RangeParameter,
  SearchSpace } from '../search/space';
export { toC, type COptions, type CProgram } from '../c/index';
export { GraphBuilder, type NodeOptions } from '../ops/builder';
export type { DebugInfo } from '../format/debugInfo';
export { readKlet, type KletParts } from '../format/klet';
export type { Meta } from '../format/meta';
export { checkTask, type TaskRules } from '../format/task';
export { importerOf, importers, type ConstantInput, type ForeignMeta, type Importer,
  type ImportOptions } from '../importers/index';
export { importModel, type ModelFiles } from '../importers/importModel';
export { importTflite } from '../importers/tflite/index';
export { KletError, type KletErrorCode } from '../errors';
export type { AnyNode, DType, Graph, Node, Quantization, Tensor, TensorData } from '../graph/graph';
export type { WeightLayout } from '../ops/shared/sparse';
export type { Attributes, BinaryKind, FusedActivation, OperatorName, Padding, Pair, ReduceKind,
  UnaryKind } from '../graph/operators';
