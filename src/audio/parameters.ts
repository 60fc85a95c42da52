import { describeValue, KletError } from '../errors';
import type { AudioPreprocessing, LogParameters, MelParameters, MfccParameters, PcenParameters } from '../format/audio';

/** The library whose defaults fill missing settings. */
export type AudioConvention = 'tensorflow' | 'librosa' | 'kaldi';

/**
 * Settings of `audioParameters`: the sample rate, and every setting that differs from the
 * convention. `null` disables a step.
 */
export interface AudioSettings extends Partial<Omit<AudioPreprocessing, 'kind' | 'mel' | 'compression' | 'mfcc'>> {
  sampleRate: number;
  mel?: Partial<MelParameters> | null;
  /** PCEN accepts a `timeConstant` in seconds (0.4) instead of `smoothing`. */
  compression?: (Partial<LogParameters> & { kind: 'log' })
    | (Partial<PcenParameters> & { kind: 'pcen'; timeConstant?: number }) | null;
  mfcc?: Partial<MfccParameters> | null;
}

/** Upper limits of the FFT size, and of bands and coefficients, in a file. */
const MAX_FFT = 65536;
const MAX_BANDS = 1024;
const MAX_SECONDS = 3600;
/** The distance from 1 to the next f32, Kaldi's least energy. */
const FLOAT_EPSILON = 2 ** -23;

/**
 * Completes the parameters of a feature extractor, for `createAudioFeatures` and a model's
 * `meta.preprocessing`. Missing settings follow `tf.signal` (frames without padding, magnitudes,
 * HTK mel bands from 125 to 3800 Hz with slopes linear in mel, ln(x + 1e-6), DCT of
 * `mfccs_from_log_mel_spectrograms`), librosa (centred frames, powers, Slaney mel bands of area 1,
 * decibels, orthonormal DCT) or Kaldi (25 ms every 10 ms, Povey window, pre-emphasis in the frame,
 * powers, HTK mel bands from 20 Hz, ln). docs/audio.md lists the formulas and all defaults.
 *
 * @throws KletError `BAD_ARGUMENT` if a setting is missing, unknown or out of range
 * @example
 * ```js
 * import { audioParameters } from 'kinglet/audio';
 * const parameters = audioParameters('tensorflow', {
 *   sampleRate: 16000, frameLength: 480, hop: 320,
 *   mel: { bands: 40, low: 20, high: 4000 }, mfcc: { count: 10 },
 * });
 * console.log(parameters.fftSize, parameters.window, parameters.mel.scale); // 512 hann htk
 * ```
 */
export function audioParameters(convention: AudioConvention, settings: AudioSettings): AudioPreprocessing {
  if (convention !== 'tensorflow' && convention !== 'librosa' && convention !== 'kaldi') {
    throw new KletError(
      'BAD_ARGUMENT',
      `unknown audio convention ${show(convention)}; expected "tensorflow", "librosa" or "kaldi"`,
    );
  }
  if (!isObject(settings)) {
    throw new KletError('BAD_ARGUMENT', `audio settings must be an object with a sampleRate, not ${show(settings)}`);
  }
  const librosa = convention === 'librosa';
  const kaldi = convention === 'kaldi';
  const { mel, compression, mfcc, ...rest } = settings;
  for (const [name, check] of Object.entries(settingChecks)) {
    const value = settings[name as keyof AudioSettings];
    const expected = value === undefined ? undefined : check(value);
    if (expected) throw wrongSetting(expected, name, value);
  }
  const timeConstant = compression?.kind === 'pcen' ? compression.timeConstant : undefined;
  if (timeConstant !== undefined && above0()(timeConstant)) {
    throw wrongSetting('a number above 0', 'compression.timeConstant', timeConstant);
  }
  const { sampleRate } = rest;
  const { fftSize, frameLength, hop } = framingOf(convention, rest);
  const power = rest.power ?? (librosa || kaldi ? 2 : 1);
  return checkAudioParameters({
    kind: 'audio',
    frameLength,
    hop,
    fftSize,
    window: defaultWindow(convention, frameLength),
    windowPosition: librosa ? 'center' : 'start',
    padding: librosa ? 'center-zeros' : 'none',
    // Kaldi reads samples of 16 bits
    inputScale: kaldi ? 32768 : 1,
    preemphasis: kaldi ? 0.97 : 0,
    ...(kaldi && { frames: 'kaldi' as const }),
    power,
    layout: librosa ? 'features-first' : 'frames-first',
    scale: 1,
    offset: 0,
    ...rest,
    mel: mel === null ? null : { ...melDefaults(convention, sampleRate), ...mel },
    compression: compression === null ? null : compressionOf(compression, convention, power, sampleRate, hop),
    mfcc: mfcc ? { ...mfccDefaults[convention], ...mfcc } : null,
  });
}

