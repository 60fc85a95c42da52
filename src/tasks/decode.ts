import { KletError } from '../errors';
import type { Activation, DetectRules } from '../format/task';
import { anchorList } from './anchors';
import { areParts, gridOf, outputOf, sigmoid, tableOf, wrongOutputs, type Output, type Table } from './answer';
import type { Candidate } from './suppress';

// Boxes of the outputs of detectors. Every decoder returns candidates in parts of the input.

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

/** Candidates, and the number of classes if the outputs tell it. */
export interface Decoded {
  candidates: Candidate[];
  classes?: number;
  /** Whether overlapping candidates were left out already. */
  isSuppressed?: boolean;
}

/** Relative coordinates are hardly larger than 1, pixels are. */
const RELATIVE = 2;
const THRESHOLD = 0.25;
/** Numbers of a candidate of YOLO before its classes. */
const BOX = 4;
/** Rows after the suppression are fewer than candidates before it. */
const MAX_ROWS = 1000;
/** Growth of a size that no box exceeds; keeps the exponential function finite. */
const MAX_GROWTH = 20;

const known = 'the outputs of a detector: the four of TFLite_Detection_PostProcess, rows of (x0, y0, x1, y1, score, '
  + 'class), boxes [n, 4] with scores [n, classes], YOLO; the rules of "detect" describe others';

export function decode(of: Decoding): Decoded {
  const { decoder = recognize(of) } = of.rules;
  return decoders[decoder](of);
}

/** Tells the decoder by the shapes of the outputs. */
function recognize({ rules, outputs }: Decoding): NonNullable<DetectRules['decoder']> {
  const { anchors, heads } = rules;
  if (heads) return 'grids';
  if (anchors) return 'anchors';
  const ranks = outputs.map(({ dims }) => dims.length);
  const hasBoxes = outputs.some(({ dims }) => dims.length === 2 && dims[1] === BOX);
  if (hasBoxes && outputs.length >= 3 && ranks.filter((rank) => rank === 1).length >= 2) return 'list';
  if (hasBoxes && outputs.length === 2) return 'boxes';
  if (outputs.length === 1 && ranks[0] === 2) {
    const [n, fields] = outputs[0]!.dims as [number, number];
    return fields === 6 && n <= MAX_ROWS ? 'rows' : 'yolo';
  }
  throw wrongOutputs(outputs, known);
}

const decoders: Record<NonNullable<DetectRules['decoder']>, (of: Decoding) => Decoded> = {
  list,
  rows,
  boxes: anchored,
  anchors: anchored,
  yolo,
  grids,
  heatmap,
};

/** What turns coordinates into parts of the input. */
function unitOf({ rules, width, height }: Decoding, largest: () => number): [x: number, y: number] {
  const isRelative = rules.units === undefined ? largest() <= RELATIVE : rules.units === 'relative';
  return isRelative ? [1, 1] : [1 / width, 1 / height];
}

function largestOf(data: Float32Array): number {
  return data.reduce((a, b) => Math.max(a, b), 0);
}

/** Boxes, classes, scores and their number, as TFLite_Detection_PostProcess gives them. */
function list(of: Decoding): Decoded {
  const { rules: { order = 'yx', threshold = THRESHOLD, ...rules }, outputs } = of;
  const boxes = outputOf(outputs, rules.boxes, 'boxes [n, 4]', ({ dims }) => dims.length === 2 && dims[1] === BOX);
  const size = boxes.dims[0]!;
  const lists = outputs.filter((output) =>
    output !== boxes && output.data.length === size && size > 1 || [rules.classes, rules.scores].includes(output.name)
  );
  const [classes, scores] = orderLists(lists, rules, outputs.indexOf(boxes));
  if (!classes || !scores) throw wrongOutputs(outputs, 'lists of classes and scores');
  const counter = outputs.find((output) =>
    (rules.count === undefined || output.name === rules.count) && output.data.length === 1 &&
    output !== classes && output !== scores
  );
  const count = Math.min(size, counter ? Math.round(counter.data[0]!) : size);
  const [unitX, unitY] = unitOf(of, () => largestOf(boxes.data));
  const candidates: Candidate[] = [];
  for (let i = 0; i < count; i++) {
    if (!(scores.data[i]! >= threshold)) continue;
    const box = cornersAt(boxes.data, i * BOX, order, unitX, unitY);
    candidates.push({ class: Math.round(classes.data[i]!), score: scores.data[i]!, box });
  }
  return { candidates, isSuppressed: true };
}

/**
 * Which of two lists holds the classes: the one with such a name, or the first. Exports of
 * TensorFlow 2 have the scores first, before the boxes.
 */
