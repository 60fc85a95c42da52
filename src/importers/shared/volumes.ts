import type { Tensor } from '../../graph/graph';
import { permuted, type Constant } from './constants';
import type { OperatorImport } from './operatorImport';
import { padded } from './pads';

// A convolution over volumes [N, D, H, W, C] is one over images [N·D', H, W, KD·C]: the slices at
// the taps of the depth become channels. So it has one accumulator, and one rounding in int8.

/** The slices that one tap of the depth reads: from `begin` on, `stride` apart. */
export interface DepthTap {
  begin: number;
  stride: number;
}

/** `count` images for each volume, with the slices at the taps as the channels of each group. */
export function stackDepth(
  operator: OperatorImport,
  x: Tensor,
  taps: readonly DepthTap[],
  count: number,
  groups: number,
): Tensor {
  const [n, depth, h, w, c] = x.shape as [number, number, number, number, number];
  const pixels = n * count * h * w;
  const slices = taps.map(({ begin, stride }, i) => {
    let slice = x;
    if (begin !== 0 || stride !== 1 || count !== depth) {
      slice = operator.temporary(x, [n, count, h, w, c], `depth_${i}`);
      operator.emit('slice', [x], { begin: [0, begin, 0, 0, 0], stride: [1, stride, 1, 1, 1] }, [slice]);
    }
    return operator.reshaped(slice, [pixels, groups, 1, c / groups], `depth_${i}/flat`);
  });
  let [stacked] = slices as [Tensor];
  if (slices.length > 1) {
    stacked = operator.temporary(x, [pixels, groups, taps.length, c / groups], 'depths');
    operator.emit('concat', slices, { axis: 2, activation: 'none' }, [stacked]);
  }
  return operator.reshaped(stacked, [n * count, h, w, taps.length * c], 'images');
}

/** Weights [Co, KD, KH, KW, Ci] as those of the images. */
export function stackedWeights(w: Constant): Constant {
  const [co, kd, kh, kw, ci] = w.shape as [number, number, number, number, number];
  return { ...permuted(w, [0, 2, 3, 1, 4]), shape: [co, kh, kw, kd * ci] };
}

/** The volumes with stride − 1 slices of zeros behind each slice, and `before` and `after` all. */
export function spreadDepth(
  operator: OperatorImport,
  x: Tensor,
  stride: number,
  before: number,
  after: number,
): Tensor {
  const [n, depth, ...image] = x.shape as [number, number, number, number, number];
  let spread = x;
  if (stride > 1) {
    const rows = operator.reshaped(x, [n * depth, 1, image.reduce((p, q) => p * q)], 'slices');
    spread = operator.reshaped(padded(operator, rows, [0], [stride - 1]), [n, depth * stride, ...image], 'spread');
  }
  return padded(operator, spread, [before, 0, 0], [after, 0, 0]);
}
