import { KletError } from '../errors';
import { checkDecoder, decoderIn, type DetectDecoder, type DetectRules } from '../format/task';
import { anchorList } from './anchors';
import { cornersOf, MAX_GROWTH, THRESHOLD, type Add, type Candidate, type Decoded, type Decoding, type Findings,
  type Shape } from './candidates';
import { grids, heatmap } from './grids';
import { areParts, columnsOf, gridOf, isOf, noBackground, outputOf, tableOf, unitOf, valueAt, wrongOutputs, type Grid,
  type Output, type Table } from './outputs';
import { activated } from './scores';

// Boxes of the outputs of detectors. Every decoder finds candidates relative to the input.

/** Numbers of a box. */
const BOX = 4;
/** Numbers of a row after the suppression: box, score and class. */
const ROW = 6;
/** Rows after the suppression are fewer than candidates before it. */
const MAX_ROWS = 1000;

const known = 'the outputs of a detector: the four of TFLite_Detection_PostProcess, rows of (x0, y0, x1, y1, score, '
  + 'class), boxes [n, 4] with scores [n, classes], YOLO; the rules of "detect" describe others';

/**
 * Finds the candidates in outputs, in any order.
 *
 * @throws KletError `SHAPE_MISMATCH` if the outputs are not what the rules say
 */
export function decode(of: Decoding): Decoded {
  const { rules, outputs } = of;
  const { threshold = THRESHOLD, background = Infinity } = rules;
  const decoder = recognize(of);
  // others were checked with the task
  if (!rules.decoder) checkDecoder(rules, decoder);
  const candidates: Candidate[] = [];
  const findings = decoders[decoder](of, (index, score, row, shapeOf) => {
    if (!(score >= threshold) || index === background) return;
    candidates.push({ class: index - Number(index > background), score, row, ...shapeOf(row) });
  });
  const { scores } = findings;
  if (scores === undefined) return { decoder, candidates, ...findings };
  if (background < Infinity && background >= scores) throw noBackground(outputs, background);
  return { decoder, candidates, classes: scores - Number(background < Infinity), ...findings };
}

/** Tells the decoder by the shapes of the outputs. */
function recognize(of: Decoding): DetectDecoder {
  const { rules, outputs } = of;
  const told = decoderIn(rules) as DetectDecoder | undefined;
  if (told) return told;
  const ranks = outputs.map(({ dims }) => dims.length);
  const hasBoxes = outputs.some((output) => isOf(output, ['n', BOX]));
  if (hasBoxes && outputs.length >= 3 && ranks.filter((rank) => rank === 1).length >= 2) return 'list';
  if (hasBoxes && outputs.length === 2) return 'boxes';
  const lists = outputs.filter(({ dims }) => dims.length === 2);
  // the other output may be the prototypes of masks
  if (lists.length === 1 && outputs.length <= 2 && ranks.every((rank) => rank === 2 || rank === 3)) {
    const [n, fields] = lists[0]!.dims as [number, number];
    return fields === rowFields(rules, prototypesOf(of)) && n <= MAX_ROWS ? 'rows' : 'yolo';
  }
  throw wrongOutputs(outputs, known);
}

const decoders: Record<DetectDecoder, (of: Decoding, add: Add) => Findings> = {
  list,
  rows,
  boxes: anchored,
  anchors: anchored,
  yolo,
  grids,
  heatmap,
};

/** Where the numbers of a row are, and what they are. */
interface Coding {
  isCenter: boolean;
  /** The column of the first point, and columns from one to the next. */
  first?: number;
  step?: number;
  anchors?: Float64Array | undefined;
}

