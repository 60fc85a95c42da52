import type { Mappings } from '../operator';

/**
 * DEQUANTIZE, DENSIFY, SHAPE, FILL, ZEROS_LIKE and RANGE of known tensors are folded to constants
 * before these mappings run.
 */
export const conversion: Mappings = {
  CAST: (operator) => operator.emit('cast', [operator.input(0)], {}),
  DENSIFY: (operator) => operator.check(false, 'an input that is computed at run time'),
  FILL: (operator) => operator.check(false, 'a size or value that is computed at run time'),
  ZEROS_LIKE: (operator) => operator.check(false, 'a large result'),
  RANGE: (operator) => operator.check(false, 'limits that are computed at run time'),
  QUANTIZE: (operator) => operator.emit('quantize', [operator.input(0)], {}),
  DEQUANTIZE: (operator) => operator.emit('dequantize', [operator.input(0)], {}),
};
