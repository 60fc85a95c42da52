import fc from 'fast-check';
import { elementCount, type DType, type Tensor, type TensorData } from '../../src/graph/graph';
import type { ScatterReduction } from '../../src/graph/operators';
import { allocate } from '../reference/support';
import { constant, tensor, type Random } from './suite';

// What the tests of scatterNd, scatterElements and updateSlice have in common.

export const reductions = fc.constantFrom<ScatterReduction>('none', 'none', 'add', 'mul', 'max', 'min');

/** The element types that a reduction supports. */
export function typesOf(reduction: ScatterReduction): readonly DType[] {
  return reduction === 'add' || reduction === 'mul'
    ? ['float32', 'int32', 'int64']
    : ['int8', 'uint8', 'float32', 'int32', 'int64'];
}

interface Spec {
  dtype: DType;
  indexType: DType;
  shape: number[];
  indices: number[];
  updates: number[];
  places: Int32Array;
  /** The operand that is constant; `uniform` is a data operand of equal elements. */
  constants: string;
  /** Whether the three tensors of int8 have different scales. */
  isRescaled: boolean;
}

/** The operands data, indices and updates, the result, and the inputs of the network. */
export function scatterTensors(
  random: Random,
  { dtype, indexType, shape, indices, updates, places, constants, isRescaled }: Spec,
): { operands: [Tensor, Tensor, Tensor]; y: Tensor; inputs: Record<string, TensorData> } {
  const quantizations = [0, 1, 2].map((i) => ({
    scale: isRescaled ? 0.25 + i / 8 : 0.5,
    zeroPoint: isRescaled ? i : 3,
  }));
  const x = tensor('x', shape, dtype, quantizations[0]);
  const at = tensor('at', indices, indexType);
  const values = tensor('updates', updates, dtype, quantizations[1]);
  const inputs: Record<string, TensorData> = {};
  const give = (target: Tensor, isConstant: boolean, data: TensorData): void => {
    if (isConstant) target.data = data;
    else inputs[target.name] = data;
  };
  const whole = constant(random, 'x', shape, dtype).data as TensorData;
  if (constants === 'uniform') whole.fill(whole[0]!);
  give(x, constants === 'x' || constants === 'uniform', whole);
  give(at, constants === 'at', allocate(at).map((_, i) => places[i]!));
  give(values, constants === 'updates', constant(random, 'updates', updates, dtype).data as TensorData);
  if (elementCount(indices) !== places.length) throw new Error('there is not one place for each index');
  return { operands: [x, at, values], y: tensor('y', shape, dtype, quantizations[2]), inputs };
}
