import type { Tensor } from '../../graph/graph';
import type { ArithmeticKind } from '../../graph/operators';
import type { NodeEmitter } from './nodeEmitter';

export const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float32';

/** The core computes integers of less than 32 bits as int32. */
const isNarrow = ({ dtype }: Tensor): boolean => dtype === 'int8' || dtype === 'uint8';

/** Computes on integers of 8 bits as int32, and converts the result back. */
export function widened(emit: NodeEmitter, operands: Tensor[], compute: (wide: Tensor[]) => Tensor): Tensor {
  const [first] = operands as [Tensor];
  if (!isNarrow(first)) return compute(operands);
  return emit.cast(compute(operands.map((x) => emit.cast(x, 'int32'))), first.dtype);
}

export function arithmetic(emit: NodeEmitter, kind: ArithmeticKind, a: Tensor, b: Tensor): Tensor {
  return emit.node('arithmetic', [a, b], { kind });
}

export function magnitude(emit: NodeEmitter, x: Tensor): Tensor {
  return isFloat(x) ? emit.unary('abs', x) : emit.binary('maximum', x, negated(emit, x));
}

export function negated(emit: NodeEmitter, x: Tensor): Tensor {
  if (isFloat(x)) return emit.unary('neg', x);
  return emit.binary('sub', emit.constant(Int32Array.of(0), [], x.dtype), x);
}

/** x to the power of y, in the type of x. Common constant exponents become products and roots. */
export function power(emit: NodeEmitter, x: Tensor, y: Tensor): Tensor {
  const [exponent] = y.data?.every((v) => v === y.data![0]) ? y.data : [];
  const isScalar = exponent !== undefined && y.shape.length <= x.shape.length && y.shape.every((d) => d === 1);
  if (isFloat(x) && isScalar) {
    switch (exponent) {
      case 1:
        return x;
      case 2:
        return emit.unary('square', x);
      case 3:
        return emit.binary('mul', emit.unary('square', x), x);
      case 4:
        return emit.unary('square', emit.unary('square', x));
      case 0.5:
        return emit.unary('sqrt', x);
      case -0.5:
        return emit.unary('rsqrt', x);
      case -1:
        return emit.binary('div', emit.number(1), x);
    }
  }
  if (isFloat(x) || isFloat(y)) {
    return emit.cast(arithmetic(emit, 'pow', emit.cast(x, 'float32'), emit.cast(y, 'float32')), x.dtype);
  }
  return widened(emit, [x, emit.cast(y, x.dtype)], ([a, b]) => arithmetic(emit, 'pow', a!, b!));
}
