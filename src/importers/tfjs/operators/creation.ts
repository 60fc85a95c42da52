import { elementCount, type Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import { allocate } from '../../shared/fold';
import { elementType } from '../attributes';
import type { Mapping, Mappings, TfOperator } from '../operator';

/** More numbers in a constant that an operator makes would not be those of a small network. */
const MAX_LIST = 2 ** 24;

const shapeOf: Mapping = ({ emit, inputs: [x] }) => emit.integers(x!.shape, 'int32');

function scalar(emit: NodeEmitter, value: number): Tensor {
  return emit.constant(Int32Array.of(value), [], 'int32');
}

function filled(operator: TfOperator, value: Tensor, shape: readonly number[]): Tensor {
  const count = elementCount(shape);
  operator.check(shape.every((size) => size >= 0) && count <= MAX_LIST, `a result [${shape.join(', ')}]`);
  return operator.emit.broadcastTo(value, shape);
}

/** Zeros or ones in the shape and type of another tensor. */
function like(value: number): Mapping {
  return (operator) => {
    const { emit } = operator;
    const { dtype, shape } = operator.input(0);
    return filled(operator, emit.constant(allocate(dtype, 1).fill(value), [], dtype), shape);
  };
}

/** Zeros or ones of a shape that is an input. */
function constantOf(value: number): Mapping {
  return (operator) => {
    const { emit, attributes, name } = operator;
    const dtype = elementType(attributes.type('T'), name);
    return filled(operator, emit.constant(allocate(dtype, 1).fill(value), [], dtype), operator.integers(0, 'sizes'));
  };
}

const fill: Mapping = (operator) => {
  const value = operator.input(1);
  operator.check(elementCount(value.shape) === 1, `a value of ${elementCount(value.shape)} numbers`);
  return filled(operator, operator.emit.reshape(value, []), operator.integers(0, 'sizes'));
};

const range: Mapping = (operator) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => operator.scalar(i, 'bounds')!) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  operator.check(delta !== 0 && count <= MAX_LIST, `bounds ${start}, ${limit} and a step of ${delta}`);
  const { dtype } = operator.input(0);
  const data = allocate(dtype, count);
  for (let i = 0; i < count; i++) data[i] = start + i * delta;
  return operator.emit.constant(data, [count], dtype);
};

const linSpace: Mapping = (operator) => {
  const [start, stop, count] = [0, 1, 2].map((i) => operator.scalar(i, 'bounds')!) as [number, number, number];
  operator.check(count > 0 && count <= MAX_LIST, `${count} numbers`);
  const step = count === 1 ? 0 : (stop - start) / (count - 1);
  const data = Float32Array.from({ length: count }, (_, i) => start + i * step);
  return operator.emit.constant(data, [count], 'float32');
};

export const creation: Mappings = {
  Shape: shapeOf,
  ShapeN: ({ emit, inputs }) => inputs.map((x) => emit.integers(x.shape, 'int32')),
  Size: ({ emit, inputs: [x] }) => scalar(emit, elementCount(x!.shape)),
  Rank: ({ emit, inputs: [x] }) => scalar(emit, x!.shape.length),
  Fill: fill,
  Zeros: constantOf(0),
  Ones: constantOf(1),
  ZerosLike: like(0),
  OnesLike: like(1),
  Range: range,
  LinSpace: linSpace,
};
