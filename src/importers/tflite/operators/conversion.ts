import type { Mappings } from '../lowering';

/** DEQUANTIZE and SHAPE of what is known become constants before they come here. */
export const conversion: Mappings = {
  CAST: (operator) => operator.emit('cast', [operator.input(0)], {}),
  QUANTIZE: (operator) => operator.emit('quantize', [operator.input(0)], {}),
  DEQUANTIZE: (operator) => operator.emit('dequantize', [operator.input(0)], {}),
};
