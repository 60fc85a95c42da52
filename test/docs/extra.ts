import { erf } from './elementwise';
import { add, C, clamp, even, f, type Fields, max, min, range, type Records, walk } from './fields';
import { recurrence } from './recurrence';

// The records of the extra module, as docs/format/extra.md specifies them: see runner.ts.

function elementwise(r: Fields): void {
  const kind = r.int('ELEMENTWISE_KIND');
  const isSelection = kind === C.ELEMENTWISE_SELECT;
  const isPredicate = kind >= C.ELEMENTWISE_EQUAL! && kind <= C.ELEMENTWISE_XOR!;
  const a = r.source('ELEMENTWISE_A');
  const b = r.source('ELEMENTWISE_B');
  const c = r.source('ELEMENTWISE_C', C.DTYPE_U8);
  const target = r.target('ELEMENTWISE_TARGET', isPredicate ? C.DTYPE_U8 : r.dtype);
  const compute = r.floats ? floats : integers;
  indices(r).forEach((index, at) => {
    const offset = (strides: string): number => index.reduce((sum, i, d) => sum + i * r.int(strides, d), 0);
    const p = a.get(offset('ELEMENTWISE_A_STRIDES'));
    const q = b.get(offset('ELEMENTWISE_B_STRIDES'));
    if (isSelection) target.set(at, c.get(offset('ELEMENTWISE_C_STRIDES')) !== 0 ? p : q);
    else target.set(at, isPredicate ? Number(predicate(kind, p, q)) : compute(kind, p, q));
  });
}

/** Every index of the record, with the last dimension fastest. */
function indices(r: Fields): number[][] {
  return indicesOf(...range(C.MAX_RANK!).map((d) => r.int('ELEMENTWISE_DIMENSIONS', d)));
}

/** Every index of these dimensions, with the last one fastest. */
function indicesOf(...sizes: number[]): number[][] {
  return sizes.reduce<number[][]>((heads, size) => heads.flatMap((head) => range(size).map((i) => [...head, i])), [[]]);
}

function predicate(kind: number, p: number, q: number): boolean {
  const [x, y] = [p !== 0, q !== 0];
  return [false, p === q, p !== q, p < q, p <= q, x && y, x || y, x !== y][kind]!;
}

function floats(kind: number, p: number, q: number): number {
  if (kind === C.ELEMENTWISE_POW) return p ** q;
  if (kind === C.ELEMENTWISE_FLOOR_DIV) return Math.floor(f(p / q));
  const remainder = p % q;
  return remainder !== 0 && remainder < 0 !== q < 0 ? remainder + q : remainder;
}

function integers(kind: number, p: number, q: number): number {
  if (kind === C.ELEMENTWISE_POW) {
    if (q < 0) return Math.abs(p) === 1 ? p ** q : 0;
    return range(q).reduce((power) => Math.imul(power, p), 1);
  }
  if (q === 0) return 0;
  const quotient = Math.floor(p / q);
  return kind === C.ELEMENTWISE_FLOOR_DIV ? quotient : p - quotient * q;
}

function gatherNd(r: Fields): void {
  const { BATCH, COUNT, ROW_BYTES, DEPTH } = r.ints('GATHER_ND', 'BATCH', 'COUNT', 'ROW_BYTES', 'DEPTH');
  const source = r.source('GATHER_ND_SOURCE', C.DTYPE_I8);
  const indices = r.source('GATHER_ND_INDICES', C.DTYPE_I32);
  const target = r.target('GATHER_ND_TARGET', C.DTYPE_I8);
  for (let n = 0; n < BATCH * COUNT; n++) {
    const row = range(DEPTH).reduce((at, d) => {
      const size = r.int('GATHER_ND_DIMENSIONS', d);
      return at * size + clamp(indices.get(n * DEPTH + d), 0, size - 1);
    }, Math.floor(n / COUNT));
    for (let byte = 0; byte < ROW_BYTES; byte++) {
      target.set(n * ROW_BYTES + byte, source.get(row * ROW_BYTES + byte));
    }
  }
}

function cumsum(r: Fields): void {
  const { OUTER, COUNT, INNER, EXCLUSIVE, REVERSE } = r.ints(
    'CUMSUM',
    'OUTER',
    'COUNT',
    'INNER',
    'EXCLUSIVE',
    'REVERSE',
  );
  const source = r.source('CUMSUM_SOURCE');
  const target = r.target('CUMSUM_TARGET');
  for (const o of range(OUTER)) {
    for (const i of range(INNER)) {
      range(COUNT).reduce((sum, step) => {
        const at = (o * COUNT + (REVERSE === 1 ? COUNT - 1 - step : step)) * INNER + i;
        const next = r.floats ? f(sum + source.get(at)) : (sum + source.get(at)) | 0;
        target.set(at, EXCLUSIVE === 1 ? sum : next);
        return next;
      }, 0);
    }
  }
}

