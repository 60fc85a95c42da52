import type { InputArray } from '../runtime/types';

// Public types of evaluation.

/** What the answers of a network are. */
export type Task = 'classify' | 'regress' | 'segment' | 'detect' | 'anomaly';

/** Inputs of one prediction, as `predict` takes them. */
export type ExampleInputs = InputArray | Record<string, InputArray>;

/** An object in an image, as a label says. */
export interface Box {
  /** Index of the class. */
  class: number;
  /** Left, top, right and bottom edge, relative to the image: 0..1. */
  box: readonly [x0: number, y0: number, x1: number, y1: number];
  /** A crowd (COCO's iscrowd): detections in it count neither as right nor as wrong. */
  ignore?: boolean;
}

/** A box that a network found. */
export interface Detection {
  class: number;
  /** Left, top, right and bottom edge, in the units of the labels. */
  box: readonly [x0: number, y0: number, x1: number, y1: number];
  score: number;
}

/**
 * The right answer of an example: the index of the class, the values to predict, the class of every
 * pixel, the boxes, or whether the example is an anomaly.
 */
export type Target = number | boolean | ArrayLike<number> | readonly Box[];

/** An input with its right answer. */
export interface Example {
  /**
   * For a network with state, consecutive inputs; the outputs after the last one are the answer.
   */
  input: ExampleInputs | readonly ExampleInputs[];
  target: Target;
}

export interface EvaluateOptions {
  /** Default: told from the targets and the outputs. */
  task?: Task;
  /** The name of the output that is the answer; default: the one that fits the task. */
  output?: string;
  /** Number of classes whose boxes or scores are told apart, if the outputs leave it open. */
  classes?: number;
  /** The class of pixels that do not count (default 255). */
  ignore?: number;
  /** Makes boxes of the outputs, if they have none of the known layouts. */
  decode?: (outputs: Record<string, Float32Array>) => Detection[];
  /**
   * Number of bootstrap resamples for the intervals (default 1000, fewer for large data); 0 leaves
   * those intervals out.
   */
  resamples?: number;
  /** Seed of the resamples (default 1). */
  seed?: number;
  /** Called after each example. */
  onProgress?: (done: number) => void;
}

/** A metric with its 95 % confidence interval, if it has one. */
export interface Estimate {
  value: number;
  low?: number;
  high?: number;
}

/** The name of a metric. */
export type MetricName = 'accuracy' | 'top5' | 'macroPrecision' | 'macroRecall' | 'macroF1' | 'weightedF1' | 'rocAuc'
  | 'averagePrecision' | 'logLoss' | 'calibrationError' | 'mse' | 'rmse' | 'mae' | 'r2' | 'map' | 'map50' | 'map75'
  | 'meanIou' | 'pixelAccuracy';

/** Precision, recall and F1 of one class. Ratios without a denominator are 0. */
export interface ClassReport {
  index: number;
  /** Number of examples of the class. */
  support: number;
  /** Number of examples for which the network chose the class. */
  predicted: number;
  precision: number;
  recall: number;
  f1: number;
  /** Area under the ROC curve of this class against all others, if both occur. */
  rocAuc?: number;
}

/** Examples whose confidence is in a range, and how many of them are right. */
export interface CalibrationBin {
  from: number;
  to: number;
  count: number;
  /** Mean probability of the best class. */
  confidence: number;
  accuracy: number;
}

/** A wrong answer. */
export interface Mistake {
  /** Number of the example, from 0. */
  example: number;
  target: number;
  predicted: number;
  /** Probability of the predicted class. */
  confidence: number;
}

/** Point of a ROC curve. */
export interface RocPoint {
  falsePositiveRate: number;
  truePositiveRate: number;
}

/** What only classification has. */
export interface ClassificationDetails {
  /** The classes that occur in targets or answers. */
  classes: ClassReport[];
  /** Counts: rows are targets, columns are answers, both in the order of `classes`. */
  confusion: number[][];
  calibration?: CalibrationBin[];
  /** With two classes: the curve of class 1. */
  roc?: RocPoint[];
  /** The most confident wrong answers, at most 20. */
  mistakes: Mistake[];
}

/** What only regression has. */
export interface RegressionDetails {
  /** Errors of each value of the target, at most 1,000 of them. */
  columns: { mae: number; rmse: number; r2: number }[];
  /** Targets and answers, at most 1,000 examples of the first column. */
  points: { target: number; predicted: number }[];
}

/** What only segmentation has. */
export interface SegmentationDetails {
  /** The classes that occur: intersection over union, and number of pixels with this label. */
  classes: { index: number; iou: number; pixels: number }[];
}

/** What only detection has. */
export interface DetectionDetails {
  /** The classes with boxes: average precision over the IoU thresholds, at 0.5, and boxes. */
  classes: { index: number; ap: number; ap50: number; boxes: number }[];
  detections: number;
}

/** What only the detection of anomalies has. */
export interface AnomalyDetails {
  anomalies: number;
  roc: RocPoint[];
  /** The score with the best F1, and what it gives. */
  threshold: { score: number; precision: number; recall: number; f1: number };
}

export interface Evaluation {
  task: Task;
  examples: number;
  metrics: Partial<Record<MetricName, Estimate>>;
  /** How outputs were read and what was left out, in sentences. */
  notes: string[];
  /** Number of bootstrap resamples behind the intervals. */
  resamples: number;
  classification?: ClassificationDetails;
  regression?: RegressionDetails;
  segmentation?: SegmentationDetails;
  detection?: DetectionDetails;
  anomaly?: AnomalyDetails;
}
