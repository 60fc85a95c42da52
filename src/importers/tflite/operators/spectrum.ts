import type { Mapping, Mappings } from '../operator';

// A complex64 tensor of the file is a float32 tensor of the graph with a last dimension of 2, the
// real and imaginary parts.

/** The operators that may read or write complex numbers. */
export const complexKinds: ReadonlySet<string> = new Set(['RFFT2D', 'COMPLEX_ABS', 'REAL', 'IMAG', 'RESHAPE', 'SQUEEZE',
  'EXPAND_DIMS']);

/** One of the two parts of complex numbers. */
const part = (index: 0 | 1): Mapping<'REAL' | 'IMAG'> => (operator) => {
  const x = operator.input(0);
  const { output } = operator;
  const half = operator.temporary(x, [...output.shape, 1], 'part');
  const begin = [...output.shape.map(() => 0), index];
  operator.emit('slice', [x], { begin, stride: begin.map(() => 1) }, [half]);
  operator.emit('reshape', [half], {});
};

export const spectrum: Mappings = {
  /** Real images [H][W], cut or padded with zeros to the lengths, → [FH][FW / 2 + 1]. */
  RFFT2D(operator) {
    const x = operator.input(0);
    const { output } = operator;
    const lengths = operator.integers(1, 'lengths');
    const rank = x.shape.length;
    operator.check(
      rank >= 2 && lengths.length === 2 && lengths.every((n) => n >= 1),
      `the lengths [${lengths.join(', ')}]`,
    );
    const [rows, columns] = lengths as [number, number];
    const height = x.shape[rank - 2]!;
    const real = operator.reshaped(x, [...x.shape, 1], 'real');
    const isRow = height === 1 && rows === 1;
    const lines = isRow ? output : operator.temporary(x, [...x.shape.slice(0, -1), (columns >> 1) + 1, 2], 'rows');
    operator.emit('dft', [real], { axis: rank - 1, length: columns, inverse: false, onesided: true }, [lines]);
    if (!isRow) operator.emit('dft', [lines], { axis: rank - 2, length: rows, inverse: false, onesided: false });
  },

  COMPLEX_ABS(operator) {
    const x = operator.input(0);
    const { output } = operator;
    const squares = operator.temporary(x, x.shape, 'squares');
    const sums = operator.temporary(x, output.shape, 'sums');
    operator.emit('binary', [x, x], { kind: 'mul', activation: 'none' }, [squares]);
    operator.emit('reduce', [squares], { kind: 'sum', axes: [output.shape.length] }, [sums]);
    operator.emit('unary', [sums], { kind: 'sqrt' });
  },

  REAL: part(0),
  IMAG: part(1),
};