/** Makes what reads boxes and points from rows, relative to the input. */
function shapes(
  of: Decoding,
  table: Table,
  { isCenter, first = BOX, step = 2, anchors }: Coding,
): { shapeOf: (row: number) => Shape; isPixels: boolean } {
  const { rules: { units, order = 'xy', keypoints = 0, exponential = false }, width, height } = of;
  const { scales = exponential ? [10, 10, 5, 5] : [width, height, width, height] } = of.rules;
  const unit = unitOf(table, BOX, anchors ? 'relative' : units, width, height);
  /** The axis is 0 for x and 1 for y. */
  const at = (row: number, column: number, axis: number): number =>
    valueAt(table, row, column + (order === 'xy' ? axis : 1 - axis)) * unit[axis]!;
  const place = (row: number, column: number, axis: number): number => {
    const value = at(row, column, axis);
    return anchors ? anchors[BOX * row + axis]! + value / scales[axis]! * anchors[BOX * row + 2 + axis]! : value;
  };
  const size = (row: number, axis: number): number => {
    const value = at(row, 2, axis);
    if (!anchors) return value;
    const coded = value / scales[2 + axis]!;
    return (exponential ? Math.exp(Math.min(MAX_GROWTH, coded)) : coded) * anchors[BOX * row + 2 + axis]!;
  };
  const shapeOf = (row: number): Shape => {
    const [a, b] = [place(row, 0, 0), place(row, 0, 1)];
    const box: Candidate['box'] = isCenter
      ? cornersOf(a, b, size(row, 0), size(row, 1))
      : [a, b, at(row, 2, 0), at(row, 2, 1)];
    if (keypoints === 0) return { box };
    const points = Array.from({ length: 2 * keypoints }, (_, k) => place(row, first + (k >> 1) * step, k % 2));
    return { box, points };
  };
  return { shapeOf, isPixels: unit[0] !== 1 };
}

/** Boxes, classes, scores and their number, as TFLite_Detection_PostProcess gives them. */
function list(of: Decoding, add: Add): Findings {
  const { rules, outputs } = of;
  const boxes = outputOf(outputs, rules.boxes, 'boxes', ['n', BOX]);
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
  const coding = { isCenter: false };
  const { shapeOf, isPixels } = shapes(
    { ...of, rules: { order: 'yx', ...rules } },
    tableOf(boxes.data, size, BOX),
    coding,
  );
  for (let i = 0; i < count; i++) add(Math.round(classes.data[i]!), scores.data[i]!, i, shapeOf);
  return { isSuppressed: true, isPixels };
}

/**
 * Which of two lists holds the classes: the one with such a name, or the first. Exports of
 * TensorFlow 2 have the scores first, before the boxes.
 */
function orderLists(lists: Output[], { classes, scores }: DetectRules, boxes: number) {
  const named = (name: string | undefined, word: RegExp): Output | undefined =>
    lists.find((output) => (name === undefined ? word.test(output.name) : output.name === name));
  const other = (one: Output | undefined): Output | undefined => one && lists.find((output) => output !== one);
  const ofClasses = named(classes, /class|label/i);
  const ofScores = named(scores, /score|conf/i);
  if (ofClasses && ofClasses !== ofScores) return [ofClasses, ofScores ?? other(ofClasses)];
  if (ofScores) return [other(ofScores), ofScores];
  return boxes === 0 ? lists : [...lists].reverse();
}

/** Rows after non-maximum suppression: box, score, class, then points, then coefficients. */
function rows(of: Decoding, add: Add): Findings {
  const { rules, outputs } = of;
  const prototypes = prototypesOf(of);
  const fields = rowFields(rules, prototypes);
  const { data, dims: [n] } = outputOf(outputs, rules.boxes, 'rows', ['n', fields]);
  const table = tableOf(data, n!, fields);
  const { shapeOf, isPixels } = shapes(of, table, { isCenter: false, first: ROW, step: 3 });
  for (let i = 0; i < n!; i++) add(Math.round(valueAt(table, i, ROW - 1)), valueAt(table, i, BOX), i, shapeOf);
  return { isSuppressed: true, isPixels, ...masksIn(table, fields, prototypes) };
}

/** Numbers of a row: box, score and class, then points and coefficients. */
function rowFields({ keypoints = 0 }: DetectRules, prototypes: Grid | undefined): number {
  return ROW + 3 * keypoints + (prototypes?.columns ?? 0);
}

/** The boxes and the scores of a network as two tables. */
function boxesAndScores({ rules, outputs }: Decoding): [boxes: Table, scores: Table] {
  const size = BOX + 2 * (rules.keypoints ?? 0);
  const joint = outputs.length === 1 ? outputs[0]! : undefined;
  if (joint && isOf(joint, ['n', 1 + size])) {
    // MediaPipe's detectors in TensorFlow.js: the score, then the box
    const table = tableOf(joint.data, joint.dims[0]!, 1 + size);
    return [columnsOf(table, 1, size), columnsOf(table, 0, 1)];
  }
  const boxes = outputOf(
    outputs,
    rules.boxes,
    `boxes [n, ${size}]`,
    (output) => output.name !== rules.scores && isOf(output, ['n', size]),
  );
  const n = boxes.dims[0]!;
  const scores = outputOf(
    outputs,
    rules.scores,
    `scores [${n}, classes]`,
    (output) => output !== boxes && output.name !== rules.coefficients && output.dims[0] === n,
  );
  return [tableOf(boxes.data, n, size), tableOf(scores.data, n, scores.data.length / n)];
}

