import fc from 'fast-check';
import { audioParameters, type AudioPreprocessing } from '../../src/audio/index';

// Generators of parameters and signals for property tests.

const sizes = [2, 4, 6, 8, 10, 14, 16, 18, 20, 22, 30, 32, 50, 64, 100, 128];

export const anyParameters: fc.Arbitrary<AudioPreprocessing> = fc.record({
  fftSize: fc.constantFrom(...sizes),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  hop: fc.integer({ min: 1, max: 70 }),
  window: fc.constantFrom(
    'hann',
    'hann-symmetric',
    'hamming',
    'hamming-symmetric',
    'blackman',
    'blackman-symmetric',
    'rectangular',
  ),
  place: fc.constantFrom(['start', 'none'], ['start', 'end'], ['center', 'none'], ['center', 'center-zeros'], ['center',
    'center-reflect']),
  inputScale: fc.constantFrom(1, 32768),
  preemphasis: fc.constantFrom(0, 0.97),
  power: fc.constantFrom(1, 2),
  mel: fc
    .option(fc.record({
      bands: fc.integer({ min: 1, max: 12 }),
      low: fc.constantFrom(0, 125),
      high: fc.constantFrom(3800, 4000),
      scale: fc.constantFrom('htk', 'slaney'),
      slopes: fc.constantFrom('mel', 'hertz'),
      norm: fc.constantFrom('none', 'slaney'),
    })),
  compression: fc.oneof(
    fc.constant(null),
    fc.record({
      kind: fc.constant('log'),
      unit: fc.constantFrom('natural', 'log10', 'decibel'),
      floor: fc.constantFrom(1e-5, 1e-3),
      offset: fc.constantFrom(0, 1e-6),
      reference: fc.constantFrom(1, 0.5),
    }),
    fc.record({
      kind: fc.constant('pcen'),
      initial: fc.constantFrom('one', 'first'),
      gain: fc.constantFrom(0, 0.8, 0.98),
      bias: fc.constantFrom(0.5, 2),
      power: fc.constantFrom(0, 0.5),
      timeConstant: fc.constantFrom(0.06, 0.4),
    }),
  ),
  mfcc: fc.option(fc.record({ scaling: fc.constantFrom('ortho', 'tensorflow'), lifter: fc.constantFrom(0, 22) })),
  layout: fc.constantFrom('frames-first', 'features-first'),
  scale: fc.constantFrom(1, 0.25),
  offset: fc.constantFrom(0, -1),
}).map(({ part, place, mfcc, ...rest }) => {
  const bands = rest.mel ? rest.mel.bands : rest.fftSize / 2 + 1;
  return audioParameters('tensorflow', {
    ...rest,
    sampleRate: 8000,
    frameLength: 1 + Math.floor(part * (rest.fftSize - 1)),
    windowPosition: place[0],
    padding: place[1],
    mfcc: mfcc && { ...mfcc, count: Math.ceil(bands / 2) },
  });
});

/** Noise with silent stretches. */
export const anySound: fc.Arbitrary<Float32Array<ArrayBuffer>> = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 60 }) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 40 }).map((length) => new Array<number>(length).fill(0)),
  }),
  { maxLength: 6 },
).map((parts) => Float32Array.from(parts.flat()));

export function tone(
  frequency: number,
  seconds: number,
  sampleRate: number,
  loudness = 0.5,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: Math.round(seconds * sampleRate) },
    (_, t) => loudness * Math.sin((2 * Math.PI * frequency * t) / sampleRate),
  );
}
