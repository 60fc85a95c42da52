import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Tensor } from '../../src/graph/graph';
import { Random } from '../../test/helpers/random';

// Inputs of real networks: photographs and recordings if they are at hand, otherwise smooth ones.

export type Values = Float32Array | Int32Array;

/** Equal parts of a file. */
export function parts(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
}

const PHOTO = 224;

/** The optional folder of models and data beside the project. */
export class Shared {
  private readonly photos: Uint8Array[];

  constructor(private readonly folder: string) {
    this.photos = parts(this.bytes('data', 'imagenet', 'images.bin'), PHOTO * PHOTO * 3);
  }

  bytes(...path: string[]): Uint8Array<ArrayBuffer> {
    return new Uint8Array(readFileSync([this.folder, ...path].join('/')));
  }

  json<T>(...path: string[]): T {
    return JSON.parse(new TextDecoder().decode(this.bytes(...path))) as T;
  }

  /** The names in a folder; none if there is no such folder. */
  names(...path: string[]): string[] {
    const folder = [this.folder, ...path].join('/');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  /**
   * The i-th of the photographs, their mirror images and parts of them, [height][width][channels]
   * of 0 … 255.
   */
  photo(i: number, height: number, width: number, channels: number): Float32Array {
    const pixels = this.photos[i % this.photos.length]!;
    const version = Math.floor(i / this.photos.length);
    const side = version < 2 ? PHOTO : 150;
    const [top, left] = version < 2 ? [0, 0] : [37 + 12 * (version % 3), 20 + 10 * (version % 4)];
    const out = new Float32Array(height * width * channels);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const rows = [top + y * side / height, top + (y + 1) * side / height];
        const columns = [left + x * side / width, left + (x + 1) * side / width];
        const rgb = meanOf(pixels, rows, columns, version % 2 === 1);
        for (let c = 0; c < channels; c++) {
          out[(y * width + x) * channels + c] = channels === 1 ? (rgb[0]! + rgb[1]! + rgb[2]!) / 3 : rgb[c]!;
        }
      }
    }
    return out;
  }

  /** Recordings of spoken digits as numbers of −1 … 1 at 16 kHz, one after the other. */
  speech(length: number, from: number): Float32Array {
    const out = new Float32Array(length);
    let filled = 0;
    for (let n = from; filled < length; n++) {
      const recording = `${n % 10}_${speakers[n % 6]}_${Math.floor(n / 10) % 50}.wav`;
      const bytes = this.bytes('data', 'spoken-digits', recording);
      const samples = new Int16Array(bytes.slice(44, bytes.length - bytes.length % 2).buffer);
      // twice the rate, by linear interpolation
      for (let i = 0; i < 2 * samples.length - 2 && filled < length; i++) {
        const [a, b] = [samples[i >> 1]!, samples[(i >> 1) + 1]!];
        out[filled++] = (i % 2 === 0 ? a : (a + b) / 2) / 32768;
      }
    }
    return out;
  }
}

const speakers = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler'];

/** The mean color of a rectangle of pixels. */
function meanOf(
  pixels: Uint8Array,
  rows: readonly number[],
  columns: readonly number[],
  isMirrored: boolean,
): number[] {
  const [y0, y1] = [Math.floor(rows[0]!), Math.max(Math.floor(rows[0]!) + 1, Math.floor(rows[1]!))];
  const [x0, x1] = [Math.floor(columns[0]!), Math.max(Math.floor(columns[0]!) + 1, Math.floor(columns[1]!))];
  const sum = [0, 0, 0];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = (y * PHOTO + (isMirrored ? PHOTO - 1 - x : x)) * 3;
      for (let c = 0; c < 3; c++) sum[c]! += pixels[at + c]!;
    }
  }
  return sum.map((total) => total / ((y1 - y0) * (x1 - x0)));
}

/** Sums of sines along the dimensions, over a range; of integers, random ones from the range. */
export function smooth({ shape, dtype }: Tensor, [low, high]: readonly [number, number], seed: number): Values {
  const random = new Random(seed * 7919 + 13);
  const count = shape.reduce((a, b) => a * b, 1);
  if (dtype !== 'float32') return Int32Array.from({ length: count }, () => random.int(low, high));
  const waves = Array.from(
    { length: 4 },
    () => ({
      size: random.between(0.3, 1),
      speeds: shape.map(() => random.between(-1, 1)),
      phase: random.between(0, 6.28),
    }),
  );
  const offset = random.between(-0.3, 0.3);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let [rest, sum] = [i, offset];
    const place = shape.map(() => 0);
    for (let d = shape.length - 1; d >= 0; d--) {
      place[d] = rest % shape[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    for (const { size, speeds, phase } of waves) {
      sum += size * Math.sin(speeds.reduce((angle, speed, d) => angle + speed * place[d]!, phase));
    }
    values[i] = low + (high - low) * Math.min(1, Math.max(0, 0.5 + sum / 5));
  }
  return values;
}
