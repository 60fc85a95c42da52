import type { Mappings, TfliteOperator } from '../operator';

/** CAST, and the FlexCast that stands for the types that CAST lacks. */
export function cast(operator: TfliteOperator<'CAST' | 'CUSTOM'>): void {
  const x = operator.input(0);
  if (x.dtype === 'float32' && operator.output.dtype === 'float32') operator.emit('reshape', [x], {});
  else operator.emit('cast', [x], {});
}

/**
 * DEQUANTIZE, DENSIFY, SHAPE, FILL, ZEROS_LIKE and RANGE of known tensors are folded to constants
 * before these mappings run.
 */
export const conversion: Mappings = {
  CAST: cast,
  DENSIFY: (operator) => operator.check(false, 'an input that is computed at run time'),
  FILL: (operator) => operator.check(false, 'a size or value that is computed at run time'),
  ZEROS_LIKE: (operator) => operator.check(false, 'a large result'),
  RANGE: (operator) => operator.check(false, 'limits that are computed at run time'),
  QUANTIZE: (operator) => operator.emit('quantize', [operator.input(0)], {}),
  DEQUANTIZE: (operator) => operator.emit('dequantize', [operator.input(0)], {}),
};
