import type { ElementType, Maker } from './maker';

// Reductions of truth values, and those of channels.

type Recipe = (make: Maker) => void;

const truth = (kind: string): Recipe => (make) => {
  const { random } = make;
  const shape = [random.int(1, 4), random.int(1, 3), random.int(1, 4)];
  const axes = random.pick([[0], [1], [2], [0, 2], [1, 2], [0, 1, 2]]);
  const keepDims = random.pick([true, false]);
  const out = keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
  const [isMore, all] = [make.truths(shape), make.truths(out)];
  make.emit('GREATER', [make.input(shape, -2, 2), make.floats([0])], [isMore]);
  make.emit(kind, [isMore, make.integers(axes)], [all], { keepDims });
  make.emitTruths(all);
};

const localResponse: Recipe = (make) => {
  const { random } = make;
  const shape = [random.int(1, 2), random.int(1, 4), random.int(1, 5), random.int(1, 20)];
  const options = {
    radius: random.int(1, 5),
    bias: random.pick([1, 2]),
    alpha: random.pick([1e-4, 0.25, 1]),
    beta: random.pick([0.5, 0.75, 1]),
  };
  make.emit('LOCAL_RESPONSE_NORMALIZATION', [make.input(shape, -2, 2)], [make.output(shape, -2, 2)], options);
};

export const reductions: Record<string, Recipe> = {
  REDUCE_ANY: truth('REDUCE_ANY'),
  REDUCE_ALL: truth('REDUCE_ALL'),
  LOCAL_RESPONSE_NORMALIZATION: localResponse,
};

/** TensorFlow Lite has only these. */
export const reductionTypes: Record<string, readonly ElementType[]> = {
  REDUCE_ANY: ['float32'],
  REDUCE_ALL: ['float32'],
  LOCAL_RESPONSE_NORMALIZATION: ['float32'],
  L2_POOL_2D: ['float32'],
};