function topK(r: Fields): void {
  const { OUTER, COUNT, INNER, K, SMALLEST } = r.ints('TOP_K', 'OUTER', 'COUNT', 'INNER', 'K', 'SMALLEST');
  const source = r.source('TOP_K_SOURCE');
  const values = r.target('TOP_K_VALUES');
  const indices = r.target('TOP_K_INDICES', C.DTYPE_I32);
  const above = (a: number, b: number): boolean => a > b || (Number.isNaN(a) && !Number.isNaN(b));
  for (const o of range(OUTER)) {
    for (const i of range(INNER)) {
      const line = range(COUNT).map((j) => source.get((o * COUNT + j) * INNER + i));
      const isBefore = (a: number, b: number): boolean =>
        SMALLEST === 1 ? above(line[b]!, line[a]!) : above(line[a]!, line[b]!);
      // the place of an element is the number of those before it
      for (const j of range(COUNT)) {
        const place = range(COUNT).filter((other) => isBefore(other, j) || (!isBefore(j, other) && other < j)).length;
        if (place >= K) continue;
        values.set((o * K + place) * INNER + i, line[j]!);
        indices.set((o * K + place) * INNER + i, j);
      }
    }
  }
}

function scatter(r: Fields): void {
  const { COUNT, ROW, REDUCTION, FILLED, SHARED, CLAMPED, DEPTH } = r.ints(
    'SCATTER',
    'COUNT',
    'ROW',
    'REDUCTION',
    'FILLED',
    'SHARED',
    'CLAMPED',
    'DEPTH',
  );
  const [source, updates] = [r.source('SCATTER_SOURCE'), r.source('SCATTER_UPDATES')];
  const indices = r.source('SCATTER_INDICES', C.DTYPE_I32);
  const target = r.target('SCATTER_TARGET');
  const before = range(COUNT).map((i) => source.get(FILLED === 1 ? 0 : i));
  before.forEach((x, i) => target.set(i, x));
  const combine = (x: number, y: number): number => {
    if (REDUCTION === C.SCATTER_ADD) return r.floats ? x + y : (x + y) | 0;
    if (REDUCTION === C.SCATTER_MUL) return r.floats ? x * y : Math.imul(x, y);
    if (REDUCTION === C.SCATTER_MAX) return Math.max(x, y);
    return REDUCTION === C.SCATTER_MIN ? Math.min(x, y) : y;
  };
  let row = 0;
  for (const [place] of walk(r, 'SCATTER_DIMENSIONS', 'SCATTER_STRIDES', 'SCATTER_STRIDES')) {
    const terms = range(DEPTH).map((k) => {
      const size = r.int('SCATTER_SIZES', k);
      const index = indices.get((SHARED === 1 ? 0 : row * DEPTH) + k);
      const valid = CLAMPED === 1 ? clamp(index, 0, size - 1) : index + (index < 0 ? size : 0);
      return valid >= 0 && valid < size ? valid * r.int('SCATTER_INDEX_STRIDES', k) : NaN;
    });
    const first = terms.reduce((sum, term) => sum + term, place);
    if (!Number.isNaN(first)) {
      for (const i of range(ROW)) target.set(first + i, combine(target.get(first + i), updates.get(row * ROW + i)));
    }
    row++;
  }
}

type Box = [number, number, number, number];

function overlap(a: Box, b: Box): number {
  const [areaA, areaB] = [a, b].map(([top, left, bottom, right]) => f(f(bottom - top) * f(right - left)));
  if (areaA! <= 0 || areaB! <= 0) return 0;
  const [h, w] = [0, 1].map((i) => max(f(min(a[i + 2]!, b[i + 2]!) - max(a[i]!, b[i]!)), 0));
  const common = f(h! * w!);
  return f(common / f(add(areaA!, areaB!) - common));
}

interface Candidate {
  n: number;
  c: number;
  score: number;
}

