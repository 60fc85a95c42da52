import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import { checkFields, choice, field, flag, isNumber, listOf, numberIn, required, text, texts, wholeIn,
  type Fields } from './fields';
import type { KnownRules } from './known';

// META's task: how the outputs become an answer. docs/format/file.md describes each property.

/** What turns outputs into probabilities. */
export type Activation = 'none' | 'softmax' | 'sigmoid';
/** Whether x or y comes first. */
export type AxisOrder = 'xy' | 'yx';

/** Scores of classes. */
export interface ClassifyRules {
  kind: 'classify';
  output?: string;
  /** By default `none` if the values are probabilities, else `softmax`. */
  activation?: Activation;
  /** The index of an output that is no class; it has no label. */
  background?: number;
  /** Number of classes in an answer (default 5). */
  topK?: number;
  /** Classes with lower probabilities are left out (default 0). */
  threshold?: number;
  /** Inputs that are far from all classes get no answer (default: every input gets one). */
  known?: KnownRules;
}

/** Anchors of a grid: a box of each size around the centre of each cell, in parts of the input. */
export interface AnchorLayer {
  rows: number;
  columns: number;
  /** Width and height. */
  sizes: [number, number][];
}

/** An output of YOLO v3 to v7 before its decoding. */
export interface GridHead {
  output?: string;
  /** Width and height of the anchors in pixels of the input. */
  anchors: [number, number][];
}

/** How outputs hold boxes. */
export type DetectDecoder = 'list' | 'rows' | 'boxes' | 'anchors' | 'yolo' | 'grids' | 'heatmap';

/** Boxes with classes. A decoder refuses rules of others. */
export interface DetectRules {
  kind: 'detect';
  /** Default: by the shapes of the outputs. */
  decoder?: DetectDecoder;
  /** Names of outputs (default: by their shapes). */
  boxes?: string;
  scores?: string;
  classes?: string;
  count?: string;
  offsets?: string;
  order?: AxisOrder;
  /** Edges (x0, y0, x1, y1), or centre and size. */
  coding?: 'corners' | 'center';
  /**
   * Unit of the coordinates (default: relative to the input unless some are larger than 2); cells,
   * the default there, are those of a heat map.
   */
  units?: 'relative' | 'pixels' | 'cells';
  activation?: Activation;
  /** The index of a score that is no class; it has no label. */
  background?: number;
  /** Whether a candidate of YOLO has the score of an object before those of the classes. */
  objectness?: boolean;
  /** Layers of anchors, or centre and size of each anchor, in parts of the input. */
  anchors?: AnchorLayer[] | [number, number, number, number][];
  /** Divisors of the coded centre and size: x, y, width, height. */
  scales?: [number, number, number, number];
  /** Whether a size is e^value times that of the anchor (else value times). */
  exponential?: boolean;
  /** Number of points of a box: (x, y) each, or (x, y, score) in rows and YOLO. */
  keypoints?: number;
  /** The output with the prototypes of masks, [rows, columns, prototypes] (default: by rank). */
  masks?: string;
  /** The output with the coefficients of masks, if they do not end the rows of boxes. */
  coefficients?: string;
  heads?: GridHead[];
  /** Decoding of a grid: `exp` for YOLO v3 and v4, `square` for v5 and v7. */
  formula?: 'exp' | 'square';
  /** Factor of the centres of a grid, around the middle of a cell (YOLO v4: 1.05 to 1.2). */
  stretch?: number;
  /** Boxes with lower scores are left out (default 0.25). */
  threshold?: number;
  /** A box that overlaps a better one by more than this is left out (default 0.45). */
  iou?: number;
  /** Among which boxes: those of the same class (default), all, or none. */
  suppression?: 'class' | 'all' | 'none';
  /** Most boxes of an answer (default 100). */
  maxDetections?: number;
}

