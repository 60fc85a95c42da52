import { areParts, gridOf, outputOf, tableOf, unitOf, valueAt, wrongOutputs, type Grid,
  type Output } from '../decoding/outputs';
import { activate, activated } from '../decoding/scores';
import { checkDecoder, decoderIn, type PoseDecoder } from '../format/task';
import { answer, type Answer, type TaskModel, type TaskOptions } from './answer';
import type { Point } from './detect';
import type { ImageSource } from './pixels';
import { toImageX, toImageY, type Placement } from './placement';

/** A point of a body, a hand or a face. */
export interface Keypoint extends Point {
  /** Its name, or its index as text if the rules have none. */
  name: string;
  /** 0..1; 1 if the network gives none. */
  score: number;
}

/** A body, hand or face that was found. */
export interface Pose {
  /** The mean of the scores of its points, or the score that the network gives it. */
  score: number;
  /** In pixels of the image; 0 is its left or upper edge. */
  keypoints: Keypoint[];
  /** Left, top, right and bottom edge in pixels of the image, if the network gives them. */
  box?: [x0: number, y0: number, x1: number, y1: number];
}

/** A pose relative to the input: points x, y, score. */
interface RelativePose {
  points: [x: number, y: number, score: number][];
  score?: number;
  box?: [number, number, number, number];
}

/** MoveNet for several people: 17 points, the box (top, left, bottom, right) and its score. */
const MULTI_POINTS = 17;
const MULTI_ROW = 3 * MULTI_POINTS + 5;

/**
 * Finds points of bodies, hands or faces in an image.
 *
 * @param image as in `imageToInput`
 * @param options rules that replace those of the file ("kind": "pose")
 * @returns poses with scores of at least `threshold`, best first; most networks give one
 * @throws KletError as `imageToInput` and `predict`; `SHAPE_MISMATCH` if the outputs are not what
 *   the rules say
 */
export function pose(image: ImageSource, model: TaskModel, options: TaskOptions<'pose'> = {}): Pose[] {
  const found = answer('pose', image, model, options);
  const { rules, place } = found;
  const { keypoints: names = [], threshold = 0 } = rules;
  const decoder = recognize(found);
  if (!rules.decoder) checkDecoder(rules, decoder);
  const poses = { list, heatmap, simcc }[decoder](found);
  const count = poses[0]?.points.length ?? names.length;
  if (names.length > 0 && names.length !== count) throw wrongOutputs(found.outputs, `${names.length} keypoints`);
  return poses.map((one) => placed(one, place, names)).filter(({ score }) => score >= threshold).sort((a, b) =>
    b.score - a.score
  );
}

function placed({ points, score, box }: RelativePose, place: Placement, names: readonly string[]): Pose {
  const x = (part: number): number => toImageX(place, part * place.inputWidth);
  const y = (part: number): number => toImageY(place, part * place.inputHeight);
  return {
    score: score ?? points.reduce((sum, point) => sum + point[2], 0) / points.length,
    keypoints: points.map(([px, py, own], i) => ({ name: names[i] ?? String(i), x: x(px), y: y(py), score: own })),
    ...(box && { box: [x(box[0]), y(box[1]), x(box[2]), y(box[3])] }),
  };
}

/** Tells the decoder by the shapes of the outputs. */
function recognize({ rules, outputs }: Answer<'pose'>): PoseDecoder {
  const told = decoderIn(rules) as PoseDecoder | undefined;
  if (told) return told;
  return outputs.some(({ dims }) => dims.length === 3 && dims[0] !== 1) ? 'heatmap' : 'list';
}

/** Lists of (x, y) or (x, y, score), as MoveNet and hand and face landmarks have them. */
function list({ rules, outputs, place }: Answer<'pose'>): RelativePose[] {
  const { data, dims: given } = outputOf(outputs, rules.points, 'points [n, 2] or [n, 3]');
  // MoveNet has a second dimension of 1
  const dims = given.slice(given.findIndex((size) => size > 1));
  const last = dims.at(-1);
  if (last === MULTI_ROW && rules.values === undefined) return several(data);
  const isFlat = dims.length === 1;
  const { values = isFlat ? 2 : last, order = isMoveNet(dims) ? 'yx' : 'xy' } = rules;
  const count = data.length / values;
  if ((values !== 2 && values !== 3) || !Number.isInteger(count)) {
    throw wrongOutputs(outputs, 'points of 2 or 3 numbers');
  }
  const [unitX, unitY] = unitOf(tableOf(data, count, values), 2, rules.units, place.inputWidth, place.inputHeight);
  // a third number is a score only in range; landmarks have a depth there
  const hasScore = values === 3 && data.every((value, i) => i % 3 !== 2 || (value >= 0 && value <= 1));
  const points = Array.from({ length: count }, (_, i): [number, number, number] => {
    const at = i * values;
    const [a, b] = [data[at]!, data[at + 1]!];
    const [x, y] = order === 'xy' ? [a, b] : [b, a];
    return [x * unitX, y * unitY, hasScore ? data[at + 2]! : 1];
  });
  return [{ points }];
}

/** MoveNet's output [17, 3] has y first. */
function isMoveNet(dims: readonly number[]): boolean {
  return dims.length === 2 && dims[0] === MULTI_POINTS && dims[1] === 3;
}

