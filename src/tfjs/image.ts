import { checkWhole, isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import { toTensor } from './creation';
import { empty, type Tensor, type Tensor3D, type Tensor4D, type TensorLike } from './tensor';

// Resizing of images [height][width][channels], or of batches of them, with the pixel positions of
// TensorFlow.

/** The pixels between which a position lies, and how far it is from the first. */
interface Position {
  low: number;
  high: number;
  part: number;
}

/** For each pixel of the new side, where it is on the old side. */
function positions(from: number, to: number, alignCorners: boolean, halfPixelCenters: boolean): number[] {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  return Array.from({ length: to }, (_, i) => (halfPixelCenters ? ratio * (i + 0.5) : ratio * i));
}

function resize(
  of: string,
  images: Tensor | TensorLike,
  size: readonly number[],
  alignCorners: boolean,
  halfPixelCenters: boolean,
  kernel: (from: Tensor, to: Tensor, rows: number[], columns: number[]) => void,
  dtype?: 'float32',
): Tensor {
  const from = toTensor(images, of);
  if (from.rank !== 3 && from.rank !== 4) {
    throw new KletError('SHAPE_MISMATCH', `${of}() takes [H, W, C] or [N, H, W, C], not [${from.shape.join(', ')}]`);
  }
  if (!isArrayOf(size, () => true) || size.length !== 2) {
    throw new KletError('BAD_ARGUMENT', `${of}() takes the new size as [height, width], not ${show(size)}`);
  }
  if (alignCorners && halfPixelCenters) {
    throw new KletError('BAD_ARGUMENT', `${of}() has either aligned corners or centers at half pixels`);
  }
  const [height, width] = size as [number, number];
  checkWhole(height, `the new height of ${of}()`, 1, 65536);
  checkWhole(width, `the new width of ${of}()`, 1, 65536);
  const [h, w, channels] = from.shape.slice(-3) as [number, number, number];
  if (from.size === 0) throw new KletError('SHAPE_MISMATCH', `${of}() of the empty image [${from.shape.join(', ')}]`);
  const result = empty([...from.shape.slice(0, -3), height, width, channels], dtype ?? from.dtype);
  const at = (side: number, to: number): number[] => positions(side, to, alignCorners, halfPixelCenters);
  kernel(from, result, at(h, height), at(w, width));
  return result;
}

function bilinear(from: Tensor, to: Tensor, rows: number[], columns: number[], shift: number): void {
  const [h, w, channels] = from.shape.slice(-3) as [number, number, number];
  const between = (position: number, side: number): Position => {
    const exact = position - shift;
    const low = Math.max(0, Math.floor(exact));
    return { low, high: Math.min(side - 1, Math.ceil(exact)), part: exact - low };
  };
  const [ys, xs] = [rows.map((y) => between(y, h)), columns.map((x) => between(x, w))];
  const [values, out] = [from.dataSync(), to.dataSync()];
  let i = 0;
  for (let image = 0; image < values.length; image += h * w * channels) {
    for (const y of ys) {
      for (const x of xs) {
        const topLeft = image + (y.low * w + x.low) * channels;
        const topRight = image + (y.low * w + x.high) * channels;
        const down = (y.high - y.low) * w * channels;
        for (let channel = 0; channel < channels; channel++) {
          const [left, right] = [values[topLeft + channel]!, values[topRight + channel]!];
          const [lowLeft, lowRight] = [values[topLeft + down + channel]!, values[topRight + down + channel]!];
          const top = left + (right - left) * x.part;
          const bottom = lowLeft + (lowRight - lowLeft) * x.part;
          out[i++] = top + (bottom - top) * y.part;
        }
      }
    }
  }
}

/**
 * Resizes images by bilinear interpolation, to float32.
 *
 * @param images [H, W, C] or [N, H, W, C]
 * @param size [height, width]
 * @throws KletError `SHAPE_MISMATCH` or `BAD_ARGUMENT`
 */
export function resizeBilinear<T extends Tensor3D | Tensor4D>(
  images: T | TensorLike,
  size: [number, number],
  alignCorners = false,
  halfPixelCenters = false,
): T {
  const shift = halfPixelCenters ? 0.5 : 0;
  return resize('resizeBilinear', images, size, alignCorners, halfPixelCenters, (from, to, rows, columns) => {
    bilinear(from, to, rows, columns, shift);
  }, 'float32') as T;
}

/** Resizes images to the nearest pixels. @see resizeBilinear */
export function resizeNearestNeighbor<T extends Tensor3D | Tensor4D>(
  images: T | TensorLike,
  size: [number, number],
  alignCorners = false,
  halfPixelCenters = false,
): T {
  const round = alignCorners ? Math.round : Math.floor;
  return resize('resizeNearestNeighbor', images, size, alignCorners, halfPixelCenters, (from, to, rows, columns) => {
    const [h, w, channels] = from.shape.slice(-3) as [number, number, number];
    const [values, out] = [from.dataSync(), to.dataSync()];
    let i = 0;
    for (let image = 0; image < values.length; image += h * w * channels) {
      for (const y of rows) {
        for (const x of columns) {
          const at = image + (Math.min(h - 1, round(y)) * w + Math.min(w - 1, round(x))) * channels;
          for (let channel = 0; channel < channels; channel++) out[i++] = values[at + channel]!;
        }
      }
    }
  }) as T;
}
