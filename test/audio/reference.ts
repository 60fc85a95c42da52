import type { AudioPreprocessing } from '../../src/format/audio';

// The reference for src/audio: the formulas of docs/audio.md in plain loops over whole recordings.

/** |X[k]|² for k = 0 to size/2, by the definition. */
export function powerSpectrum(frame: ArrayLike<number>, size: number): number[] {
  return Array.from({ length: size / 2 + 1 }, (_, k) => {
    let re = 0;
    let im = 0;
    for (let t = 0; t < frame.length; t++) {
      // reducing the product first keeps the angle exact
      const angle = (2 * Math.PI * ((k * t) % size)) / size;
      re += frame[t]! * Math.cos(angle);
      im -= frame[t]! * Math.sin(angle);
    }
    return re * re + im * im;
  });
}

/** numpy.pad(x, n, mode). */
export function padded(x: readonly number[], n: number, mode: 'constant' | 'reflect'): number[] {
  const at = (t: number): number => {
    if (t >= 0 && t < x.length) return x[t]!;
    if (mode === 'constant') return 0;
    let i = t;
    if (x.length === 1) return x[0]!;
    while (i < 0 || i >= x.length) i = i < 0 ? -i : 2 * (x.length - 1) - i;
    return x[i]!;
  };
  return Array.from({ length: x.length + 2 * n }, (_, i) => at(i - n));
}

/**
 * [bands][bins], dense, as librosa.filters.mel and tf.signal.linear_to_mel_weight_matrix define it.
 */
export function melMatrix(mel: NonNullable<AudioPreprocessing['mel']>, sampleRate: number, size: number): number[][] {
  const htk = (f: number): number => 2595 * Math.log10(1 + f / 700);
  const htkInverse = (m: number): number => 700 * (10 ** (m / 2595) - 1);
  const slaney = (f: number): number => (f < 1000 ? (3 * f) / 200 : 15 + (27 * Math.log(f / 1000)) / Math.log(6.4));
  const slaneyInverse = (m: number): number => (m < 15 ? (200 * m) / 3 : 1000 * 6.4 ** ((m - 15) / 27));
  const [to, back] = mel.scale === 'htk' ? [htk, htkInverse] : [slaney, slaneyInverse];
  const low = to(mel.low);
  const high = to(mel.high);
  const points = Array.from({ length: mel.bands + 2 }, (_, i) => low + ((high - low) / (mel.bands + 1)) * i);
  const hertz = points.map(back);
  const edges = mel.slopes === 'mel' ? points : hertz;
  return Array.from({ length: mel.bands }, (_, b) =>
    Array.from({ length: size / 2 + 1 }, (_, k) => {
      const f = (sampleRate / size) * k;
      const x = mel.slopes === 'mel' ? to(f) : f;
      const rise = (x - edges[b]!) / (edges[b + 1]! - edges[b]!);
      const fall = (edges[b + 2]! - x) / (edges[b + 2]! - edges[b + 1]!);
      return Math.max(0, Math.min(rise, fall)) * (mel.norm === 'slaney' ? 2 / (hertz[b + 2]! - hertz[b]!) : 1);
    }));
}

/** [frames][features] */
export function features(samples: readonly number[], p: AudioPreprocessing): number[][] {
  const x = samples.map((v, t) => p.inputScale * (v - p.preemphasis * (samples[t - 1] ?? 0)));
  const w = weights(p);
  const frames = framed(x, p).map((frame) =>
    powerSpectrum(frame.map((v, i) => v * w[i]!), p.fftSize).map((v) => (p.power === 1 ? Math.sqrt(v) : v))
  );
  const mel = p.mel ? melMatrix(p.mel, p.sampleRate, p.fftSize) : undefined;
  const weighted = (frame: number[], row: number[]): number => row.reduce((sum, v, k) => sum + v * frame[k]!, 0);
  const bands = frames.map((frame) => (mel ? mel.map((row) => weighted(frame, row)) : frame));
  return compressed(bands, p).map((frame) => {
    const values = p.mfcc ? cosine(frame, p.mfcc) : frame;
    return values.map((v, n) =>
      v * [p.scale].flat()[Array.isArray(p.scale) ? n : 0]! + [p.offset].flat()[Array.isArray(p.offset) ? n : 0]!
    );
  });
}

