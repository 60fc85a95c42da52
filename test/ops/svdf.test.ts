import fc from 'fast-check';
import type { Tensor } from '../../src/graph/graph';
import type { FusedActivation } from '../../src/graph/operators';
import { biases, gateVectors, hybridOf, isFloat, recurrentSuite, sequence, toleranceOf, weights, withWidth,
  type CellType } from './sequences';
import { checkGraph, quantizations, Random, single, size } from './suite';

/**
 * Weights of a filter's last inputs, [filters][memory]: float32, or int16 with one scale for all.
 */
function timeWeights(random: Random, filters: number, memory: number, type: CellType): Tensor {
  const { quantization, ...vector } = gateVectors(random, 'time', 1, filters * memory, type);
  const tensor: Tensor = { ...vector, shape: [filters, memory] };
  if (quantization) tensor.quantization = { scale: [quantization.scale[0]!], zeroPoint: [0], axis: 0 };
  return tensor;
}

recurrentSuite(
  'svdf',
  250,
  (sequences) =>
    fc.record({
      sequence: sequences,
      rank: size(3),
      memory: fc.constantFrom(1, 2, 7, 8, 9, 17),
      activation: fc.constantFrom<FusedActivation>('none', 'relu', 'relu6'),
      bias: fc.boolean(),
      y: quantizations,
    }),
  ({ sequence: s, rank, memory, activation, bias, y }) => {
    const { type, hiddenSize: units } = s;
    const random = new Random(s.seed);
    const x = sequence(s);
    const filters = units * rank;
    const output = {
      name: 'y',
      shape: withWidth(x, units),
      dtype: x.dtype,
      ...(!isFloat(type) && { quantization: { scale: [y.scale], zeroPoint: [y.zeroPoint], axis: 0 } }),
    };
    const time = timeWeights(random, filters, memory, type);
    const operands = [x, weights(random, 'w', 1, filters, s.inputs, type, s.x.scale), time,
      bias ? biases(random, 'b', units, type) : null];
    const attributes = {
      timeMajor: s.timeMajor,
      reverse: false,
      ...hybridOf(type),
      rank,
      activation,
      ...(!isFloat(type) && { stateScale: 2 ** -11 }),
    };
    checkGraph(single('svdf', operands, attributes, output), s.seed, toleranceOf(type));
  },
);