function framingOf(
  convention: AudioConvention,
  { sampleRate, ...given }: { sampleRate: number; fftSize?: number; frameLength?: number; hop?: number },
): { fftSize: number; frameLength: number; hop: number } {
  if (convention === 'librosa') {
    const fftSize = given.fftSize ?? 2048;
    const frameLength = given.frameLength ?? fftSize;
    return { fftSize, frameLength, hop: given.hop ?? Math.floor(frameLength / 4) };
  }
  // Kaldi has 25 ms every 10 ms; tf.signal has no defaults
  const samples = (seconds: number): number => (convention === 'kaldi' ? Math.floor(sampleRate * seconds) : NaN);
  const frameLength = given.frameLength ?? samples(0.025);
  return { fftSize: given.fftSize ?? powerOfTwo(frameLength), frameLength, hop: given.hop ?? samples(0.01) };
}

function defaultWindow(convention: AudioConvention, frameLength: number): AudioPreprocessing['window'] {
  if (convention === 'kaldi') return 'povey';
  // tf.signal's periodic windows of odd length are symmetric
  // (tensorflow/python/ops/signal/window_ops.py)
  return convention === 'librosa' || frameLength % 2 === 0 ? 'hann' : 'hann-symmetric';
}

const mfccDefaults: Record<AudioConvention, MfccParameters> = {
  tensorflow: { count: 13, scaling: 'tensorflow', lifter: 0 },
  librosa: { count: 20, scaling: 'ortho', lifter: 0 },
  kaldi: { count: 13, scaling: 'kaldi', lifter: 22 },
};

function wrongSetting(expected: string, name: string, value: unknown): KletError {
  return new KletError('BAD_ARGUMENT', `audio preprocessing needs ${expected} as ${name}, not ${show(value)}`);
}

function melDefaults(convention: AudioConvention, sampleRate: number): MelParameters {
  const half = sampleRate / 2;
  return {
    tensorflow: { bands: 20, low: 125, high: 3800, scale: 'htk', slopes: 'mel', norm: 'none' } as const,
    librosa: { bands: 128, low: 0, high: half, scale: 'slaney', slopes: 'hertz', norm: 'slaney' } as const,
    kaldi: { bands: 23, low: 20, high: half, scale: 'htk', slopes: 'mel', norm: 'none' } as const,
  }[convention];
}

function compressionOf(
  given: AudioSettings['compression'] & object | undefined,
  convention: AudioConvention,
  power: number,
  sampleRate: number,
  hop: number,
): object {
  if (given?.kind === 'pcen') return pcenOf(given, sampleRate, hop);
  const natural: LogParameters = { kind: 'log', unit: 'natural', floor: 0, offset: 1e-6, reference: 1, topDb: null };
  const floor = power === 2 ? 1e-10 : 1e-5;
  const defaults: LogParameters =
    {
      tensorflow: natural,
      librosa: { kind: 'log', unit: 'decibel', floor, offset: 0, reference: 1, topDb: 80 } as const,
      kaldi: { ...natural, floor: FLOAT_EPSILON, offset: 0 },
    }[convention];
  return { ...defaults, ...given };
}

/**
 * Defaults of librosa.pcen, from Wang et al., "Trainable Frontend for Robust and
 * Far-Field Keyword Spotting", 2017.
 */
function pcenOf(
  { timeConstant = 0.4, ...given }: Partial<PcenParameters> & { timeConstant?: number },
  sampleRate: number,
  hop: number,
): object {
  const frames = (timeConstant * sampleRate) / hop;
  const smoothing = (Math.sqrt(1 + 4 * frames * frames) - 1) / (2 * frames * frames);
  return { gain: 0.98, bias: 2, power: 0.5, epsilon: 1e-6, smoothing, initial: 'one', ...given, kind: 'pcen' };
}