function detectionPostprocess(r: Fields): void {
  const R = r.ints(
    'DETECTION',
    'ANCHOR_COUNT',
    'CLASSES',
    'DETECTIONS',
    'CLASSES_PER_DETECTION',
    'BOX_STRIDE',
    'BACKGROUND',
    'DETECTIONS_PER_CLASS',
  );
  const [boxes, scores, anchors] = ['BOXES', 'SCORES', 'ANCHORS'].map((name) => r.source(`DETECTION_${name}`));
  const [toBoxes, toClasses, toScores, toCount] = ['BOXES', 'CLASSES', 'SCORES', 'COUNT'].map((name) =>
    r.target(`DETECTION_TARGET_${name}`)
  );
  const boxOf = (n: number): Box => {
    const edges = [0, 1].map((axis) => {
      const size = anchors!.get(n * 4 + axis + 2);
      const at = n * R.BOX_STRIDE + axis;
      const center = f(boxes!.get(at) / r.float('DETECTION_SCALES', axis) * size + anchors!.get(n * 4 + axis));
      const half = f(Math.exp(boxes!.get(at + 2) / r.float('DETECTION_SCALES', axis + 2)) / 2 * size);
      return [f(center - half), f(center + half)];
    });
    return [edges[0]![0]!, edges[1]![0]!, edges[0]![1]!, edges[1]![1]!];
  };
  const scoreOf = (n: number, c: number): number => scores!.get(n * (R.BACKGROUND + R.CLASSES) + R.BACKGROUND + c);
  const inOrder = (list: Candidate[]): Candidate[] => [...list].sort((a, b) => b.score - a.score);
  const detections = (candidates: Candidate[], limit: number): Candidate[] => {
    const kept: Candidate[] = [];
    const threshold = r.float('DETECTION_IOU_THRESHOLD');
    for (const next of inOrder(candidates.filter(({ score }) => score >= r.float('DETECTION_SCORE_THRESHOLD')))) {
      if (kept.length === limit) break;
      if (!kept.some(({ n }) => overlap(boxOf(n), boxOf(next.n)) > threshold)) kept.push(next);
    }
    return kept;
  };
  const classesOf = (n: number): Candidate[] => inOrder(range(R.CLASSES).map((c) => ({ n, c, score: scoreOf(n, c) })));
  const write = (place: number, { n, c, score }: Candidate): void => {
    boxOf(n).forEach((edge, i) => toBoxes!.set(place * 4 + i, edge));
    toClasses!.set(place, c);
    toScores!.set(place, score);
  };

  for (let place = 0; place < R.DETECTIONS * R.CLASSES_PER_DETECTION; place++) {
    for (let i = 0; i < 4; i++) toBoxes!.set(place * 4 + i, 0);
    toClasses!.set(place, 0);
    toScores!.set(place, 0);
  }
  const anchorList = range(R.ANCHOR_COUNT);
  let found: Candidate[];
  if (R.DETECTIONS_PER_CLASS === 0) {
    found = detections(anchorList.map((n) => classesOf(n)[0]!), R.DETECTIONS);
    found.forEach(({ n }, k) =>
      classesOf(n).slice(0, R.CLASSES_PER_DETECTION).forEach((entry, m) =>
        write(k * R.CLASSES_PER_DETECTION + m, entry)
      )
    );
  } else {
    const ofClass = (c: number): Candidate[] => anchorList.map((n) => ({ n, c, score: scoreOf(n, c) }));
    found = inOrder(range(R.CLASSES).flatMap((c) => detections(ofClass(c), R.DETECTIONS_PER_CLASS))).slice(
      0,
      R.DETECTIONS,
    );
    found.forEach((entry, k) => write(k, entry));
  }
  toCount!.set(0, found.length);
}

/** In the order of KIND; the caller rounds to f32. */
const functions: ((x: number, alpha: number, beta: number) => number)[] = [erf, softplus,
  (x) => x * Math.tanh(softplus(x)), (x) => x / (1 + Math.abs(x)),
  (x, alpha, beta) => beta * (x > 0 ? x : alpha * Math.expm1(x)),
  (x, alpha) => max(x, 0) + min(alpha * Math.expm1(x / alpha), 0), Math.sign, Math.tan, Math.asin, Math.acos, Math.atan,
  Math.sinh, Math.cosh, Math.asinh, Math.acosh, Math.atanh, (x) => 1 / x,
  (x, alpha, beta) => min(max(alpha * x + beta, 0), 1), (x, alpha) => (x > alpha ? x : 0)];

function softplus(x: number): number {
  return Math.log1p(Math.exp(-Math.abs(x))) + max(x, 0);
}