/** Boxes and scores; boxes are decoded, or relative to anchors. */
function anchored(of: Decoding, add: Add): Findings {
  const { rules } = of;
  const [boxes, table] = boxesAndScores(of);
  const n = boxes.rows;
  const anchors = rules.anchors && anchorList(rules.anchors);
  if (anchors && anchors.length !== n * BOX) {
    throw new KletError('SHAPE_MISMATCH', `there are ${anchors.length / BOX} anchors for ${n} boxes`);
  }
  const { activation = areParts(table) ? 'none' : 'sigmoid' } = rules;
  const isCenter = anchors !== undefined || rules.coding === 'center';
  const { shapeOf, isPixels } = shapes(of, boxes, { isCenter, anchors });
  addClasses(table, activated(activation, table), add, shapeOf);
  return { scores: table.columns, isPixels, ...coefficientsOf(of, n) };
}

/** Adds the candidates of all classes of a table. */
function addClasses(
  { rows, columns }: Table,
  score: (row: number, index: number) => number,
  add: Add,
  shapeOf: (row: number) => Shape,
): void {
  for (let row = 0; row < rows; row++) for (let c = 0; c < columns; c++) add(c, score(row, c), row, shapeOf);
}

/** Candidates of YOLO: v5 to v7 as [n, 5 + classes], v8 and later as [4 + classes, n]. */
function yolo(of: Decoding, add: Add): Findings {
  const { rules, outputs, labels } = of;
  const { keypoints = 0, activation = 'none', background } = rules;
  const { data, dims } = outputOf(outputs, rules.boxes, 'candidates', ['n', 'fields']);
  const isPlanar = dims[0]! < dims[1]!;
  const [fields, n] = isPlanar ? [dims[0]!, dims[1]!] : [dims[1]!, dims[0]!];
  const table = tableOf(data, n, fields, isPlanar);
  const prototypes = prototypesOf(of);
  const rest = fields - BOX - 3 * keypoints - (prototypes?.columns ?? 0);
  const expected = labels + Number(background !== undefined);
  const objectness = rules.objectness ?? (labels > 0 ? rest === expected + 1 : !isPlanar);
  const first = BOX + Number(objectness);
  const scores = rest - Number(objectness);
  if (scores < 1) throw wrongOutputs(outputs, `candidates of more than ${fields - scores} fields`);
  const classes = columnsOf(table, first, scores);
  const score = activated(activation, classes);
  const whole = activated(activation === 'none' ? 'none' : 'sigmoid', columnsOf(table, BOX, 1));
  const { threshold = THRESHOLD } = rules;
  const { shapeOf, isPixels } = shapes(of, table, { isCenter: true, first: first + scores, step: 3 });
  for (let row = 0; row < n; row++) {
    const factor = objectness ? whole(row, 0) : 1;
    if (!(factor >= threshold)) continue;
    for (let c = 0; c < scores; c++) add(c, factor * score(row, c), row, shapeOf);
  }
  return { scores, isPixels, ...masksIn(table, fields, prototypes) };
}

/**
 * The prototypes of masks, [rows, columns, prototypes]: the output of this name, or the only one of
 * this rank, unless it may be something else.
 */
function prototypesOf({ rules: { masks, coefficients }, outputs, isPlanar }: Decoding): Grid | undefined {
  const sizes = ['rows', 'columns', 'prototypes'];
  const isTold = masks !== undefined || coefficients !== undefined;
  const grids = outputs.filter((output) => isOf(output, sizes));
  if (!isTold && (outputs.length !== 2 || grids.length !== 1)) return undefined;
  return gridOf(outputOf(outputs, masks, 'prototypes of masks', sizes), isPlanar);
}

/** Masks whose coefficients are the last of the fields of a row. */
function masksIn(table: Table, fields: number, prototypes: Grid | undefined): Pick<Findings, 'masks'> {
  if (!prototypes) return {};
  return { masks: { coefficients: columnsOf(table, fields - prototypes.columns, prototypes.columns), prototypes } };
}

/** Masks whose coefficients are an output (YOLACT). */
function coefficientsOf(of: Decoding, n: number): Pick<Findings, 'masks'> {
  const { rules: { coefficients: name }, outputs } = of;
  if (name === undefined) return {};
  const prototypes = prototypesOf(of)!;
  const { data } = outputOf(outputs, name, 'coefficients', [n, prototypes.columns]);
  return { masks: { coefficients: tableOf(data, n, prototypes.columns), prototypes } };
}