/** A class for each pixel. */
export interface SegmentRules {
  kind: 'segment';
  output?: string;
  /**
   * With one value per pixel, which is that of class 1 of two: `none` or `sigmoid` (default: as the
   * values tell). Of several values, the largest is the class, whatever the activation.
   */
  activation?: Activation;
  /** With one value per pixel: the least probability of class 1 (default 0.5). */
  threshold?: number;
}

/** How outputs hold points. */
export type PoseDecoder = 'list' | 'heatmap' | 'simcc';

/** Points of bodies, hands or faces. A decoder refuses rules of others. */
export interface PoseRules {
  kind: 'pose';
  /** Default: by the shapes of the outputs. */
  decoder?: PoseDecoder;
  /** The names of the points. */
  keypoints?: string[];
  /** Pairs of points that a drawing connects. */
  edges?: [number, number][];
  /** Names of outputs (default: by their shapes). */
  points?: string;
  heatmaps?: string;
  offsets?: string;
  x?: string;
  y?: string;
  order?: AxisOrder;
  /** Numbers of a point in a list: 2, or 3 with a score or a depth. */
  values?: number;
  units?: 'relative' | 'pixels';
  activation?: 'none' | 'sigmoid';
  /** Poses with lower scores are left out (default 0). */
  threshold?: number;
}

/** A vector that is close to those of similar images. */
export interface EmbedRules {
  kind: 'embed';
  output?: string;
  /** The least cosine of two images of the same thing. */
  threshold?: number;
}

/** A number with a meaning. */
export interface NamedValue {
  name: string;
  unit?: string;
  min?: number;
  max?: number;
  /** The output (default: the only one), and the index in it (default: that in the list). */
  output?: string;
  index?: number;
  /** value = output × scale + offset (default: 1 and 0). */
  scale?: number;
  offset?: number;
}

/** Named numbers. */
export interface RegressRules {
  kind: 'regress';
  values?: NamedValue[];
}

/** Rules of sound, whose options kinglet/tasks checks where it uses them. */
export interface SoundRules {
  kind: 'keywords' | 'detectSound' | 'denoise';
  [option: string]: unknown;
}

export type TaskRules = ClassifyRules | DetectRules | SegmentRules | PoseRules | EmbedRules | RegressRules;
export type TaskKind = TaskRules['kind'];

const MAX_COUNT = 2 ** 20;
const kind = text;
const part = numberIn(0, 1);
const whole = wholeIn(0, MAX_COUNT);
const count = wholeIn(1, MAX_COUNT);
const activation = choice('none', 'softmax', 'sigmoid');
const order = choice('xy', 'yx');

/** The rules that only some decoders read: those of each. */
const decoderRules: { detect: Record<DetectDecoder, string>; pose: Record<PoseDecoder, string> } = {
  detect: {
    list: 'boxes scores classes count order units',
    rows: 'boxes order units keypoints masks',
    boxes: 'boxes scores order coding units activation keypoints masks coefficients',
    anchors: 'boxes scores order activation anchors scales exponential keypoints masks coefficients',
    yolo: 'boxes units activation objectness keypoints masks',
    grids: 'heads formula stretch activation',
    heatmap: 'boxes scores offsets order units activation',
  },
  pose: { list: 'points order values units', heatmap: 'heatmaps offsets order activation', simcc: 'x y activation' },
};
/** Rules that a decoder cannot do without. */
const needed: Partial<Record<string, keyof DetectRules>> = { grids: 'heads', anchors: 'anchors' };

const isNumbers = (size: number) => (value: unknown): boolean => isArrayOf(value, isNumber) && value.length === size;
const isPositive = (value: unknown): boolean => isNumber(value) && value > 0;
const isSize = (value: unknown): boolean => isArrayOf(value, isPositive) && value.length === 2;
const isSizes = (value: unknown): boolean => isArrayOf(value, isSize) && value.length > 0;
const isEdge = (value: unknown): boolean => isArrayOf(value, whole.accepts) && value.length === 2;
const sizes = required(field('a list of [width, height]', isSizes));