function framed(x: number[], p: AudioPreprocessing): number[][] {
  const { fftSize, frameLength, hop } = p;
  const inside = Math.floor((fftSize - frameLength) / 2);
  if (p.windowPosition === 'start') {
    const count = p.padding === 'end'
      ? Math.ceil(x.length / hop)
      : Math.max(0, 1 + Math.floor((x.length - frameLength) / hop));
    return Array.from({ length: count }, (_, k) => Array.from({ length: frameLength }, (_, i) => x[k * hop + i] ?? 0));
  }
  if (x.length === 0) return [];
  const y = p.padding === 'none' ? x : padded(x, fftSize / 2, p.padding === 'center-zeros' ? 'constant' : 'reflect');
  const count = Math.max(0, 1 + Math.floor((y.length - fftSize) / hop));
  return Array.from({ length: count }, (_, k) => y.slice(k * hop + inside, k * hop + inside + frameLength));
}

function weights({ window, frameLength: n }: AudioPreprocessing): number[] {
  const [name, symmetric] = window.split('-');
  const period = symmetric ? n - 1 : n;
  const shape: Record<string, (angle: number) => number> = {
    hann: (a) => 0.5 - 0.5 * Math.cos(a),
    hamming: (a) => 0.54 - 0.46 * Math.cos(a),
    blackman: (a) => 0.42 - 0.5 * Math.cos(a) + 0.08 * Math.cos(2 * a),
    rectangular: () => 1,
  };
  return Array.from({ length: n }, (_, i) => (n === 1 ? 1 : shape[name!]!((2 * Math.PI * i) / period)));
}

function compressed(bands: number[][], { compression: c, power }: AudioPreprocessing): number[][] {
  if (c === null) return bands;
  if (c.kind === 'pcen') {
    const m = bands[0]?.map((x) => (c.initial === 'first' ? x : 1)) ?? [];
    return bands.map((frame) =>
      frame.map((x, b) => {
        m[b] = (1 - c.smoothing) * m[b]! + c.smoothing * x;
        const y = x / (c.epsilon + m[b]) ** c.gain;
        return c.power === 0 ? Math.log(1 + y) : (y + c.bias) ** c.power - c.bias ** c.power;
      })
    );
  }
  const logarithm = (v: number): number =>
    ({ natural: Math.log(v), log10: Math.log10(v), decibel: (power === 2 ? 10 : 20) * Math.log10(v) })[c.unit];
  const values = bands.map((frame) =>
    frame.map((v) => logarithm(Math.max(v, c.floor) + c.offset) - logarithm(Math.max(c.reference, c.floor)))
  );
  const loudest = Math.max(...values.flat());
  return c.topDb === null ? values : values.map((frame) => frame.map((v) => Math.max(v, loudest - c.topDb!)));
}

/** scipy.fft.dct(type 2): norm "ortho", or tf.signal.dct × rsqrt(2 · bands). */
function cosine(x: number[], { count, scaling, lifter }: NonNullable<AudioPreprocessing['mfcc']>): number[] {
  const n = x.length;
  return Array.from({ length: count }, (_, k) => {
    const sum = 2 * x.reduce((total, v, i) => total + v * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * n)), 0);
    const scaled = scaling === 'tensorflow'
      ? sum / Math.sqrt(2 * n)
      : sum * (k === 0 ? Math.sqrt(1 / (4 * n)) : Math.sqrt(1 / (2 * n)));
    return lifter > 0 ? scaled * (1 + (lifter / 2) * Math.sin((Math.PI * (k + 1)) / lifter)) : scaled;
  });
}