/**
 * The smallest power of two not below `least`, which is the default fft_length of tf.signal.stft.
 */
function powerOfTwo(least: number): number {
  let size = 2;
  while (size < least) size *= 2;
  return size;
}

/** Returns what was expected, or `undefined` if the value is valid. */
type Check = (value: unknown) => string | undefined;

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const atLeast = (min: number): Check => (value) =>
  isNumber(value) && value >= min ? undefined : `a number of at least ${min}`;

const between = (min: number, max: number): Check => (value) =>
  isNumber(value) && value >= min && value <= max ? undefined : `a number from ${min} to ${max}`;

const above0 = (max = Infinity): Check => (value) => {
  if (isNumber(value) && value > 0 && value <= max) return undefined;
  return max < Infinity ? `a number above 0 and at most ${max}` : 'a number above 0';
};

const integer = (min: number, max: number): Check => (value) =>
  Number.isInteger(value) && between(min, max)(value) === undefined ? undefined : `an integer from ${min} to ${max}`;

const either = (...choices: unknown[]): Check => (value) =>
  choices.includes(value) ? undefined : `one of ${choices.map(show).join(', ')}`;

const orNull = (check: Check): Check => (value) => {
  const expected = value === null ? undefined : check(value);
  return expected && `${expected} or null`;
};

const factors: Check = (value) => {
  const numbers: unknown[] = Array.isArray(value) ? value : [value];
  return numbers.length <= MAX_FFT && Array.from(numbers).every(Number.isFinite)
    ? undefined
    : 'a number or one per feature';
};

const object: Check = (value) => (isObject(value) ? undefined : 'an object');

const checks: Record<keyof Required<AudioPreprocessing>, Check> = {
  kind: either('audio'),
  sampleRate: above0(1e6),
  frameLength: integer(1, MAX_FFT),
  hop: integer(1, 1e6 * MAX_SECONDS),
  fftSize: integer(2, MAX_FFT),
  window: either(
    'hann',
    'hann-symmetric',
    'hamming',
    'hamming-symmetric',
    'blackman',
    'blackman-symmetric',
    'rectangular',
    'povey',
  ),
  windowPosition: either('start', 'center'),
  padding: either('none', 'end', 'center-zeros', 'center-reflect'),
  inputScale: above0(),
  preemphasis: between(0, 1),
  frames: (value) => (value === undefined || value === 'kaldi' ? undefined : '"kaldi" or nothing'),
  power: either(1, 2),
  mel: orNull(object),
  compression: orNull(object),
  mfcc: orNull(object),
  layout: either('frames-first', 'features-first'),
  scale: factors,
  offset: factors,
};
/** Settings that defaults are computed from. */
const settingChecks = {
  sampleRate: checks.sampleRate,
  frameLength: checks.frameLength,
  hop: checks.hop,
  fftSize: checks.fftSize,
  power: checks.power,
  mel: checks.mel,
  compression: checks.compression,
  mfcc: checks.mfcc,
} satisfies Partial<Record<keyof AudioSettings, Check>>;
const melChecks: Record<keyof MelParameters, Check> = {
  bands: integer(1, MAX_BANDS),
  low: atLeast(0),
  high: above0(),
  scale: either('htk', 'slaney'),
  slopes: either('mel', 'hertz'),
  norm: either('none', 'slaney'),
};
const logChecks: Record<keyof LogParameters, Check> = {
  kind: either('log'),
  unit: either('natural', 'log10', 'decibel'),
  floor: atLeast(0),
  offset: atLeast(0),
  reference: above0(),
  topDb: orNull(atLeast(0)),
};
const pcenChecks: Record<keyof PcenParameters, Check> = {
  kind: either('pcen'),
  gain: atLeast(0),
  bias: atLeast(0),
  power: atLeast(0),
  epsilon: above0(),
  smoothing: above0(1),
  initial: either('one', 'first'),
};
const mfccChecks: Record<keyof MfccParameters, Check> = {
  count: integer(1, MAX_BANDS),
  scaling: either('ortho', 'tensorflow', 'kaldi'),
  lifter: atLeast(0),
};

