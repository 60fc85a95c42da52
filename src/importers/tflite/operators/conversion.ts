import type { Mappings } from '../operator';

/**
 * DEQUANTIZE, DENSIFY and SHAPE of known tensors are folded to constants before these mappings run.
 */
export const conversion: Mappings = {
  CAST: (operator) => operator.emit('cast', [operator.input(0)], {}),
  DENSIFY: (operator) => operator.check(false, 'an input that is computed at run time'),
  QUANTIZE: (operator) => operator.emit('quantize', [operator.input(0)], {}),
  DEQUANTIZE: (operator) => operator.emit('dequantize', [operator.input(0)], {}),
};
