import type { Tensor } from '../../../graph/graph';
import { emitSlice, emitSplit, emitStack, emitStridedSlice, emitUnstack } from '../../shared/slicing';
import type { Mappings, TfliteOperator } from '../operator';

function split(operator: TfliteOperator, x: Tensor, axisInput: number): void {
  const [axis = NaN] = operator.integers(axisInput, 'axis');
  emitSplit(operator, x, operator.axis(axis, x.shape.length), operator.outputs);
}

export const slicing: Mappings = {
  CONCATENATION(operator) {
    const { options, output, inputs } = operator;
    operator.emitActivated('concat', inputs, operator.activation(options.fusedActivationFunction), {
      axis: operator.axis(options.axis, output.shape.length),
    });
  },

  PACK(operator) {
    const { options, output, inputs } = operator;
    emitStack(operator, inputs, operator.axis(options.axis, output.shape.length));
  },

  UNPACK(operator) {
    const x = operator.input(0);
    emitUnstack(operator, x, operator.axis(operator.options.axis, x.shape.length));
  },

  SPLIT: (operator) => split(operator, operator.input(1), 0),
  SPLIT_V: (operator) => split(operator, operator.input(0), 2),

  SLICE(operator) {
    const x = operator.input(0);
    const begin = operator.integers(1, 'begins');
    operator.check(begin.length === x.shape.length && begin.every((b) => b >= 0), `begins [${begin.join(', ')}]`);
    emitSlice(operator, x, begin, x.shape.map(() => 1), operator.output.shape);
  },

  REVERSE_V2(operator) {
    const x = operator.input(0);
    const axes = operator.integers(1, 'axes').map((axis) => operator.axis(axis, x.shape.length));
    emitSlice(
      operator,
      x,
      x.shape.map((size, axis) => (axes.includes(axis) ? size - 1 : 0)),
      x.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1)),
      x.shape,
    );
  },

  STRIDED_SLICE(operator) {
    const { options } = operator;
    operator.check(!options.offset, 'ends relative to begins');
    const x = operator.input(0);
    const [begins, ends, strides] = [operator.integers(1, 'begins'), operator.integers(2, 'ends'),
      operator.integers(3, 'strides')];
    emitStridedSlice(operator, x, begins, ends, strides, options);
  },
};