/** Whether an object passes `checkFields`. */
const isObjectOf = (fields: Fields) => (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    checkFields(value, fields, '');
    return true;
  } catch {
    return false;
  }
};

const isLayer = isObjectOf({ rows: required(count), columns: required(count), sizes });
const isAnchor = isNumbers(4);
const value: Fields = {
  name: required(text),
  unit: text,
  min: numberIn(-Infinity, Infinity),
  max: numberIn(-Infinity, Infinity),
  output: text,
  index: whole,
  scale: numberIn(-Infinity, Infinity),
  offset: numberIn(-Infinity, Infinity),
};

const isNumberList = (value: unknown): boolean => isArrayOf(value, isNumber);
const numbers = required(field('a list of numbers', isNumberList));
const isKnownObject =
  isObjectOf({
    output: required(text),
    metric: required(choice('cosine', 'euclidean')),
    mean: numbers,
    scale: numbers,
    means: required(listOf('lists of numbers', isNumberList)),
    thresholds: numbers,
  } satisfies Table<KnownRules>);

/** Whether all lists have as many features, and every class has a mean and a threshold. */
function isKnownRules(value: unknown): boolean {
  if (!isKnownObject(value)) return false;
  const { mean, scale, means, thresholds } = value as KnownRules;
  return [scale, ...means].every(({ length }) => length === mean.length) && means.length === thresholds.length;
}

const sounds: unknown[] = ['keywords', 'detectSound', 'denoise'] satisfies SoundRules['kind'][];

/** The properties of each kind. */
const kinds: Record<TaskKind, Fields> = {
  classify: {
    kind,
    output: text,
    activation,
    background: whole,
    topK: count,
    threshold: part,
    known: field('{ output, metric, mean, scale, means, thresholds } of equal lengths', isKnownRules),
  } satisfies Table<ClassifyRules>,
  detect: {
    kind,
    decoder: choice(...Object.keys(decoderRules.detect)),
    boxes: text,
    scores: text,
    classes: text,
    count: text,
    offsets: text,
    order,
    coding: choice('corners', 'center'),
    units: choice('relative', 'pixels', 'cells'),
    activation,
    background: whole,
    objectness: flag,
    anchors: field(
      'layers { rows, columns, sizes: [[width, height], …] }, or a list of [x, y, width, height],',
      (list) => (isArrayOf(list, isLayer) || isArrayOf(list, isAnchor)) && list.length > 0,
    ),
    scales: field('four numbers above 0', (list) => isArrayOf(list, isPositive) && list.length === 4),
    exponential: flag,
    keypoints: whole,
    masks: text,
    coefficients: text,
    heads: listOf('{ output, anchors: [[width, height], …] }', isObjectOf({ output: text, anchors: sizes })),
    formula: choice('exp', 'square'),
    stretch: numberIn(1, 4),
    threshold: part,
    iou: part,
    suppression: choice('class', 'all', 'none'),
    maxDetections: count,
  } satisfies Table<DetectRules>,
  segment: { kind, output: text, activation, threshold: part } satisfies Table<SegmentRules>,
  pose: {
    kind,
    decoder: choice(...Object.keys(decoderRules.pose)),
    keypoints: texts,
    edges: listOf('pairs of points', isEdge),
    points: text,
    heatmaps: text,
    offsets: text,
    x: text,
    y: text,
    order,
    values: field('2 or 3', (size) => size === 2 || size === 3),
    units: choice('relative', 'pixels'),
    activation: choice('none', 'sigmoid'),
    threshold: part,
  } satisfies Table<PoseRules>,
  embed: { kind, output: text, threshold: numberIn(-1, 1) } satisfies Table<EmbedRules>,
  regress: {
    kind,
    values: listOf('{ name, unit, min, max, output, index, scale, offset }', isObjectOf(value)),
  } satisfies Table<RegressRules>,
};

type Table<T> = Record<keyof T, unknown> & Fields;

/** Properties that name an output. */
const outputNames = 'output boxes scores classes count offsets masks coefficients points heatmaps x y'.split(' ');

