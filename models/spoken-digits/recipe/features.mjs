/**
 * Log-mel frames in TensorFlow's convention: periodic Hann window, magnitudes, HTK mel scale, log(mel + offset), then one
 * scale and offset for all bands. Zeros behind a recording let a frame begin at every hop.
 */
import { RATE } from './data.mjs';

export const WINDOW = 256; // samples: 32 ms
export const HOP = 128;
export const BANDS = 32;
const LOW = 80; // Hz
const HIGH = 3800;
const NOISE = 0.02; // about a quiet room's: what lies below it makes no difference
const SCALE = 0.75; // to about −2 … 3
const OFFSET = 0.9;
const BINS = WINDOW / 2 + 1;

const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
const cosines = Float64Array.from({ length: WINDOW / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
const sines = Float64Array.from({ length: WINDOW / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / WINDOW));
const reversed = Uint16Array.from({ length: WINDOW }, (_, i) => {
  let r = 0;
  for (let bit = 1; bit < WINDOW; bit <<= 1) r = (r << 1) | (i & bit ? 1 : 0);
  return r;
});

const mel = (hz) => 1127 * Math.log(1 + hz / 700);
const filters = Array.from({ length: BANDS }, (_, band) => {
  const step = (mel(HIGH) - mel(LOW)) / (BANDS + 1);
  const centre = mel(LOW) + (band + 1) * step;
  return Array.from({ length: BINS }, (_, bin) => [bin, 1 - Math.abs(mel((bin * RATE) / WINDOW) - centre) / step]).filter(([bin, weight]) => bin > 0 && weight > 0);
});

const re = new Float64Array(WINDOW);
const im = new Float64Array(WINDOW);
const magnitudes = new Float64Array(BINS);

/** @returns f32 [frames][32] */
export function logMel(samples) {
  const frames = Math.ceil(samples.length / HOP);
  const out = new Float32Array(frames * BANDS);
  for (let t = 0; t < frames; t++) {
    for (let i = 0; i < WINDOW; i++) {
      re[reversed[i]] = (samples[t * HOP + i] ?? 0) * hann[i];
      im[i] = 0;
    }
    transform();
    for (let k = 0; k < BINS; k++) magnitudes[k] = Math.sqrt(re[k] * re[k] + im[k] * im[k]);
    for (let band = 0; band < BANDS; band++) {
      let sum = 0;
      for (const [bin, weight] of filters[band]) sum += magnitudes[bin] * weight;
      out[t * BANDS + band] = Math.log(sum + NOISE) * SCALE + OFFSET;
    }
  }
  return out;
}

function transform() {
  for (let size = 2; size <= WINDOW; size <<= 1) {
    const half = size >> 1;
    const stride = WINDOW / size;
    for (let from = 0; from < WINDOW; from += size) {
      for (let i = 0; i < half; i++) {
        const c = cosines[i * stride], s = sines[i * stride], a = from + i, b = a + half;
        const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x; im[b] = im[a] - y;
        re[a] += x; im[a] += y;
      }
    }
  }
}