function functionOf(r: Fields): void {
  const source = r.source('FUNCTION_SOURCE');
  const target = r.target('FUNCTION_TARGET');
  const compute = functions[r.int('FUNCTION_KIND')]!;
  for (const i of range(r.int('FUNCTION_COUNT'))) {
    target.set(i, compute(source.get(i), r.float('FUNCTION_ALPHA'), r.float('FUNCTION_BETA')));
  }
}

function resample(r: Fields): void {
  const { OUTER, IN, OUT, INNER, TAPS, SOURCE_ZERO, TARGET_DTYPE, TARGET_ZERO } = r.ints(
    'RESAMPLE',
    'OUTER',
    'IN',
    'OUT',
    'INNER',
    'TAPS',
    'SOURCE_ZERO',
    'TARGET_DTYPE',
    'TARGET_ZERO',
  );
  const source = r.source('RESAMPLE_SOURCE');
  const target = r.target('RESAMPLE_TARGET', TARGET_DTYPE);
  const starts = r.table('RESAMPLE_STARTS', C.DTYPE_I32!);
  const [weights, offsets] = ['WEIGHTS', 'OFFSETS'].map((name) => r.table(`RESAMPLE_${name}`, C.DTYPE_F32!));
  for (const [n, o, i] of indicesOf(OUTER, OUT, INNER)) {
    const sum = range(TAPS).reduce((s, t) => {
      const a = source.get((n! * IN + starts.get(o!) + t) * INNER + i!);
      return f(s + f(weights!.get(o! * TAPS + t) * f(a - SOURCE_ZERO)));
    }, offsets!.get(o!));
    const isInteger = TARGET_DTYPE === C.DTYPE_I8;
    const value = isInteger ? even(clamp(sum, -128 - TARGET_ZERO, 127 - TARGET_ZERO)) + TARGET_ZERO : sum;
    target.set((n! * OUT + o!) * INNER + i!, value);
  }
}

function normalize(r: Fields): void {
  const { CENTER, SOURCE_ZERO, TARGET_ZERO } = r.ints('NORMALIZE', 'CENTER', 'SOURCE_ZERO', 'TARGET_ZERO');
  const source = r.source('NORMALIZE_SOURCE');
  const target = r.target('NORMALIZE_TARGET');
  const [scales, biases] = ['SCALE', 'BIAS'].map((name) => r.source(`NORMALIZE_${name}`, C.DTYPE_F32));
  const sizes = range(6).map((d) => r.int('NORMALIZE_DIMENSIONS', d));
  const at = (strides: string, index: number[], first: number): number =>
    index.reduce((sum, i, d) => sum + i * r.int(strides, first + d), 0);
  for (const group of indicesOf(...sizes.slice(0, 3))) {
    const elements = indicesOf(...sizes.slice(3)).map((index) => {
      const place = (strides: string): number => at(strides, group, 0) + at(strides, index, 3);
      const i = place('NORMALIZE_STRIDES');
      const a = r.float('NORMALIZE_SOURCE_SCALE') * (source.get(i) - SOURCE_ZERO);
      return {
        i,
        a,
        scale: scales!.get(place('NORMALIZE_SCALE_STRIDES')),
        bias: biases!.get(place('NORMALIZE_BIAS_STRIDES')),
      };
    });
    const average = (values: number[]): number => values.reduce((sum, a) => sum + a, 0) / values.length;
    const mean = CENTER === 1 ? average(elements.map(({ a }) => a)) : 0;
    const variance = average(elements.map(({ a }) => (a - mean) ** 2));
    for (const { i, a, scale, bias } of elements) {
      const y = (a - mean) / Math.sqrt(variance + r.float('NORMALIZE_EPSILON')) * scale + bias;
      target.set(i, r.floats ? y : clamp(even(y / r.float('NORMALIZE_TARGET_SCALE')) + TARGET_ZERO, -128, 127));
    }
  }
}