/**
 * Like `checkTask`, also whether the outputs exist that the task names.
 *
 * @param outputs the outputs of the network, if they are known
 * @param where the object in error messages
 * @returns the same object
 * @throws KletError `BAD_ARGUMENT` naming the first invalid property
 */
export function checkTaskOf(
  task: unknown,
  outputs: readonly { readonly name: string }[] | undefined,
  where: string,
): TaskRules | SoundRules {
  if (typeof task !== 'object' || task === null || Array.isArray(task)) {
    throw new KletError('BAD_ARGUMENT', `${where} must be an object such as {"kind":"classify"}, not ${show(task)}`);
  }
  const { kind: name } = task as Record<string, unknown>;
  if (sounds.includes(name)) return task as SoundRules;
  if (typeof name !== 'string' || !Object.hasOwn(kinds, name)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} has the kind ${show(name)}; there are ${[...Object.keys(kinds), ...sounds].join(', ')}`,
    );
  }
  checkFields(task, kinds[name as TaskKind], `${where} of the kind "${name}"`);
  const rules = task as unknown as DetectRules | PoseRules;
  const decoder = decoderIn(rules);
  if (decoder !== undefined) checkDecoder(rules, decoder, where);
  if (outputs) checkNames(task, outputs, where);
  return task as unknown as TaskRules;
}

/** The decoder that rules tell, without the shapes of outputs. */
export function decoderIn(rules: Partial<DetectRules | PoseRules>): DetectDecoder | PoseDecoder | undefined {
  if (rules.decoder) return rules.decoder;
  const { heads, anchors, heatmaps, x, y } = rules as Partial<DetectRules & PoseRules>;
  if (heads) return 'grids';
  if (anchors) return 'anchors';
  if (heatmaps !== undefined) return 'heatmap';
  return x === undefined && y === undefined ? undefined : 'simcc';
}

/**
 * Checks that a decoder reads all rules.
 *
 * @throws KletError `BAD_ARGUMENT` if it would ignore one, or lacks one
 */
export function checkDecoder(rules: DetectRules | PoseRules, decoder: string, where = 'the task'): void {
  const lists: Record<string, string> = decoderRules[rules.kind];
  const own = lists[decoder]!.split(' ');
  const all = Object.values(lists).join(' ').split(' ');
  const fail = (problem: string): never => {
    throw new KletError('BAD_ARGUMENT', `${where} ${problem} the decoder "${decoder}", which reads ${own.join(', ')}`);
  };
  const given = Object.keys(rules).filter((name) => rules[name as keyof typeof rules] !== undefined);
  const foreign = given.find((name) => all.includes(name) && !own.includes(name));
  if (foreign !== undefined) fail(`has the rule ${foreign}, which is not one of`);
  const missing = needed[decoder];
  if (missing !== undefined && !given.includes(missing)) fail(`lacks ${missing} for`);
  if ((rules as DetectRules).units === 'cells' && decoder !== 'heatmap') fail('has "units":"cells", which is not for');
}

/**
 * Checks the task of a file or a user.
 *
 * @returns the same object
 * @throws KletError `BAD_ARGUMENT` naming the first invalid property
 */
export function checkTask(task: unknown): TaskRules | SoundRules {
  return checkTaskOf(task, undefined, 'the task');
}

/** Checks that the outputs that a task names exist. */
function checkNames(task: Record<string, unknown>, outputs: readonly { readonly name: string }[], where: string): void {
  const lists = [task.values, task.heads, [task.known ?? {}]].flatMap((
    list,
  ) => (Array.isArray(list) ? list as GridHead[] : []));
  for (const named of [...outputNames.map((key) => task[key]), ...lists.map(({ output }) => output)]) {
    if (typeof named !== 'string' || outputs.some(({ name }) => name === named)) continue;
    const list = outputs.map(({ name }) => show(name)).join(', ');
    throw new KletError('BAD_ARGUMENT', `${where} names the output ${show(named)}; the network has ${list}`);
  }
}
