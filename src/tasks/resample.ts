import type { ImagePreprocessing } from '../format/meta';
import { roundEven, type Placement } from './placement';

// Resampling of bytes by weighted sums of columns and then of rows. Each library has its own
// weights, and rounds to 8 bits at its own places.

/** The pixels of the source that make up one of the target, and their weights, which sum to 1. */
interface Taps {
  first: number;
  weights: number[];
}

/** @param scale pixels of the source for one of the target */
type Weigh = (i: number, scale: number, from: number) => Taps;

/** How a library resizes. */
interface Resampler {
  weigh: Weigh;
  /** Applied to the sums of columns. */
  roundColumns?: (value: number) => number;
  /** Applied to the sums of rows. */
  roundRows?: (value: number) => number;
}

type Choice = Pick<ImagePreprocessing, 'resize' | 'method'>;

/** Above this reduction factor, bilinear interpolation would skip pixels, so areas are averaged. */
const AREA_FROM = 2;
/** Coefficients of Pillow have 22 bits (Resample.c), those of OpenCV 11 (resize.cpp). */
const PIL_ONE = 2 ** 22;
const OPENCV_ONE = 2 ** 11;

const clip = (value: number): number => Math.min(255, Math.max(0, value));
const roundUp = (value: number): number => clip(Math.floor(value + 0.5));
const roundClip = (value: number): number => clip(roundEven(value));

/** Adds up weights of places at the edge, which stand for those outside. */
function clamped(first: number, weights: readonly number[], from: number): Taps {
  const low = Math.min(from - 1, Math.max(0, first));
  const high = Math.min(from - 1, Math.max(0, first + weights.length - 1));
  const sums = new Array<number>(high - low + 1).fill(0);
  weights.forEach((weight, i) => {
    sums[Math.min(high, Math.max(low, first + i)) - low]! += weight;
  });
  return { first: low, weights: sums };
}

/** The two pixels around the centre of a pixel of the target. */
const bilinear: Weigh = (i, scale, from) => {
  const centre = Math.max(0, Math.min(from - 1, (i + 0.5) * scale - 0.5));
  const first = Math.floor(centre);
  const part = centre - first;
  return { first, weights: part === 0 ? [1] : [1 - part, part] };
};

/** The part of each pixel that a pixel of the target covers. */
const area: Weigh = (i, scale, from) => {
  const low = Math.min(from - 1, i * scale);
  const high = Math.max(low, Math.min(from, (i + 1) * scale));
  const first = Math.floor(low);
  const count = Math.max(1, Math.ceil(high) - first);
  if (count === 1) return { first, weights: [1] };
  const parts = Array.from(
    { length: count },
    (_, j) => (Math.min(high, first + j + 1) - Math.max(low, first + j)) / (high - low),
  );
  return { first, weights: parts };
};

/** The pixel under the centre of a pixel of the target (`at` = 0.5), or its corner. */
const nearest = (at: number): Weigh => (i, scale, from) => ({
  first: Math.min(from - 1, Math.floor((i + at) * scale)),
  weights: [1],
});

/** Keys' cubic convolution (IEEE ASSP 29, 1981) with the parameter a, at a distance. */
function cubic(a: number, x: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

/** The filter of a method at a distance, and the distance from which on it is 0. */
const pilFilters: Record<string, [filter: (x: number) => number, support: number]> = {
  bilinear: [(x) => Math.max(0, 1 - Math.abs(x)), 1],
  bicubic: [(x) => cubic(-0.5, x), 2],
  area: [(x) => (x > -0.5 && x <= 0.5 ? 1 : 0), 0.5],
};

/** Pillow widens its filters when it shrinks (precompute_coeffs in Resample.c). */
const pil = (method: string): Weigh => (i, scale, from) => {
  const [filter, support] = pilFilters[method]!;
  const widening = Math.max(1, scale);
  const centre = (i + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - support * widening + 0.5));
  const end = Math.min(from, Math.trunc(centre + support * widening + 0.5));
  const raw = Array.from({ length: end - first }, (_, j) => filter((j + first - centre + 0.5) / widening));
  const sum = raw.reduce((a, b) => a + b, 0);
  return { first, weights: raw.map((weight) => Math.round(weight / sum * PIL_ONE) / PIL_ONE) };
};

const opencvCubic: Weigh = (i, scale, from) => {
  const centre = (i + 0.5) * scale - 0.5;
  const first = Math.floor(centre) - 1;
  const weights = [0, 1, 2, 3].map((j) => roundEven(cubic(-0.75, first + j - centre) * OPENCV_ONE) / OPENCV_ONE);
  return clamped(first, weights, from);
};

