/**
 * Distorts recordings the way other voices, rooms and microphones would, and joins them to streams.
 * With only four speakers to train on, accuracy for other speakers depends on this.
 */
import { between } from '../../training/random.mjs';
import { RATE } from './data.mjs';
import { BANDS, HOP, WINDOW, logMel } from './features.mjs';

const EARLY = 2; // frames; the answer must be right in the last frame of a recording that ends without silence
const STRESSES = 4; // points of a word, between which loudness is interpolated
const SPELL = 8; // frames with one tempo
const BENDS = 3; // points of the curve that shifts the bands

/**
 * Makes a stream of one or two words with background noise before, between and after them.
 *
 * @param words recordings
 * @returns { frames: f32 [T][BANDS], count: T, words: [{ digit, middle, from, to }] }. The answer
 *   must be right from frame `from`, slightly before the word's end, up to (not including) frame
 *   `to`, where the next word begins
 */
export function makeStream(words, random) {
  const parts = [];
  let length = silence(random, 0, 0.25);
  for (const { digit, samples: original } of words) {
    const samples = distort(original, random);
    parts.push({ digit, samples, start: length, end: length + samples.length });
    length += samples.length + silence(random, 0.03, 0.25);
  }
  const signal = new Float32Array(Math.max(length, WINDOW));
  for (const { samples, start } of parts) signal.set(samples, start);
  addNoise(signal, random);

  const { frames, count, frameOf } = changeTempo(logMel(signal), random);
  warpBands(frames, random);
  mask(frames, count, random);
  return {
    frames,
    count,
    words: parts.map(({ digit, start, end }, i) => ({
      digit,
      middle: frameOf((start + end) / 2),
      from: Math.max(0, frameOf(end) - EARLY),
      to: i + 1 < parts.length ? frameOf(parts[i + 1].start + WINDOW / 2) : count,
    })),
  };
}

/**
 * Changes the tempo at random points without changing the pitch.
 *
 * @returns frameOf: (sample of the signal) → first frame that covers everything before it
 */
function changeTempo(original, random) {
  const last = original.length / BANDS - 1;
  const pace = Math.exp(between(random, -0.15, 0.15));
  const places = [];
  let step = pace;
  for (let at = 0; at <= last; at += step) {
    if (places.length % SPELL === 0) step = pace * Math.exp(between(random, -0.25, 0.25));
    places.push(at);
  }
  const frames = new Float32Array(places.length * BANDS);
  places.forEach((at, t) => {
    const from = Math.floor(at) * BANDS;
    const next = Math.min(last * BANDS, from + BANDS);
    const f = at - Math.floor(at);
    for (let band = 0; band < BANDS; band++) {
      frames[t * BANDS + band] = original[from + band] + f * (original[next + band] - original[from + band]);
    }
  });
  const frameOf = (sample) => {
    const found = places.findIndex((at) => at * HOP + WINDOW >= sample);
    return found < 0 ? places.length - 1 : found;
  };
  return { frames, count: places.length, frameOf };
}

/** A random length of silence, in samples. */
function silence(random, low, high) {
  return Math.floor(RATE * between(random, low, high));
}

/** Changes the cut, pitch and formants (by resampling), stress, spectrum, echo and loudness. */
function distort(samples, random) {
  const cut = Math.min(silence(random, 0, 0.04), samples.length >> 3);
  const word = resample(samples.subarray(cut), Math.exp(between(random, -0.16, 0.16)));
  changeStress(word, random);
  if (random() < 0.8) colour(word, random);
  if (random() < 0.4) echo(word, random);
  scale(word, 10 ** (between(random, -12, 6) / 20));
  return word;
}

/** Resamples with cubic (Catmull-Rom) interpolation. */
function resample(samples, speed) {
  const length = Math.floor((samples.length - 3) / speed);
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const at = 1 + i * speed;
    const k = Math.floor(at);
    const f = at - k;
    const a = samples[k - 1];
    const b = samples[k];
    const c = samples[k + 1];
    const d = samples[k + 2];
    out[i] = b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
  }
  return out;
}

