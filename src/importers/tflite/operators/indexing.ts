import { elementCount, type ConstantData, type Tensor } from '../../../graph/graph';
import { emitOneHot } from '../../shared/oneHot';
import type { Mappings, TfliteOperator } from '../operator';

/** A tensor of zeros, into which updates are written. */
function zeros({ name, shape, dtype }: Tensor): Tensor {
  const count = elementCount(shape);
  const data: ConstantData = dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
  return { name: `${name}/zeros`, shape, dtype, data };
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
