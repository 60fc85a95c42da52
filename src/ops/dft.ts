import * as L from '../../assembly/layout';
import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { demand, demandAxis, demandWhole, requireTypes, shapeText, unsupported } from './shared/refuse';

/** e^(−2πik / n) for k < n, as real and imaginary parts. */
function roots(n: number): Float32Array {
  const table = new Float32Array(2 * n);
  for (let k = 0; k < n; k++) {
    const angle = 2 * Math.PI * k / n;
    const parts = [Math.cos(angle), -Math.sin(angle)];
    // of quarters of a turn, the sine or cosine is exactly 0
    table.set(4 * k % n === 0 ? parts.map(Math.round) : parts, 2 * k);
  }
  return table;
}

export const dft: Operator<'dft'> = {
  quantization: 'float',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const { shape } = input(node, 0);
    const { axis, length, onesided } = node.attributes;
    const parts = shape.at(-1);
    demand(
      node,
      shape.length > 1 && (parts === 1 || parts === 2),
      `the last dimension of ${shapeText(shape)} must be 1 (real numbers) or 2 (real and imaginary parts)`,
    );
    demandAxis(node, axis, shape.slice(0, -1));
    demandWhole(node, 'length', [length], 1);
    return [[...shape.with(axis, onesided ? (length >> 1) + 1 : length).slice(0, -1), 2]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { axis, length, inverse } = node.attributes;
    requireTypes(node, x, 'float32');
    if (length > L.DFT_MOST) throw unsupported(node, `${length} points; ${L.DFT_MOST} are possible`);
    const r = emit.record(L.OP_DFT, L.DFT_BYTES, x.dtype, node, node.op);
    r.source(L.DFT_SOURCE, x);
    r.target(L.DFT_TARGET, y);
    r.table(L.DFT_TABLE, roots(length));
    r.ints(L.DFT_OUTER, [elementCount(x.shape.slice(0, axis)), x.shape[axis]!,
      elementCount(x.shape.slice(axis + 1, -1)), length, y.shape[axis]!, x.shape.at(-1), Number(inverse)]);
  },
};