/**
 * Checks audio preprocessing from a file or a user. Every property must be present and known,
 * because ignoring one would compute other features than the training did.
 *
 * @returns the same object
 * @throws KletError `BAD_ARGUMENT` naming the first invalid property
 */
export function checkAudioParameters(value: unknown): AudioPreprocessing {
  const p = checked(value, '', checks) as unknown as AudioPreprocessing;
  const wrong = (what: string): KletError => new KletError('BAD_ARGUMENT', `audio preprocessing ${what}`);
  if (p.fftSize % 2 !== 0) throw wrong(`has the fftSize ${p.fftSize}, which is odd`);
  if (p.frameLength > p.fftSize) {
    throw wrong(`has frames of ${p.frameLength} samples, more than its fftSize ${p.fftSize}`);
  }
  if (p.padding.startsWith('center') && p.windowPosition !== 'center') {
    throw wrong(`has the padding "${p.padding}", which needs the windowPosition "center"`);
  }
  if (p.padding === 'end' && p.windowPosition !== 'start') {
    throw wrong('has the padding "end", which needs the windowPosition "start"');
  }
  if (p.mel) {
    checked(p.mel, 'mel.', melChecks);
    if (!(p.mel.low < p.mel.high && p.mel.high <= p.sampleRate / 2)) {
      const { low, high } = p.mel;
      const max = p.sampleRate / 2;
      throw wrong(`has mel bands from ${low} to ${high} Hz; expected low < high <= ${max} (half the sample rate)`);
    }
  }
  const { compression } = p;
  const bands = p.mel ? p.mel.bands : p.fftSize / 2 + 1;
  if (compression) checked(compression, 'compression.', compression.kind === 'pcen' ? pcenChecks : logChecks);
  if (compression?.kind === 'log') {
    if (!(compression.floor + compression.offset > 0)) {
      throw wrong('takes the logarithm of 0 for silence: floor or offset must be above 0');
    }
    if (compression.topDb !== null && compression.unit !== 'decibel') {
      throw wrong(`has topDb, which needs the unit "decibel", not "${compression.unit}"`);
    }
  }
  if (p.mfcc) {
    checked(p.mfcc, 'mfcc.', mfccChecks);
    if (p.mfcc.count > bands) throw wrong(`has ${p.mfcc.count} coefficients of ${bands} bands`);
    if (bands > MAX_BANDS) throw wrong(`has coefficients of ${bands} bands; at most ${MAX_BANDS}`);
  }
  const features = featureCount(p);
  for (const [name, factor] of Object.entries({ scale: p.scale, offset: p.offset })) {
    if (Array.isArray(factor) && factor.length !== features) {
      throw wrong(`has ${factor.length} numbers as ${name} for ${features} features`);
    }
  }
  return p;
}

/** Number of features per frame. */
export function featureCount({ fftSize, mel, mfcc }: AudioPreprocessing): number {
  return mfcc?.count ?? mel?.bands ?? fftSize / 2 + 1;
}

/** First sample under the window of frame 0; below 0 if the frame begins in the padding. */
export function frameOffset({ windowPosition, padding, fftSize, frameLength }: AudioPreprocessing): number {
  const inside = windowPosition === 'center' ? Math.floor((fftSize - frameLength) / 2) : 0;
  return inside - (padding.startsWith('center') ? fftSize / 2 : 0);
}

function checked(value: unknown, path: string, table: Record<string, Check>): Record<string, unknown> {
  const wrong = (what: string): KletError =>
    new KletError(
      'BAD_ARGUMENT',
      `audio preprocessing ${what}; audioParameters('tensorflow', 'librosa' or 'kaldi', …) fills in all settings`,
    );
  if (!isObject(value)) throw wrong(`must be an object, not ${show(value)}`);
  for (const [name, check] of Object.entries(table)) {
    const expected = check(value[name]);
    if (expected) throw wrong(`needs ${expected} as ${path}${name}, not ${show(value[name])}`);
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(table, name)) throw wrong(`has the unknown property ${path}${name}`);
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : describeValue(value);
}