/** Rows of MoveNet for several people. */
function several(data: Float32Array): RelativePose[] {
  return Array.from({ length: data.length / MULTI_ROW }, (_, row) => {
    const own = data.subarray(row * MULTI_ROW, (row + 1) * MULTI_ROW);
    const [y0, x0, y1, x1, score] = own.subarray(3 * MULTI_POINTS) as unknown as [number, number, number, number,
      number];
    const points = Array.from(
      { length: MULTI_POINTS },
      (_, i): [number, number, number] => [own[3 * i + 1]!, own[3 * i]!, own[3 * i + 2]!],
    );
    return { points, score, box: [x0, y0, x1, y1] };
  });
}

/**
 * A heat map for each point, [rows, columns, points], and offsets [rows, columns, 2 × points] in
 * pixels of the input: all y, then all x (PoseNet). Without offsets a point moves a quarter of a
 * cell towards the higher neighbour, as in Xiao et al., Simple Baselines, 2018.
 */
function heatmap({ rules, outputs, place, isPlanar }: Answer<'pose'>): RelativePose[] {
  const grids = outputs.filter(({ dims }) => dims.length === 3);
  const channels = ({ dims }: Output): number => dims[isPlanar ? 0 : 2]!;
  const fewest = Math.min(...grids.map(channels));
  const maps = outputOf(
    grids,
    rules.heatmaps,
    'heat maps [rows, columns, points]',
    (output) => rules.heatmaps !== undefined || channels(output) === fewest,
  );
  const others = grids.filter((output) => output !== maps);
  const shifts = rules.offsets !== undefined || others.length === 1
    ? outputOf(others, rules.offsets, 'offsets [rows, columns, 2 × points]')
    : undefined;
  const heat = gridOf(maps, isPlanar);
  const offsets = shifts && gridOf(shifts, isPlanar);
  if (offsets && (offsets.columns !== 2 * heat.columns || offsets.rows !== heat.rows)) {
    throw wrongOutputs(outputs, `offsets of ${2 * heat.columns} numbers for ${heat.columns} points`);
  }
  const { activation = areParts(heat) ? 'none' : 'sigmoid', order = 'yx' } = rules;
  const scoreOf = activated(activation, heat);
  const points = Array.from({ length: heat.columns }, (_, k): [number, number, number] => {
    const cell = peakOf(heat, k);
    const [column, row] = [cell % heat.width, Math.floor(cell / heat.width)];
    const score = scoreOf(cell, k);
    if (!offsets) {
      const x = column + 0.5 + 0.25 * slope(heat, cell, k, 1, column, heat.width);
      const y = row + 0.5 + 0.25 * slope(heat, cell, k, heat.width, row, heat.height);
      return [x / heat.width, y / heat.height, score];
    }
    const shift = (axis: number): number => valueAt(offsets, cell, axis * heat.columns + k);
    const [dy, dx] = order === 'yx' ? [shift(0), shift(1)] : [shift(1), shift(0)];
    // the first and the last cell are at the edges
    const x = column * strideOf(place.inputWidth, heat.width) + dx;
    const y = row * strideOf(place.inputHeight, heat.height) + dy;
    return [x / place.inputWidth, y / place.inputHeight, score];
  });
  return [{ points }];
}

/** Pixels between two cells whose first and last are at the edges of the input. */
function strideOf(pixels: number, cells: number): number {
  return (pixels - 1) / Math.max(1, cells - 1);
}

function peakOf(grid: Grid, channel: number): number {
  let best = 0;
  for (let i = 1; i < grid.rows; i++) if (valueAt(grid, i, channel) > valueAt(grid, best, channel)) best = i;
  return best;
}

/** The direction of the higher of two neighbours; 0 at an edge. */
function slope(grid: Grid, cell: number, channel: number, step: number, at: number, size: number): number {
  if (at === 0 || at === size - 1) return 0;
  return Math.sign(valueAt(grid, cell + step, channel) - valueAt(grid, cell - step, channel));
}

/**
 * Scores of each point along x and along y, [points, bins], with several bins for a pixel (Li et
 * al., SimCC, 2022). The score of a point is the lower of its two maxima, as in RTMPose.
 */
function simcc({ rules, outputs }: Answer<'pose'>): RelativePose[] {
  const x = outputOf(outputs, rules.x, 'scores along x, named in the rules', ['points', 'bins']);
  const [count, columns] = x.dims as [number, number];
  const y = outputOf(outputs, rules.y, 'scores along y, named in the rules', [count, 'bins']);
  const bins = y.dims[1]!;
  const act = activate(rules.activation ?? 'none');
  const points = Array.from({ length: count }, (_, i): [number, number, number] => {
    const [atX, scoreX] = maximum(x.data.subarray(i * columns, (i + 1) * columns));
    const [atY, scoreY] = maximum(y.data.subarray(i * bins, (i + 1) * bins));
    return [atX / columns, atY / bins, act(Math.min(scoreX, scoreY))];
  });
  return [{ points }];
}

function maximum(values: Float32Array): [at: number, value: number] {
  const value = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [values.indexOf(value), value];
}
