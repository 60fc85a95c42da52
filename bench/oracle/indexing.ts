import { elements, type ElementType, type Maker } from './maker';

// Operators that find positions, and those that write at positions.

type Recipe = (make: Maker) => void;

const topK: Recipe = (make) => {
  const { random } = make;
  const shape = [random.int(1, 4), random.int(1, 5), random.int(1, 60)];
  const k = random.int(1, shape[2]!);
  const result = [...shape.slice(0, 2), k];
  const x = make.input(shape, -2, 2);
  make.emit('TOPK_V2', [x, make.integers([k], [])], [make.outputLike(x, result), make.integerOutput(result)]);
};

const oneHot: Recipe = (make) => {
  const { random } = make;
  const shape = Array.from({ length: random.int(1, 3) }, () => random.int(1, 5));
  const [depth, axis] = [random.int(1, 6), random.int(-1, shape.length)];
  const indices = make.integers(Array.from({ length: elements(shape) }, () => random.int(-1, depth)), shape);
  const at = axis < 0 ? shape.length : axis;
  const result = shape.toSpliced(at, 0, depth);
  // the indices are constant, so the values depend on an input
  const hot = make.activation(result, 0, 1, 'float32');
  make.emit('ONE_HOT', [indices, make.integers([depth], []), make.floats([3], []), make.floats([-1], [])], [hot], {
    axis,
  });
  make.emit('ADD', [make.input(result, -2, 2), hot], [make.output(result, -2, 6)]);
};

const scatterNd: Recipe = (make) => {
  const { random } = make;
  const shape = Array.from({ length: random.int(1, 4) }, () => random.int(1, 5));
  const depth = random.int(1, shape.length);
  const count = random.int(1, 7);
  const places = Array.from({ length: count * depth }, (_, i) => random.int(0, shape[i % depth]! - 1));
  const updates = make.input([count, ...shape.slice(depth)], -2, 2);
  make.emit('SCATTER_ND', [make.integers(places, [count, depth]), updates, make.integers(shape)], [
    make.output(shape, -9, 9),
  ]);
};

const updateSlice: Recipe = (make) => {
  const { random } = make;
  const shape = Array.from({ length: random.int(1, 4) }, () => random.int(1, 6));
  const x = make.input(shape, -2, 2);
  const update = make.inputLike(x, shape.map((size) => random.int(1, size)));
  const begin = make.integers(shape.map((size) => random.int(-1, size)));
  make.emit('DYNAMIC_UPDATE_SLICE', [x, update, begin], [make.outputLike(x, shape)]);
};

/**
 * Random boxes, of which many overlap; with corners at eighths, some by exactly a threshold.
 * TensorFlow Lite selects a box without an area again and again, so there are none.
 */
const suppression = (isSoft: boolean): Recipe => (make) => {
  const { random } = make;
  const count = random.int(1, 40);
  const limit = random.int(1, 12);
  const boxes = random.pick([true, false])
    ? make.input([count, 4], 0, 1)
    : make.floats(
      Array.from({ length: count }, () => {
        const [top, left] = [random.int(0, 4) / 8, random.int(0, 4) / 8];
        return [top, left, top + random.int(1, 4) / 8, left + random.int(1, 4) / 8];
      }).flat(),
      [count, 4],
    );
  const scores = make.input([count], 0, 1);
  const thresholds = [random.pick([0.25, 0.5, 0.625]), random.pick([0, 0.25, 0.5])];
  const sigma = isSoft ? [random.pick([0, 0.25, 0.5])] : [];
  const inputs = [boxes, scores, make.integers([limit], []),
    ...[...thresholds, ...sigma].map((x) => make.floats([x], []))];
  const kept = isSoft ? [make.output([limit], 0, 1, 'float32')] : [];
  make.emit(isSoft ? 'NON_MAX_SUPPRESSION_V5' : 'NON_MAX_SUPPRESSION_V4', inputs, [make.integerOutput([limit]), ...kept,
    make.integerOutput([])]);
};

export const indexing: Record<string, Recipe> = {
  TOPK_V2: topK,
  ONE_HOT: oneHot,
  SCATTER_ND: scatterNd,
  NON_MAX_SUPPRESSION_V4: suppression(false),
  NON_MAX_SUPPRESSION_V5: suppression(true),
  DYNAMIC_UPDATE_SLICE: updateSlice,
};

/** Element types, where not all of them are possible. */
export const indexingTypes: Record<string, readonly ElementType[]> = {
  ONE_HOT: ['float32'],
  SCATTER_ND: ['float32'],
  NON_MAX_SUPPRESSION_V4: ['float32'],
  NON_MAX_SUPPRESSION_V5: ['float32'],
};