/** Varies the loudness within the word, which changes the stress of consonants and syllables. */
function changeStress(samples, random) {
  const gains = Array.from({ length: STRESSES + 1 }, () => Math.exp(between(random, -0.7, 0.7)));
  for (let i = 0; i < samples.length; i++) {
    const at = (i * STRESSES) / samples.length;
    const k = Math.floor(at);
    samples[i] *= gains[k] + (at - k) * (gains[k + 1] - gains[k]);
  }
}

/** Tilts the spectrum and adds one resonance or notch; the loudness stays the same. */
function colour(samples, random) {
  const before = power(samples);
  const tilt = between(random, -0.6, 0.6);
  let last = 0;
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i];
    samples[i] = x + tilt * last;
    last = x;
  }
  // peaking equalizer (Bristow-Johnson's cookbook)
  const gain = 10 ** (between(random, -12, 12) / 40);
  const omega = (2 * Math.PI * 200 * 18 ** random()) / RATE;
  const alpha = Math.sin(omega) / (2 * between(random, 0.5, 2));
  const a0 = 1 + alpha / gain;
  const b0 = (1 + alpha * gain) / a0;
  const b1 = (-2 * Math.cos(omega)) / a0;
  const b2 = (1 - alpha * gain) / a0;
  const a2 = (1 - alpha / gain) / a0;
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i];
    const y = b0 * x + b1 * x1 + b2 * x2 - b1 * y1 - a2 * y2;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    samples[i] = y;
  }
  scale(samples, Math.sqrt(before / (power(samples) + 1e-12)));
}

/** Adds a few reflections within 40 ms. */
function echo(samples, random) {
  for (let k = 0; k < 3; k++) {
    const delay = Math.floor(between(random, 20, 320));
    const strength = between(random, -0.3, 0.3);
    for (let i = samples.length - 1; i >= delay; i--) samples[i] += strength * samples[i - delay];
  }
}

/** Adds noise with a random spectrum, 5 to 45 dB below the words. */
function addNoise(signal, random) {
  const distance = between(random, 5, 45);
  const keep = between(random, -0.8, 0.95); // coefficient of the one-pole filter
  const noise = new Float32Array(signal.length);
  let state = 0;
  for (let i = 0; i < noise.length; i++) noise[i] = state = keep * state + random() + random() - 1;
  const gain = Math.sqrt(power(signal) / power(noise)) * 10 ** (-distance / 20);
  for (let i = 0; i < signal.length; i++) signal[i] += gain * noise[i];
}

const before = new Float32Array(BANDS + 1);

/**
 * Shifts the bands of all frames along a random curve, to imitate vocal tracts of other lengths and
 * shapes.
 */
function warpBands(frames, random) {
  const moves = Array.from({ length: BENDS + 1 }, () => between(random, -1.3, 1.3));
  const places = Array.from({ length: BANDS }, (_, band) => {
    const at = (band * BENDS) / BANDS;
    const bend = Math.floor(at);
    return Math.min(BANDS - 1, Math.max(0, band + moves[bend] + (at - bend) * (moves[bend + 1] - moves[bend])));
  });
  for (let from = 0; from < frames.length; from += BANDS) {
    before.set(frames.subarray(from, from + BANDS));
    before[BANDS] = before[BANDS - 1];
    places.forEach((at, band) => {
      const k = Math.floor(at);
      frames[from + band] = before[k] + (at - k) * (before[k + 1] - before[k]);
    });
  }
}

/** Sets random bands and frames to the mean (SpecAugment). */
function mask(frames, count, random) {
  const mean = frames.reduce((a, b) => a + b, 0) / frames.length;
  if (random() < 0.5) {
    const width = 1 + Math.floor(random() * 4);
    const first = Math.floor(random() * (BANDS - width));
    for (let t = 0; t < count; t++) frames.fill(mean, t * BANDS + first, t * BANDS + first + width);
  }
  if (random() < 0.3) {
    const width = 1 + Math.floor(random() * 2);
    const first = Math.floor(random() * Math.max(1, count - width));
    frames.fill(mean, first * BANDS, Math.min(count, first + width) * BANDS);
  }
}

function power(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] * samples[i];
  return sum / samples.length;
}

function scale(samples, gain) {
  for (let i = 0; i < samples.length; i++) samples[i] *= gain;
}
