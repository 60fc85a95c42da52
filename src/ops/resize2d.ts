import * as L from '../../assembly/layout';
import { input, output, type Tensor } from '../graph/graph';
import type { Attributes } from '../graph/operators';
import type { Operator } from './operator';
import { emitRescaled } from './shared/emit';
import { fourDimensions, requireTypes } from './shared/refuse';
import { f32, roundAway, roundEven } from './shared/rounding';

/** Unit of int8 interpolation weights: 1/2048, as in XNNPACK. */
const ONE = 2048;

export const resize2d: Operator<'resize2d'> = {
  quantization: 'same',
  stream: 'none',
  isChannelwise: true,
  isHomogeneous: true,
  infer(node) {
    const [n, , , c] = fourDimensions(node, input(node, 0));
    const [, h, w] = fourDimensions(node, output(node));
    return [[n, h, w, c]];
  },
  lower(node, emit) {
    const y = output(node);
    const x = input(node, 0);
    const a = node.attributes;
    requireTypes(node, x, 'int8', 'float32');
    const [batch, inH, inW, channels] = x.shape as [number, number, number, number];
    const [, outH, outW] = y.shape as [number, number, number, number];
    emitRescaled(node, emit, x, y, (target) => {
      const r = emit.record(L.OP_RESIZE2D, L.RESIZE2D_BYTES, x.dtype, node, node.op);
      r.source(L.RESIZE2D_SOURCE, x);
      r.target(L.RESIZE2D_TARGET, target);
      r.table(L.RESIZE2D_ROWS, entries(inH, outH, a, x));
      r.table(L.RESIZE2D_COLUMNS, entries(inW, outW, a, x));
      r.ints(L.RESIZE2D_MODE, [a.mode === 'nearest' ? L.RESIZE2D_NEAREST : L.RESIZE2D_BILINEAR, batch, inH, inW,
        channels, outH, outW]);
    });
  },
};

/**
 * Returns { low, high, weight } for each output index along one dimension, as TensorFlow's resize
 * kernels compute them in float32.
 */
function entries(
  size: number,
  outSize: number,
  { mode, alignCorners, halfPixelCenters }: Attributes['resize2d'],
  x: Tensor,
): DataView {
  const scale = alignCorners && outSize > 1 ? f32(f32(size - 1) / f32(outSize - 1)) : f32(f32(size) / f32(outSize));
  const view = new DataView(new ArrayBuffer(outSize * L.RESIZE2D_ENTRY_BYTES));
  for (let i = 0; i < outSize; i++) {
    const at = i * L.RESIZE2D_ENTRY_BYTES;
    if (mode === 'nearest') {
      const position = f32(f32(i + (halfPixelCenters ? 0.5 : 0)) * scale);
      const index = Math.min(size - 1, alignCorners ? roundAway(position) : Math.floor(position));
      view.setUint32(at, index, true);
      view.setUint32(at + 4, index, true);
    } else {
      const position = halfPixelCenters ? f32(f32(i * scale) + f32(f32(0.5 * scale) - 0.5)) : f32(i * scale);
      const low = Math.max(0, Math.floor(position));
      const high = Math.min(low + 1, size - 1);
      const weight = Math.max(0, f32(position - low));
      view.setUint32(at, Math.min(low, size - 1), true);
      view.setUint32(at + 4, high, true);
      if (x.dtype === 'int8') view.setInt32(at + 8, Math.min(ONE, roundEven(weight * ONE)), true);
      else view.setFloat32(at + 8, weight, true);
    }
  }
  return view;
}
