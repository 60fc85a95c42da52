import type { Mappings } from '../lowering';

/** DEQUANTIZE, DENSIFY and SHAPE of what is known become constants before they come here. */
export const conversion: Mappings = {
  CAST: (operator) => operator.emit('cast', [operator.input(0)], {}),
  DENSIFY: (operator) => operator.check(false, 'an input that is not constant'),
  QUANTIZE: (operator) => operator.emit('quantize', [operator.input(0)], {}),
  DEQUANTIZE: (operator) => operator.emit('dequantize', [operator.input(0)], {}),
};
