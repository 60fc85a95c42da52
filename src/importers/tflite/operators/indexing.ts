import { elementCount, type ConstantData, type Tensor } from '../../../graph/graph';
import { emitOneHot } from '../../shared/oneHot';
import type { Mappings, TfliteOperator } from '../operator';

/** A tensor of zeros, into which updates are written. */
function zeros({ name, shape, dtype }: Tensor): Tensor {
  const count = elementCount(shape);
  const data: ConstantData = dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
  return { name: `${name}/zeros`, shape, dtype, data };
}

/** The largest float32 below a number. */
function floatBelow(value: number): number {
  const float = Float32Array.of(value);
  const bits = new Int32Array(float.buffer);
  if (float[0] === 0) return -(2 ** -149);
  bits[0]! += value > 0 ? -1 : 1;
  return float[0]!;
}

/** Selected boxes, with their scores in version 5, and their number. Unused places are 0. */
function nonMaxSuppression(operator: TfliteOperator): void {
  const boxes = operator.input(0, 2);
  const scores = operator.input(1, 1);
  const [limit = NaN] = operator.integers(2, 'number of boxes');
  const [iouThreshold, scoreThreshold, sigma = 0] = [3, 4, 5].map((i) =>
    operator.has(i) ? operator.constantInput(i, 'thresholds').data[0] : undefined
  ) as [number, number, number | undefined];
  const [indices, ...others] = operator.outputs as [Tensor, ...Tensor[]];
  const count = others.pop()!;
  const rows = operator.temporary(indices, [limit, 3], 'rows');
  const one = operator.temporary(count, [1], 'count');
  operator.emit('nonMaxSuppression', [operator.reshaped(boxes, [1, ...boxes.shape], 'batch'),
    operator.reshaped(scores, [1, 1, ...scores.shape], 'class')], {
    limit,
    scoreThreshold,
    // an overlap of the threshold suppresses a box
    iouThreshold: floatBelow(iouThreshold),
    sigma,
    centered: false,
  }, [rows, others[0] ?? operator.temporary(scores, [limit], 'scores'), one]);
  operator.emit('reshape', [one], {}, [count]);
  const column = operator.temporary(indices, [limit, 1], 'column');
  operator.emit('slice', [rows], { begin: [0, 2], stride: [1, 1] }, [column]);
  const zero: Tensor = { name: `${indices.name}/zero`, shape: [], dtype: indices.dtype, data: Int32Array.of(0) };
  const used = operator.reshaped(column, [limit], 'indices');
  operator.emit('binary', [used, zero], { kind: 'maximum', activation: 'none' }, [indices]);
}

/** Operators that find positions, and those that write at positions. */
export const indexing: Mappings = {
  TOPK_V2(operator) {
    const x = operator.input(0);
    const [k = NaN] = operator.integers(1, 'number of elements');
    operator.emit('topK', [x], { axis: x.shape.length - 1, k, kind: 'max' }, operator.outputs);
  },

  ONE_HOT(operator) {
    const indices = operator.input(0);
    const [depth = NaN] = operator.integers(1, 'depth');
    const axis = operator.axis(operator.options.axis, indices.shape.length + 1);
    emitOneHot(operator, indices, depth, axis, [operator.input(2), operator.input(3)]);
  },

  // updates at the same place are added, to zeros
  SCATTER_ND(operator) {
    const { output } = operator;
    operator.check(['float32', 'int32', 'int64'].includes(output.dtype), `updates of ${output.dtype}`);
    operator.emit('scatterNd', [zeros(output), operator.input(0), operator.input(1)], { reduction: 'add' });
  },

  NON_MAX_SUPPRESSION_V4: nonMaxSuppression,
  NON_MAX_SUPPRESSION_V5: nonMaxSuppression,

  DYNAMIC_UPDATE_SLICE: (operator) =>
    operator.emit('updateSlice', [operator.input(0), operator.input(1), operator.input(2)], {}),
};

/**
 * The reverse of a pool that keeps the places of its maxima, by MediaPipe: x and the places
 * row · W + column in the larger image, as floats.
 */
export function maxUnpooling2D(operator: TfliteOperator<'CUSTOM'>): void {
  const [x, places] = [operator.input(0, 4), operator.input(1, 4)];
  const { output } = operator;
  operator.check(x.dtype === 'float32' && places.dtype === 'float32', `${x.dtype} with places of ${places.dtype}`);
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const pixels = [n, h * w, c];
  const whole = operator.temporary({ name: '', shape: [], dtype: 'int32' }, pixels, 'places');
  operator.emit('cast', [operator.reshaped(places, pixels, 'flat_places')], {}, [whole]);
  const image = [n, elementCount(output.shape) / n / c, c];
  const flat = operator.temporary(output, image, 'flat');
  operator.emit('scatterElements', [zeros(flat), whole, operator.reshaped(x, pixels, 'flat_values')], {
    axis: 1,
    reduction: 'none',
  }, [flat]);
  operator.emit('reshape', [flat], {});
}
