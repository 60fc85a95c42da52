import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import type { Detection } from './types';

// Boxes of the outputs of detectors, in the layouts that are in use.

/** How the outputs hold boxes. */
export interface BoxLayout {
  /** In a sentence about the outputs. */
  description: string;
  decode(outputs: Record<string, Float32Array>): Detection[];
}

/** Detections with a lower score cannot change the average precision by much. */
const LEAST_SCORE = 0.001;
/** Boxes of a class that overlap more than this with a better one are the same object. */
const SAME_OBJECT = 0.7;
const MAX_CANDIDATES = 30_000;
const MAX_DETECTIONS = 300;

/**
 * Recognizes the layout of boxes by the shapes of the outputs.
 *
 * @param classes number of classes, if it is known
 * @throws KletError `BAD_ARGUMENT` if they have none of the known layouts
 */
export function boxLayout(outputs: readonly TensorInfo[], classes: number | undefined): BoxLayout {
  const shapes = outputs.map(({ shape }) => shape.filter((size, i) => !(i === 0 && size === 1)));
  const layout = listLayout(outputs, shapes) ?? rowLayout(outputs, shapes) ?? gridLayout(outputs, shapes, classes);
  if (layout) return layout;
  const found = outputs.map(({ name, shape }) => `"${name}" [${shape.join(', ')}]`).join(', ');
  throw new KletError(
    'BAD_ARGUMENT',
    `the outputs have no known layout of boxes: ${found}. Known are the four outputs of TFLite_Detection_PostProcess, `
      + 'rows of (x0, y0, x1, y1, score, class), and the grids of YOLO v5 and v8; pass the option "decode" of '
      + 'evaluate() for others',
  );
}

/** Boxes, classes, scores and their number, as TFLite_Detection_PostProcess gives them. */
function listLayout(outputs: readonly TensorInfo[], shapes: readonly number[][]): BoxLayout | undefined {
  const boxes = shapes.findIndex((shape) => shape.length === 2 && shape[1] === 4);
  if (boxes < 0) return undefined;
  const lists = shapes.flatMap((shape, i) => (shape.length === 1 && shape[0] === shapes[boxes]![0] ? [i] : []));
  if (lists.length !== 2) return undefined;
  const [classes, scores] = orderLists(outputs, lists as [number, number], boxes);
  const count = shapes.findIndex((shape, i) => ![boxes, classes, scores].includes(i) && shape.every((d) => d === 1));
  const name = (i: number): string => outputs[i]!.name;
  return {
    description: `"${name(boxes)}" has boxes (top, left, bottom, right), "${name(classes)}" classes, "${
      name(scores)
    }" scores`,
    decode: (values) => {
      const [edges, indexes, confidences] = [boxes, classes, scores].map((i) => values[name(i)]!) as [Float32Array,
        Float32Array, Float32Array];
      const n = Math.min(confidences.length, count < 0 ? Infinity : Math.round(values[name(count)]![0]!));
      return Array.from({ length: Math.max(0, n) }, (_, i) => {
        const [y0, x0, y1, x1] = edges.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
        return { class: Math.round(indexes[i]!), box: [x0, y0, x1, y1] as const, score: confidences[i]! };
      });
    },
  };
}

/**
 * Which of two lists holds the classes: the one with such a name, or the first. Exports of
 * TensorFlow 2 have the scores first, before the boxes.
 */
function orderLists(
  outputs: readonly TensorInfo[],
  [first, second]: [number, number],
  boxes: number,
): [classes: number, scores: number] {
  const isNamed = (i: number, word: RegExp): boolean => word.test(outputs[i]!.name);
  if (isNamed(first, /class|label/i) || isNamed(second, /score|conf/i)) return [first, second];
  if (isNamed(second, /class|label/i) || isNamed(first, /score|conf/i)) return [second, first];
  return first < boxes ? [second, first] : [first, second];
}

/** One output of rows, after non-maximum suppression. */
function rowLayout(outputs: readonly TensorInfo[], shapes: readonly number[][]): BoxLayout | undefined {
  const at = shapes.findIndex((shape) => shape.length === 2 && shape[1] === 6);
  if (at < 0 || outputs.length > 1) return undefined;
  const { name } = outputs[at]!;
  return {
    description: `a row of "${name}" is (x0, y0, x1, y1, score, class)`,
    decode: (values) => {
      const rows = values[name]!;
      return Array.from({ length: rows.length / 6 }, (_, i) => {
        const [x0, y0, x1, y1, score, index] = rows.subarray(6 * i, 6 * i + 6) as unknown as [number, number, number,
          number, number, number];
        return { class: Math.round(index), box: [x0, y0, x1, y1] as const, score };
      }).filter(({ score }) => score > 0);
    },
  };
}

/** One output with all candidates: YOLO v8 as [4 + classes, n], v5 as [n, 5 + classes]. */
function gridLayout(
  outputs: readonly TensorInfo[],
  shapes: readonly number[][],
  classes: number | undefined,
): BoxLayout | undefined {
  const [shape] = shapes;
  if (outputs.length !== 1 || shape?.length !== 2) return undefined;
  const isPlanar = shape[0]! < shape[1]!;
  const [width, candidates] = isPlanar ? (shape as [number, number]) : ([shape[1], shape[0]] as [number, number]);
  const hasObjectness = classes === undefined ? !isPlanar : width === classes + 5;
  const first = hasObjectness ? 5 : 4;
  if (width <= first || (classes !== undefined && width !== first + classes)) return undefined;
  const { name } = outputs[0]!;
  return {
    description: `"${name}" has ${candidates} candidates of (x, y, width, height${
      hasObjectness ? ', objectness' : ''
    }, ${width - first} classes); non-maximum suppression with an IoU of ${SAME_OBJECT} follows`,
    decode: (values) => {
      const grid = values[name]!;
      const at = (candidate: number, field: number): number =>
        grid[isPlanar ? field * candidates + candidate : candidate * width + field]!;
      return suppress(candidatesOf(at, candidates, width, first));
    },
  };
}

function candidatesOf(
  at: (candidate: number, field: number) => number,
  candidates: number,
  width: number,
  first: number,
): Detection[] {
  const found: Detection[] = [];
  for (let i = 0; i < candidates; i++) {
    const objectness = first === 5 ? at(i, 4) : 1;
    if (objectness <= LEAST_SCORE) continue;
    const [x, y, w, h] = [at(i, 0), at(i, 1), at(i, 2) / 2, at(i, 3) / 2] as const;
    for (let c = first; c < width; c++) {
      const score = objectness * at(i, c);
      if (score > LEAST_SCORE) found.push({ class: c - first, box: [x - w, y - h, x + w, y + h], score });
    }
  }
  return found.sort((a, b) => b.score - a.score).slice(0, MAX_CANDIDATES);
}

/** Non-maximum suppression within each class. */
function suppress(sorted: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const candidate of sorted) {
    if (kept.length === MAX_DETECTIONS) break;
    const isSame = kept.some((better) =>
      better.class === candidate.class && overlapOf(better.box, candidate.box) > SAME_OBJECT
    );
    if (!isSame) kept.push(candidate);
  }
  return kept;
}

function overlapOf(a: Detection['box'], b: Detection['box']): number {
  const common = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) *
    Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const areas = [a, b].map(([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0)) as [number, number];
  return common === 0 ? 0 : common / (areas[0] + areas[1] - common);
}
