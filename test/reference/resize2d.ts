import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { clamp, converter, fround, isQuantized, roundHalfAwayFromZero, roundHalfEven } from './requantize';
import { move } from './moves';
import { allocate, offset, unsupported, valueOf, type Inputs, type Shape4 } from './support';

type Options = Node<'resize2d'>['attributes'];

/** x [N][H][W][C] → [N][OH][OW][C]. Coordinates are float32, computed as in TFLite. */
export function resize2d(node: Node<'resize2d'>, inputs: Inputs): TensorData[] {
  return node.attributes.mode === 'nearest' ? nearest(node, inputs) : bilinear(node, inputs);
}

function scaleBetween(lengthIn: number, lengthOut: number, { alignCorners }: Options): number {
  return alignCorners && lengthOut > 1 ? fround((lengthIn - 1) / (lengthOut - 1)) : fround(lengthIn / lengthOut);
}

function nearest(node: Node<'resize2d'>, inputs: Inputs): TensorData[] {
  const shape = input(node, 0).shape as Shape4;
  const [, outHeight, outWidth] = output(node).shape as Shape4;
  return move(node, inputs, (position) => {
    const [n, y, x, c] = position as Shape4;
    return offset([n, nearestIndex(y, shape[1], outHeight, node.attributes),
      nearestIndex(x, shape[2], outWidth, node.attributes), c], shape);
  });
}

/** The input row (or column) that output row `index` copies. */
export function nearestIndex(index: number, lengthIn: number, lengthOut: number, options: Options): number {
  const centre = options.halfPixelCenters ? 0.5 : 0;
  const source = fround((index + centre) * scaleBetween(lengthIn, lengthOut, options));
  return clamp(options.alignCorners ? roundHalfAwayFromZero(source) : Math.floor(source), 0, lengthIn - 1);
}

/**
 * The two input rows (or columns) that output row `index` is interpolated between, and the weight
 * of the second one, in [0, 1).
 */
export function bilinearSource(
  index: number,
  lengthIn: number,
  lengthOut: number,
  options: Options,
): { first: number; second: number; weight: number } {
  const scale = scaleBetween(lengthIn, lengthOut, options);
  const source = options.halfPixelCenters
    ? fround(fround(index * scale) + fround(fround(0.5 * scale) - 0.5))
    : fround(index * scale);
  const inside = clamp(source, 0, lengthIn - 1);
  const first = Math.floor(inside);
  return { first, second: Math.min(first + 1, lengthIn - 1), weight: fround(inside - first) };
}

/**
 * Interpolates along x within the two rows, then along y between the rows. float32: a + (b −
 * a)·weight, rounding each operation. Integers: 11-bit weights round_half_even(weight·2^11), both
 * interpolations exact in int32 (|value| ≤ 128·2^22 = 2^29), then (value + 2^21) >> 22.
 */
function bilinear(node: Node<'resize2d'>, inputs: Inputs): TensorData[] {
  const [from, to] = [input(node, 0), output(node)];
  const [x, out] = [valueOf(node, inputs), allocate(to)];
  const shape = from.shape as Shape4;
  const [batches, outHeight, outWidth, channels] = to.shape as Shape4;
  const isFloat = from.dtype === 'float32' && to.dtype === 'float32';
  if (!isFloat && !(isQuantized(from) && isQuantized(to))) throw unsupported(node);
  const convert = converter(from, to);
  const between = isFloat ? betweenFloats : betweenIntegers;

  for (let n = 0; n < batches; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const y = bilinearSource(oy, shape[1], outHeight, node.attributes);
      for (let ox = 0; ox < outWidth; ox++) {
        const column = bilinearSource(ox, shape[2], outWidth, node.attributes);
        for (let c = 0; c < channels; c++) {
          const at = (iy: number, ix: number) => x[offset([n, iy, ix, c], shape)]!;
          const value = between(
            at(y.first, column.first),
            at(y.first, column.second),
            at(y.second, column.first),
            at(y.second, column.second),
            column.weight,
            y.weight,
          );
          out[offset([n, oy, ox, c], to.shape)] = convert(value);
        }
      }
    }
  }
  return [out];
}

type Between = (tl: number, tr: number, bl: number, br: number, weightX: number, weightY: number) => number;

const betweenFloats: Between = (tl, tr, bl, br, weightX, weightY) => {
  const top = fround(tl + fround(fround(tr - tl) * weightX));
  const bottom = fround(bl + fround(fround(br - bl) * weightX));
  return fround(top + fround(fround(bottom - top) * weightY));
};

const betweenIntegers: Between = (tl, tr, bl, br, weightX, weightY) => {
  const [wx, wy] = [roundHalfEven(weightX * 2048), roundHalfEven(weightY * 2048)];
  const top = (tl << 11) + (tr - tl) * wx;
  const bottom = (bl << 11) + (br - bl) * wx;
  return ((top << 11) + (bottom - top) * wy + 2 ** 21) >> 22;
};
