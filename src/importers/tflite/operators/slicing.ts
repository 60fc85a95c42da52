import type { Tensor } from '../../../graph/graph';
import type { OperatorImport, Mappings } from '../operatorImport';

/** Emits a slice, or a reshape if it covers the whole input. */
function slice(operator: OperatorImport, x: Tensor, begin: number[], stride: number[], shape: number[]): void {
  const { output } = operator;
  if (shape.every((size, i) => size === x.shape[i] && stride[i] === 1)) return operator.emit('reshape', [x], {});
  const isSameShape = output.shape.length === shape.length && output.shape.every((size, i) => size === shape[i]);
  const result = isSameShape ? output : operator.temporary(x, shape, 'slice');
  operator.emit('slice', [x], { begin, stride }, [result]);
  if (!isSameShape) operator.emit('reshape', [result], {});
}

/** Applies Python's slicing rules to one dimension. */
function range(
  size: number,
  begin: number | null,
  end: number | null,
  stride: number,
): { begin: number; count: number } {
  const isForward = stride > 0;
  const [lowest, highest] = isForward ? [0, size] : [-1, size - 1];
  const [first, last] = isForward ? [lowest, highest] : [highest, lowest];
  const clamp = (index: number) => Math.min(Math.max(index < 0 ? index + size : index, lowest), highest);
  const from = begin === null ? first : clamp(begin);
  const to = end === null ? last : clamp(end);
  return { begin: from, count: Math.max(Math.ceil((to - from) / stride), 0) };
}

function split(operator: OperatorImport, x: Tensor, axisInput: number): void {
  const [axis = NaN] = operator.integers(axisInput, 'axis');
  emitSplit(operator, x, operator.axis(axis, x.shape.length), operator.outputs);
}

function emitSplit(operator: OperatorImport, x: Tensor, axis: number, parts: Tensor[]): void {
  if (parts.length === 1) return operator.emit('reshape', [x], {}, parts);
  operator.emit('split', [x], { axis }, parts);
}

export const slicing: Mappings = {
  CONCATENATION(operator) {
    const { options, output, inputs } = operator;
    operator.emitActivated('concat', inputs, options.fusedActivationFunction, {
      axis: operator.axis(options.axis, output.shape.length),
    });
  },

  PACK(operator) {
    const { output, inputs } = operator;
    const axis = operator.axis(operator.options.axis, output.shape.length);
    if (inputs.length === 1) return operator.emit('reshape', inputs, {});
    const parts = inputs.map((x, i) => operator.reshaped(x, x.shape.toSpliced(axis, 0, 1), `part_${i}`));
    operator.emit('concat', parts, { axis, activation: 'none' });
  },

  UNPACK(operator) {
    const x = operator.input(0);
    const { outputs } = operator;
    const axis = operator.axis(operator.options.axis, x.shape.length);
    operator.check(outputs.length === x.shape[axis], `${outputs.length} outputs of ${x.shape[axis]}`);
    const parts = outputs.map((part, i) => operator.temporary(part, x.shape.with(axis, 1), `part_${i}`));
    emitSplit(operator, x, axis, parts);
    outputs.forEach((part, i) => operator.emit('reshape', [parts[i]!], {}, [part]));
  },

  SPLIT: (operator) => split(operator, operator.input(1), 0),
  SPLIT_V: (operator) => split(operator, operator.input(0), 2),

  SLICE(operator) {
    const x = operator.input(0);
    const begin = operator.integers(1, 'begins');
    operator.check(begin.length === x.shape.length && begin.every((b) => b >= 0), `begins [${begin.join(', ')}]`);
    slice(operator, x, begin, x.shape.map(() => 1), operator.output.shape);
  },

  STRIDED_SLICE(operator) {
    const { options } = operator;
    operator.check(!options.offset, 'ends relative to begins');
    const x = operator.input(0);
    const [begins, ends, strides] = [operator.integers(1, 'begins'), operator.integers(2, 'ends'),
      operator.integers(3, 'strides')];
    operator.check(
      begins.length === ends.length && ends.length === strides.length && begins.length < 32,
      'begins, ends and strides of different lengths',
    );
    const is = (mask: number, i: number) => ((mask >> i) & 1) === 1;
    // an ellipsis, or the end of the list, covers all dimensions without an entry
    const named = begins.filter((_, i) => !is(options.ellipsisMask, i) && !is(options.newAxisMask, i)).length;
    const begin: number[] = [];
    const stride: number[] = [];
    const shape: number[] = [];
    const whole = (count: number) => {
      for (let n = 0; n < count; n++) {
        shape.push(x.shape[shape.length] ?? 0);
        begin.push(0);
        stride.push(1);
      }
    };
    begins.forEach((_, i) => {
      if (is(options.ellipsisMask, i)) return whole(x.shape.length - named);
      if (is(options.newAxisMask, i)) return;
      const isIndex = is(options.shrinkAxisMask, i);
      const step = isIndex ? 1 : strides[i]!;
      const size = x.shape[shape.length] ?? 0;
      operator.check(step !== 0, 'a stride of 0');
      operator.check(!isIndex || (begins[i]! >= -size && begins[i]! < size), `index ${begins[i]} of ${size}`);
      const first = isIndex ?
        { begin: (begins[i]! + size) % size, count: 1 }
        : range(size, is(options.beginMask, i) ? null : begins[i]!, is(options.endMask, i) ? null : ends[i]!, step);
      begin.push(first.begin);
      stride.push(step);
      shape.push(first.count);
    });
    whole(x.shape.length - shape.length);
    operator.check(
      shape.length === x.shape.length && shape.every((size) => size > 0),
      `a result of shape [${shape.join(', ')}]`,
    );
    slice(operator, x, begin, stride, shape);
  },
};