function gridSample(r: Fields): void {
  const { BATCH, IN_H, IN_W, CHANNELS, COUNT, MODE, PADDING, ALIGN, SOURCE_ZERO, TARGET_ZERO } = r.ints(
    'GRID_SAMPLE',
    'BATCH',
    'IN_H',
    'IN_W',
    'CHANNELS',
    'COUNT',
    'MODE',
    'PADDING',
    'ALIGN',
    'SOURCE_ZERO',
    'TARGET_ZERO',
  );
  const [source, target] = [r.source('GRID_SAMPLE_SOURCE'), r.target('GRID_SAMPLE_TARGET')];
  const grid = r.source('GRID_SAMPLE_GRID', C.DTYPE_F32);
  const mirrored = (p: number, low: number, high: number): number => {
    while (p < low || p > high) p = p < low ? 2 * low - p : 2 * high - p;
    return p;
  };
  const inside = (p: number, S: number): number => {
    if (PADDING === C.GRID_SAMPLE_BORDER) return clamp(p, 0, S - 1);
    return ALIGN === 1 ? mirrored(p, 0, S - 1) : mirrored(p, -0.5, S - 0.5);
  };
  const tapsAt = (g: number, S: number): [pixel: number, weight: number][] => {
    let p = ALIGN === 1 ? (g + 1) / 2 * (S - 1) : ((g + 1) * S - 1) / 2;
    if (MODE === C.GRID_SAMPLE_NEAREST) p = even(p);
    const [low, high] = ALIGN === 1 ? [0, S - 1] : [-0.5, S - 0.5];
    if (PADDING !== C.GRID_SAMPLE_ZEROS && (p < low || p > high)) p = inside(p, S);
    const first = Math.floor(p);
    const pixels = [[first], [first, first + 1], [first - 1, first, first + 1, first + 2]][MODE]!;
    return pixels.flatMap((pixel): [number, number][] => {
      const d = Math.abs(pixel - p);
      const weights = [1, 1 - d, d <= 1 ? 1.25 * d ** 3 - 2.25 * d ** 2 + 1 : ((3.75 - 0.75 * d) * d - 6) * d + 3];
      if (pixel >= 0 && pixel < S) return [[pixel, weights[MODE]!]];
      return PADDING === C.GRID_SAMPLE_ZEROS ? [] : [[clamp(Math.floor(inside(pixel, S)), 0, S - 1), weights[MODE]!]];
    });
  };
  for (const [n, k, c] of indicesOf(BATCH, COUNT, CHANNELS) as [number, number, number][]) {
    const at = n * COUNT + k;
    let s = 0;
    for (const [y, wy] of tapsAt(grid.get(at * 2 + 1), IN_H)) {
      for (const [x, wx] of tapsAt(grid.get(at * 2), IN_W)) {
        s = f(s + f(f(wy * wx) * f(source.get(((n * IN_H + y) * IN_W + x) * CHANNELS + c) - SOURCE_ZERO)));
      }
    }
    const scaled = f(s * r.float('GRID_SAMPLE_SCALE'));
    target.set(
      at * CHANNELS + c,
      r.floats ? s : even(clamp(scaled, -128 - TARGET_ZERO, 127 - TARGET_ZERO)) + TARGET_ZERO,
    );
  }
}

function nonMaxSuppression(r: Fields): void {
  const { BATCH, CLASSES, COUNT, LIMIT, CENTERED } = r.ints('NMS', 'BATCH', 'CLASSES', 'COUNT', 'LIMIT', 'CENTERED');
  const [boxes, scores] = [r.source('NMS_BOXES'), r.source('NMS_SCORES')];
  const [rows, kept] = [r.target('NMS_TARGET_ROWS', C.DTYPE_I32), r.target('NMS_TARGET_SCORES')];
  const sigma = r.float('NMS_SIGMA');
  const edgesOf = (n: number): Box => {
    const [a, b, c, d] = range(4).map((i) => boxes.get(n * 4 + i)) as Box;
    const ys = CENTERED === 1 ? [f(b - d / 2), f(b + d / 2)] : [a, c];
    const xs = CENTERED === 1 ? [f(a - c / 2), f(a + c / 2)] : [b, d];
    return [min(ys[0]!, ys[1]!), min(xs[0]!, xs[1]!), max(ys[0]!, ys[1]!), max(xs[0]!, xs[1]!)];
  };
  for (const i of range(BATCH * CLASSES * LIMIT)) {
    for (const k of range(3)) rows.set(i * 3 + k, -1);
    kept.set(i, 0);
  }
  let row = 0;
  for (const line of range(BATCH * CLASSES)) {
    const batch = Math.floor(line / CLASSES);
    const current = range(COUNT).map((n) => scores.get(line * COUNT + n));
    const seen = range(COUNT).map(() => 0);
    const left = new Set(range(COUNT).filter((n) => current[n]! > r.float('NMS_SCORE_THRESHOLD')));
    const selected: number[] = [];
    while (left.size > 0 && selected.length < LIMIT) {
      const n = [...left].reduce((best, next) => (current[next]! > current[best]! ? next : best));
      let score = current[n]!;
      for (const other of selected.slice(seen[n]).reverse()) {
        const iou = overlap(edgesOf(batch * COUNT + other), edgesOf(batch * COUNT + n));
        if (iou > r.float('NMS_IOU_THRESHOLD')) score = NaN;
        else if (sigma > 0) score = f(score * f(Math.exp(f(f(f(-0.5 / sigma) * iou) * iou))));
        if (!(score > r.float('NMS_SCORE_THRESHOLD'))) break;
      }
      const isKept = score > r.float('NMS_SCORE_THRESHOLD');
      if (isKept && score !== current[n]) {
        current[n] = score;
        seen[n] = selected.length;
        continue;
      }
      left.delete(n);
      if (!isKept) continue;
      [batch, line % CLASSES, n].forEach((value, k) => rows.set(row * 3 + k, value));
      kept.set(row, score);
      row++;
      selected.push(n);
    }
  }
  r.target('NMS_TARGET_COUNT', C.DTYPE_I32).set(0, row);
}

