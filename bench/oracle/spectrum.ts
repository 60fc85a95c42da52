import type { ElementType, Maker } from './maker';

// Complex numbers are between operators only: their parts or magnitudes are the outputs.

type Kind = 'RFFT2D' | 'COMPLEX_ABS' | 'REAL' | 'IMAG';

const spectrumTo = (kind: Kind) => (make: Maker): void => {
  const { random } = make;
  // TensorFlow Lite has powers of two alone
  const lengths = [2 ** random.int(0, 3), 2 ** random.int(1, 9)] as [number, number];
  const size = lengths.map((n) => (random.int(0, 2) === 0 ? random.int(1, 2 * n) : n));
  const count = random.int(1, 3);
  const x = make.input([count, ...size], -1, 1);
  const bins = [count, lengths[0], lengths[1] / 2 + 1];
  const numbers = make.complex(bins);
  make.emit('RFFT2D', [x, make.integers(lengths)], [numbers]);
  for (const part of kind === 'RFFT2D' ? ['REAL', 'IMAG'] as const : [kind]) {
    make.emit(part, [numbers], [make.output(bins, -99, 99)]);
  }
};

export const spectrum: Record<string, (make: Maker) => void> = {
  RFFT2D: spectrumTo('RFFT2D'),
  COMPLEX_ABS: spectrumTo('COMPLEX_ABS'),
  REAL: spectrumTo('REAL'),
  IMAG: spectrumTo('IMAG'),
};

export const spectrumTypes: Record<string, readonly ElementType[] | undefined> = {
  RFFT2D: ['float32'],
  COMPLEX_ABS: ['float32'],
  REAL: ['float32'],
  IMAG: ['float32'],
};
