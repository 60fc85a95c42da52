import { show } from '../arguments';
import { KletError } from '../errors';
import { checkFields, type Fields, type Schema } from './fields';
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

/** Anchors of a grid: a box of each size around the centre of each cell, relative to the input. */
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
  /** Layers of anchors, or centre and size of each anchor, relative to the input. */
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

const text = 'a text';
const part = 'a number from 0 to 1';
const whole = 'a whole number from 0 to 1048576';
const count = 'a whole number from 1 to 1048576';
const number = 'a number';
const positive = 'a number above 0';
const activation = 'none|softmax|sigmoid';
const order = 'xy|yx';
/** Width and height. */
const sizes = [[positive, positive]];
const flag = 'true or false';

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

const sounds: unknown[] = ['keywords', 'detectSound', 'denoise'] satisfies SoundRules['kind'][];

const layer: Fields = { needs: 'rows columns sizes', rows: count, columns: count, sizes };
const value = {
  needs: 'name',
  name: text,
  unit: text,
  min: number,
  max: number,
  output: text,
  index: whole,
  scale: number,
  offset: number,
} satisfies Properties<NamedValue>;

const known = {
  needs: 'output metric mean scale means thresholds',
  output: text,
  metric: 'cosine|euclidean',
  mean: [number],
  scale: [number],
  means: [[number]],
  thresholds: [number],
} satisfies Properties<KnownRules>;

type Properties<T> = Record<keyof T | 'needs', Schema>;

/** The properties of each kind. */
const kinds: { [K in TaskKind]: Omit<Properties<Extract<TaskRules, { kind: K }>>, 'needs'> & Fields } = {
  classify: { kind: text, output: text, activation, background: whole, topK: count, threshold: part, known },
  detect: {
    kind: text,
    decoder: Object.keys(decoderRules.detect).join('|'),
    boxes: text,
    scores: text,
    classes: text,
    count: text,
    offsets: text,
    order,
    coding: 'corners|center',
    units: 'relative|pixels|cells',
    activation,
    background: whole,
    objectness: flag,
    anchors: (list) => Array.isArray(list) && Array.isArray(list[0]) ? [[number, number, number, number]] : [layer],
    scales: [positive, positive, positive, positive],
    exponential: flag,
    keypoints: whole,
    masks: text,
    coefficients: text,
    heads: [{ needs: 'anchors', output: text, anchors: sizes }],
    formula: 'exp|square',
    stretch: 'a number from 1 to 4',
    threshold: part,
    iou: part,
    suppression: 'class|all|none',
    maxDetections: count,
  },
  segment: { kind: text, output: text, activation, threshold: part },
  pose: {
    kind: text,
    decoder: Object.keys(decoderRules.pose).join('|'),
    keypoints: [text],
    edges: [[whole, whole]],
    points: text,
    heatmaps: text,
    offsets: text,
    x: text,
    y: text,
    order,
    values: '2|3',
    units: 'relative|pixels',
    activation: 'none|sigmoid',
    threshold: part,
  },
  embed: { kind: text, output: text, threshold: 'a number from -1 to 1' },
  regress: { kind: text, values: [value] },
};

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
  checkKnown((task as Partial<ClassifyRules>).known, where);
  const rules = task as unknown as DetectRules | PoseRules;
  const decoder = decoderIn(rules);
  if (decoder !== undefined) checkDecoder(rules, decoder, where);
  if (outputs) checkNames(task, outputs, where);
  return task as unknown as TaskRules;
}

/** Checks that all lists have as many features, and every class has a mean and a threshold. */
function checkKnown(known: KnownRules | undefined, where: string): void {
  if (!known) return;
  const { mean, scale, means, thresholds } = known;
  if ([scale, ...means].every(({ length }) => length === mean.length) && means.length === thresholds.length) return;
  throw new KletError('BAD_ARGUMENT', `${where} needs mean, scale, means and thresholds of equal lengths as known`);
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