function maxPoolIndices(r: Fields): void {
  const P = r.ints(
    'MAX_POOL_INDICES',
    'BATCH',
    'IN_H',
    'IN_W',
    'CHANNELS',
    'OUT_H',
    'OUT_W',
    'KERNEL_H',
    'KERNEL_W',
    'STRIDE_Y',
    'STRIDE_X',
    'PAD_TOP',
    'PAD_LEFT',
  );
  const source = r.source('MAX_POOL_INDICES_SOURCE');
  const target = r.target('MAX_POOL_INDICES_TARGET', C.DTYPE_I32);
  indicesOf(P.BATCH, P.OUT_H, P.OUT_W, P.CHANNELS).forEach(([n, y, x, c], at) => {
    const rows = range(P.KERNEL_H).map((k) => y! * P.STRIDE_Y - P.PAD_TOP + k).filter((i) => i >= 0 && i < P.IN_H);
    const columns = range(P.KERNEL_W).map((k) => x! * P.STRIDE_X - P.PAD_LEFT + k).filter((i) => i >= 0 && i < P.IN_W);
    const places = rows.flatMap((row) => columns.map((column) => row * P.IN_W + column));
    const valueAt = (place: number): number => source.get((n! * P.IN_H * P.IN_W + place) * P.CHANNELS + c!);
    target.set(at, places.reduce((best, next) => (valueAt(next) > valueAt(best) ? next : best)));
  });
}

function dft(r: Fields): void {
  const { OUTER, COUNT, INNER, LENGTH, BINS, COMPONENTS, INVERSE } = r.ints(
    'DFT',
    'OUTER',
    'COUNT',
    'INNER',
    'LENGTH',
    'BINS',
    'COMPONENTS',
    'INVERSE',
  );
  const [source, target, table] = [r.source('DFT_SOURCE'), r.target('DFT_TARGET'), r.table('DFT_TABLE', C.DTYPE_F32!)];
  for (const [o, k, i] of indicesOf(OUTER, BINS, INNER) as [number, number, number][]) {
    let [re, im] = [0, 0];
    for (let j = 0; j < Math.min(COUNT, LENGTH); j++) {
      const at = ((o * COUNT + j) * INNER + i) * COMPONENTS;
      const [a, b] = [source.get(at), COMPONENTS === 2 ? source.get(at + 1) : 0];
      const turn = j * k % LENGTH * 2;
      const [c, s] = [table.get(turn), INVERSE === 1 ? -table.get(turn + 1) : table.get(turn + 1)];
      re += a * c - b * s;
      im += a * s + b * c;
    }
    const divisor = INVERSE === 1 ? LENGTH : 1;
    [re, im].forEach((value, part) => target.set(((o * BINS + k) * INNER + i) * 2 + part, value / divisor));
  }
}

/** The records of this file, by opcode. */
export const extra: Records = {
  OP_ELEMENTWISE: elementwise,
  OP_GATHER_ND: gatherNd,
  OP_CUMSUM: cumsum,
  OP_DETECTION_POSTPROCESS: detectionPostprocess,
  OP_FUNCTION: functionOf,
  OP_NORMALIZE: normalize,
  OP_TOP_K: topK,
  OP_SCATTER: scatter,
  OP_RESAMPLE: resample,
  OP_GRID_SAMPLE: gridSample,
  OP_NON_MAX_SUPPRESSION: nonMaxSuppression,
  OP_MAX_POOL_INDICES: maxPoolIndices,
  OP_DFT: dft,
  OP_RECURRENCE: recurrence,
};