/** INTER_AREA of an image that grows: bilinear, with the borders of pixels kept. */
const opencvGrown: Weigh = (i, scale, from) => {
  const first = Math.floor(i * scale);
  const part = Math.max(0, i + 1 - (first + 1) / scale);
  return clamped(first, [1 - (part - Math.floor(part)), part - Math.floor(part)], from);
};

/** The weights and roundings of a library. */
function resamplerOf({ resize, method = 'bilinear' }: Choice, grows: boolean): Resampler {
  if (resize === undefined) {
    return { weigh: (i, scale, from) => (scale > AREA_FROM ? area : bilinear)(i, scale, from) };
  }
  if (method === 'nearest') return { weigh: nearest(resize === 'opencv' ? 0 : 0.5) };
  if (resize === 'pil') return { weigh: pil(method), roundColumns: roundUp, roundRows: roundUp };
  if (resize === 'tf') return { weigh: method === 'area' ? area : bilinear };
  return { weigh: { bilinear, bicubic: opencvCubic, area: grows ? opencvGrown : area }[method], roundRows: roundClip };
}

/** The taps of the target pixels that lie in the input, from `start` on. */
function axis(weigh: Weigh, from: number, to: number, offset: number, size: number): { start: number; taps: Taps[] } {
  const start = Math.max(0, offset);
  const count = Math.max(0, Math.min(size, offset + to) - start);
  return { start, taps: Array.from({ length: count }, (_, i) => weigh(start + i - offset, from / to, from)) };
}

/**
 * Makes what resizes images into an input, as their placement says.
 *
 * @param pad value of the pixels of the input outside the image
 * @returns a function from [height][width][channels] to [inputHeight][inputWidth][channels]: bytes
 *   for Pillow and OpenCV, else unrounded. The next call overwrites the array
 */
export function resampler(
  place: Placement,
  channels: 1 | 3,
  how: Choice = {},
  pad = 0,
): (data: ArrayLike<number>) => Float32Array {
  const { width, height, scaledWidth, scaledHeight, inputWidth, inputHeight } = place;
  const grows = scaledWidth > width || scaledHeight > height;
  const { weigh, roundColumns, roundRows } = resamplerOf(how, grows);
  const columns = axis(weigh, width, scaledWidth, place.left, inputWidth);
  const rows = axis(weigh, height, scaledHeight, place.top, inputHeight);
  const length = columns.taps.length * channels;
  const out = new Float32Array(inputHeight * inputWidth * channels).fill(pad);
  // rows of the source in the new width; a row of the target reads as many as it has taps
  const most = rows.taps.reduce((max, { weights }) => Math.max(max, weights.length), 1);
  const narrow = Array.from({ length: most }, () => ({ row: -1, values: new Float64Array(length) }));
  const sums = new Float64Array(length);
  return (data) => {
    for (const slot of narrow) slot.row = -1;
    const narrowed = (row: number): Float64Array => {
      const slot = narrow[row % most]!;
      if (slot.row !== row) {
        slot.row = row;
        sumColumns(data, row * width * channels, columns.taps, channels, slot.values);
        if (roundColumns) { for (let i = 0; i < length; i++) slot.values[i] = roundColumns(slot.values[i]!); }
      }
      return slot.values;
    };
    rows.taps.forEach(({ first, weights }, y) => {
      sums.fill(0);
      weights.forEach((weight, i) => {
        const values = narrowed(first + i);
        for (let x = 0; x < length; x++) sums[x]! += weight * values[x]!;
      });
      if (roundRows) { for (let x = 0; x < length; x++) sums[x] = roundRows(sums[x]!); }
      out.set(sums, ((rows.start + y) * inputWidth + columns.start) * channels);
    });
    return out;
  };
}

/** Writes the weighted sums of the columns of a row, which begins at `at`. */
function sumColumns(data: ArrayLike<number>, at: number, taps: readonly Taps[], channels: 1 | 3, out: Float64Array) {
  let o = 0;
  for (const { first, weights } of taps) {
    let from = at + first * channels;
    if (channels === 3) {
      // one pass over the pixels is twice as fast as one for each channel
      let [r, g, b] = [0, 0, 0];
      for (let i = 0; i < weights.length; i++, from += 3) {
        const weight = weights[i]!;
        r += weight * data[from]!;
        g += weight * data[from + 1]!;
        b += weight * data[from + 2]!;
      }
      out[o] = r;
      out[o + 1] = g;
      out[o + 2] = b;
    } else {
      out[o] = 0;
      for (let i = 0; i < weights.length; i++, from++) out[o]! += weights[i]! * data[from]!;
    }
    o += channels;
  }
}