function orderLists(lists: Output[], { classes, scores }: DetectRules | Omit<DetectRules, 'order'>, boxes: number) {
  const named = (name: string | undefined, word: RegExp): Output | undefined =>
    lists.find((output) => (name === undefined ? word.test(output.name) : output.name === name));
  const other = (one: Output | undefined): Output | undefined => one && lists.find((output) => output !== one);
  const ofClasses = named(classes, /class|label/i);
  const ofScores = named(scores, /score|conf/i);
  if (ofClasses && ofClasses !== ofScores) return [ofClasses, ofScores ?? other(ofClasses)];
  if (ofScores) return [other(ofScores), ofScores];
  return boxes === 0 ? lists : [...lists].reverse();
}

function cornersAt(data: Float32Array, at: number, order: string, unitX: number, unitY: number): Candidate['box'] {
  const [a, b, c, d] = [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
  return order === 'yx' ? [b * unitX, a * unitY, d * unitX, c * unitY] : [a * unitX, b * unitY, c * unitX, d * unitY];
}

/** Rows after non-maximum suppression: x0, y0, x1, y1, score, class. */
function rows(of: Decoding): Decoded {
  const { rules: { boxes, order = 'xy', threshold = THRESHOLD }, outputs } = of;
  const { data } = outputOf(outputs, boxes, 'rows [n, 6]', ({ dims }) => dims.length === 2 && dims[1] === 6);
  const [unitX, unitY] = unitOf(of, () => data.reduce((a, b, i) => (i % 6 < BOX ? Math.max(a, b) : a), 0));
  const candidates: Candidate[] = [];
  for (let at = 0; at < data.length; at += 6) {
    if (!(data[at + 4]! >= threshold)) continue;
    const box = cornersAt(data, at, order, unitX, unitY);
    candidates.push({ class: Math.round(data[at + 5]!), score: data[at + 4]!, box });
  }
  return { candidates, isSuppressed: true };
}

/** Calls `found` with the classes of row i whose scores reach the threshold. */
function eachClass(
  { data, columns, rowStep, columnStep }: Table,
  i: number,
  first: number,
  { threshold = THRESHOLD, background }: DetectRules,
  scoreOf: (value: number, row: number) => number,
  found: (index: number, score: number) => void,
): void {
  for (let c = first; c < columns; c++) {
    const index = c - first;
    if (index === background) continue;
    const score = scoreOf(data[i * rowStep + c * columnStep]!, i);
    if (score >= threshold) found(background !== undefined && index > background ? index - 1 : index, score);
  }
}

/** The score of a value of row i: as it is, by the logistic function, or among those of its row. */
function scorer(
  activation: Activation,
  { data, columns, rowStep, columnStep }: Table,
): (value: number, row: number) => number {
  if (activation === 'none') return (value) => value;
  if (activation === 'sigmoid') return sigmoid;
  return (value, row) => {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += Math.exp(data[row * rowStep + c * columnStep]! - value);
    return 1 / sum;
  };
}

/** Boxes and scores as two outputs; boxes are decoded, or relative to anchors. */
function anchored(of: Decoding): Decoded {
  const { rules, outputs, width, height } = of;
  const { keypoints = 0, anchors, exponential = false, order = 'xy' } = rules;
  const { scales = exponential ? [10, 10, 5, 5] as const : [width, height, width, height] as const } = rules;
  const size = BOX + 2 * keypoints;
  const boxes = outputOf(
    outputs,
    rules.boxes,
    `boxes [n, ${size}]`,
    ({ name, dims }) => name !== rules.scores && dims.length === 2 && dims[1] === size,
  );
  const n = boxes.dims[0]!;
  const scores = outputOf(
    outputs.filter((output) => output !== boxes),
    rules.scores,
    `scores [${n}, classes]`,
    ({ dims }) => dims[0] === n,
  );
  const table = tableOf(scores.data, n, scores.data.length / n);
  const priors = anchors && anchorList(anchors);
  if (priors && priors.length !== n * BOX) {
    throw new KletError('SHAPE_MISMATCH', `there are ${priors.length / BOX} anchors for ${n} boxes`);
  }
  const { activation = areParts(scores.data) ? 'none' : 'sigmoid' } = rules;
  const scoreOf = scorer(activation, table);
  const [unitX, unitY] = priors ? [1, 1] : unitOf(of, () => largestOf(boxes.data));
  const isCenter = (rules.coding ?? (priors ? 'center' : 'corners')) === 'center';
  const candidates: Candidate[] = [];
  const values = new Float64Array(size);
  for (let i = 0; i < n; i++) {
    eachClass(table, i, 0, rules, scoreOf, (index, score) => {
      for (let f = 0; f < size; f++) {
        const isX = (f % 2 === 0) === (order === 'xy');
        values[isX === (f % 2 === 0) ? f : f ^ 1] = boxes.data[i * size + f]! * (isX ? unitX : unitY);
      }
      if (priors) relativeTo(priors.subarray(i * BOX, i * BOX + BOX), values, scales, exponential);
      const box = isCenter ? cornersOf(values) : [values[0]!, values[1]!, values[2]!, values[3]!] as Candidate['box'];
      const points = keypoints > 0 && { points: Array.from(values.subarray(BOX)) };
      candidates.push({ class: index, score, box, ...points });
    });
  }
  return { candidates, classes: table.columns - (rules.background === undefined ? 0 : 1) };
}

/** Decodes a centre and a size, and then points, which are coded as steps from an anchor. */
function relativeTo(
  prior: Float64Array,
  values: Float64Array,
  scales: readonly [number, number, number, number],
  exponential: boolean,
): void {
  for (let f = 0; f < values.length; f++) {
    const axis = f % 2;
    const isSize = f === 2 || f === 3;
    const coded = values[f]! / scales[isSize ? f : axis]!;
    const size = prior[2 + axis]!;
    if (!isSize) values[f] = prior[axis]! + coded * size;
    else values[f] = (exponential ? Math.exp(Math.min(MAX_GROWTH, coded)) : coded) * size;
  }
}

function cornersOf([x, y, w, h]: ArrayLike<number> & Iterable<number>): Candidate['box'] {
  return [x! - w! / 2, y! - h! / 2, x! + w! / 2, y! + h! / 2];
}

/** Candidates of YOLO: v5 to v7 as [n, 5 + classes], v8 and later as [4 + classes, n]. */
function yolo(of: Decoding): Decoded {
  const { rules, outputs, labels } = of;
  const { data, dims } = outputOf(outputs, rules.boxes, 'candidates [n, fields]', ({ dims }) => dims.length === 2);
  const isPlanar = dims[0]! < dims[1]!;
  const [fields, n] = isPlanar ? [dims[0]!, dims[1]!] : [dims[1]!, dims[0]!];
  const { keypoints = 0 } = rules;
  const classFields = fields - BOX - 3 * keypoints;
  const objectness = rules.objectness ?? (labels > 0 ? classFields === labels + 1 : !isPlanar);
  const first = objectness ? BOX + 1 : BOX;
  const classes = classFields - (objectness ? 1 : 0);
  if (classes < 1) throw wrongOutputs(outputs, `candidates of more than ${fields - classes} fields`);
  const table = tableOf(data, n, first + classes, false);
  Object.assign(table, isPlanar ? { rowStep: 1, columnStep: n } : { rowStep: fields, columnStep: 1 });
  const at = (row: number, field: number): number => data[row * table.rowStep + field * table.columnStep]!;
  const [unitX, unitY] = unitOf(of, () => {
    let largest = 0;
    for (let i = 0; i < n; i++) for (let f = 0; f < BOX; f++) largest = Math.max(largest, at(i, f));
    return largest;
  });
  const act = rules.activation === 'sigmoid' ? sigmoid : (value: number): number => value;
  const candidates: Candidate[] = [];
  for (let i = 0; i < n; i++) {
    const whole = objectness ? act(at(i, BOX)) : 1;
    if (!(whole >= (rules.threshold ?? THRESHOLD))) continue;
    eachClass(table, i, first, rules, (value) => whole * act(value), (index, score) => {
      const box = cornersOf([at(i, 0) * unitX, at(i, 1) * unitY, at(i, 2) * unitX, at(i, 3) * unitY]);
      const points = Array.from(
        { length: 2 * keypoints },
        (_, k) => at(i, first + classes + Math.floor(k / 2) * 3 + (k % 2)) * (k % 2 === 0 ? unitX : unitY),
      );
      candidates.push({ class: index, score, box, ...(keypoints > 0 && { points }) });
    });
  }
  return { candidates, classes };
}

/**
 * Heads of YOLO before their decoding, [rows, columns, anchors × (5 + classes)]. The formulas are
 * those of YOLOv3 (Redmon and Farhadi, 2018), of YOLOv4, which stretches centres, and of YOLOv5.
 */
function grids(of: Decoding): Decoded {
  const { rules, outputs, width, height, isPlanar } = of;
  const { heads = [], formula = 'exp', stretch = formula === 'exp' ? 1 : 2, activation = 'sigmoid' } = rules;
  if (heads.length !== outputs.length && heads.some(({ output }) => output === undefined)) {
    throw wrongOutputs(outputs, `${heads.length} heads, each with an output`);
  }
  const candidates: Candidate[] = [];
  let classes = 0;
  heads.forEach(({ output, anchors }, h) => {
    const grid = gridOf(output === undefined ? outputs[h]! : outputOf(outputs, output, 'a grid'), isPlanar);
    const fields = grid.columns / anchors.length;
    if (!Number.isInteger(fields) || fields <= BOX + 1) {
      throw wrongOutputs(outputs, `grids of ${anchors.length} × (5 + classes) numbers`);
    }
    classes = fields - BOX - 1;
    const { data, rowStep, columnStep } = grid;
    const act = activation === 'none' ? (value: number): number => value : sigmoid;
    for (let i = 0; i < grid.rows; i++) {
      anchors.forEach(([anchorWidth, anchorHeight], a) => {
        const at = (field: number): number => data[i * rowStep + (a * fields + field) * columnStep]!;
        const whole = act(at(BOX));
        if (!(whole >= (rules.threshold ?? THRESHOLD))) return;
        const center = (field: number, cell: number): number => cell + 0.5 + (act(at(field)) - 0.5) * stretch;
        const size = (field: number): number =>
          formula === 'exp' ? Math.exp(Math.min(MAX_GROWTH, at(field))) : (2 * act(at(field))) ** 2;
        const box = cornersOf([center(0, i % grid.width) / grid.width,
          center(1, Math.floor(i / grid.width)) / grid.height, size(2) * anchorWidth / width,
          size(3) * anchorHeight / height]);
        const own: Table = { ...grid, columns: (a + 1) * fields };
        eachClass(own, i, a * fields + BOX + 1, rules, (value) => whole * act(value), (index, score) => {
          candidates.push({ class: index, score, box });
        });
      });
    }
  });
  return { candidates, classes };
}

/**
 * Heat maps of centres [rows, columns, classes], sizes and offsets [rows, columns, 2] (Zhou et al.,
 * Objects as Points, 2019). Only cells that are not lower than their eight neighbours count.
 */
function heatmap(of: Decoding): Decoded {
  const { rules, outputs, width, height, isPlanar } = of;
  const { order = 'xy', threshold = THRESHOLD, units = 'cells' } = rules;
  const pairs = outputs.filter((output) => gridOf(output, isPlanar).columns === 2);
  const sizes = gridOf(outputOf(rules.boxes === undefined ? pairs : outputs, rules.boxes, 'sizes'), isPlanar);
  const scores = outputOf(
    outputs.filter((one) => one.data !== sizes.data && one.name !== rules.offsets),
    rules.scores,
    'heat maps of classes',
    ({ dims }) => dims.length >= 2,
  );
  const offsets = rules.offsets === undefined
    ? undefined
    : gridOf(outputOf(outputs, rules.offsets, 'offsets'), isPlanar);
  const heat = gridOf(scores, isPlanar);
  const score = rules.activation === 'sigmoid' || (rules.activation === undefined && !areParts(scores.data))
    ? sigmoid
    : (value: number): number => value;
  const [x, y] = order === 'xy' ? [0, 1] : [1, 0];
  const [unitX, unitY] = { cells: [heat.width, heat.height], pixels: [width, height], relative: [1, 1] }[units] as [
    number,
    number,
  ];
  const pair = (table: Table, i: number, at: number): number => table.data[i * table.rowStep + at * table.columnStep]!;
  const candidates: Candidate[] = [];
  for (let i = 0; i < heat.rows; i++) {
    for (let c = 0; c < heat.columns; c++) {
      const value = score(pair(heat, i, c));
      if (!(value >= threshold) || !isPeak(heat, i, c)) continue;
      const box = cornersOf([(i % heat.width + (offsets ? pair(offsets, i, x) : 0)) / heat.width,
        (Math.floor(i / heat.width) + (offsets ? pair(offsets, i, y) : 0)) / heat.height, pair(sizes, i, x) / unitX,
        pair(sizes, i, y) / unitY]);
      candidates.push({ class: c, score: value, box });
    }
  }
  return { candidates, classes: heat.columns, isSuppressed: true };
}

/** Whether no neighbour of a cell has a higher value. */
function isPeak(
  { data, width, height, rowStep, columnStep }: ReturnType<typeof gridOf>,
  cell: number,
  channel: number,
): boolean {
  const [row, column] = [Math.floor(cell / width), cell % width];
  const value = data[cell * rowStep + channel * columnStep]!;
  for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
      if (data[(y * width + x) * rowStep + channel * columnStep]! > value) return false;
    }
  }
  return true;
}
