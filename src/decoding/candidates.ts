import type { DetectDecoder, DetectRules } from '../format/task';
import type { Grid, Output, Table } from './outputs';

// What decoders of boxes take and give.

/** A box and its points, relative to the input. */
export interface Shape {
  /** Left, top, right, bottom. */
  box: [number, number, number, number];
  /** Points x, y, x, y, … */
  points?: number[];
}

/** A box that may become a detection. */
export interface Candidate extends Shape {
  /** Index of the class among the scores, without the background. */
  class: number;
  score: number;
  /** The row of the outputs that it comes from. */
  row: number;
}

/** What a decoder knows of a prediction. */
export interface Decoding {
  rules: DetectRules;
  outputs: readonly Output[];
  /** Size of the input in pixels. */
  width: number;
  height: number;
  isPlanar: boolean;
  /** Number of labels, 0 if there are none. */
  labels: number;
}

/** What a decoder gives beside candidates. */
export interface Findings {
  /** Number of scores of a candidate, if the outputs tell it. */
  scores?: number;
  /** Whether the outputs have coordinates in pixels of the input. */
  isPixels?: boolean;
  /** Whether overlapping candidates were left out already. */
  isSuppressed?: boolean;
  /** Coefficients of each row, and the prototypes that they mix to masks. */
  masks?: { coefficients: Table; prototypes: Grid };
}

export interface Decoded extends Findings {
  decoder: DetectDecoder;
  candidates: Candidate[];
  /** Number of classes, without the background, if the outputs tell it. */
  classes?: number;
}

/**
 * Adds a candidate if its class is not the background, and its score reaches the threshold. Only
 * then its box is read.
 */
export type Add = (index: number, score: number, row: number, shapeOf: (row: number) => Shape) => void;

/** Boxes with lower scores are left out by default. */
export const THRESHOLD = 0.25;
/** Growth of a size that no box exceeds; keeps the exponential function finite. */
export const MAX_GROWTH = 20;

export function cornersOf(x: number, y: number, width: number, height: number): Shape['box'] {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}
