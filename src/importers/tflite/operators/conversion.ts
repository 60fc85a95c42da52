import type { Tensor } from '../../../graph/graph';
import type { Mappings, TfliteOperator } from '../operator';

/** CAST, and the FlexCast that stands for the types that CAST lacks. */
export function cast(operator: TfliteOperator<'CAST' | 'CUSTOM'>): void {
  const x = operator.input(0);
  operator.check(x.dtype !== 'int16' && operator.output.dtype !== 'int16', 'int16');
  if (x.dtype === 'float32' && operator.output.dtype === 'float32') operator.emit('reshape', [x], {});
  else operator.emit('cast', [x], {});
}

/** Emits real numbers in steps of an int32 output. */
function quantizeInt32(operator: TfliteOperator, real: Tensor): void {
  const { output } = operator;
  const scale = output.quantization?.scale[0];
  operator.check(scale !== undefined && output.quantization?.zeroPoint[0] === 0, 'an int32 output without a scale');
  const factor: Tensor = {
    name: `${output.name}/steps`,
    shape: [],
    dtype: 'float32',
    data: Float32Array.of(1 / scale!),
  };
  const steps = operator.temporary(real, output.shape, 'scaled');
  const whole = operator.temporary(real, output.shape, 'whole');
  operator.emit('binary', [real, factor], { kind: 'mul', activation: 'none' }, [steps]);
  operator.emit('unary', [steps], { kind: 'round' }, [whole]);
  operator.emit('cast', [whole], {});
}

function quantize(operator: TfliteOperator): void {
  const x = operator.input(0);
  const { output } = operator;
  if (output.dtype !== 'int32') return operator.emit('quantize', [x], {});
  if (x.dtype === 'float32') return quantizeInt32(operator, x);
  const { name, shape } = operator.temporary(x, x.shape, 'real');
  const real: Tensor = { name, shape, dtype: 'float32' };
  operator.emit('dequantize', [x], {}, [real]);
  quantizeInt32(operator, real);
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
  QUANTIZE: quantize,
  DEQUANTIZE: (operator) => operator.emit('dequantize', [operator.input(0)], {}),
};
