import { elementCount, input, output, type Node, type Tensor } from '../graph/graph';
import type { Pair } from '../graph/operators';
import type { Emitter } from './emitter';
import type { Operator } from './operator';
import { constantWeights, demandBias, emitConv, type ConvWeights } from './shared/convolution';
import { emitDepthwise } from './shared/depthwise';
import { emitCopy } from './shared/emit';
import { productMatrix } from './shared/matrices';
import { demand, demandWhole, fourDimensions } from './shared/refuse';
import { stridesOf } from './shared/shapes';
import { addsInInt32 } from './shared/wide';

/**
 * A transposed convolution is lowered to stride² ordinary convolutions, one for each residue of the
 * output coordinate. Output y = y0 + s·t sees only the taps ky for which y0 + padTop − d·ky is a
 * multiple of s, where s is the stride and d the dilation. These are every s/gcd(s, d)-th tap, and
 * from one to the next the input row moves by d/gcd(s, d), the dilation of the convolution.
 */
export const transposeConv2d: Operator<'transposeConv2d'> = {
  quantization: 'weights',
  stream: 'none',
  isChannelwise: false,
  weights: {
    outputAxis: 'first',
    matrices: (node) => {
      const [, kh, kw] = input(node, 1).shape as [number, number, number];
      const [, outH, outW] = output(node).shape as [number, number, number];
      const { groups } = node.attributes;
      const window = { ...node.attributes, kernel: [kh, kw] as Pair };
      return productMatrix(node, outH * outW, { groups, window, isTransposed: true });
    },
  },
  fusesActivation: true,
  computesInt16: true,
  infer(node) {
    const { groups, stride, dilation, padding } = node.attributes;
    const [n, , , C] = fourDimensions(node, input(node, 0));
    const [co, , , ci] = fourDimensions(node, input(node, 1));
    const [, h, w] = fourDimensions(node, output(node));
    demandWhole(node, 'groups', [groups], 1);
    demand(
      node,
      ci * groups === C,
      `its weights are for ${groups} groups of ${ci} channels, its input has ${C} channels`,
    );
    demand(node, co % groups === 0, `${groups} groups do not divide its ${co} output channels`);
    demandWhole(node, 'stride', stride, 1);
    demandWhole(node, 'dilation', dilation, 1);
    demandWhole(node, 'crop', padding.slice(0, 2), 0);
    demandBias(node, co);
    return [[n, h, w, co]];
  },
  lower(node, emit) {
    const y = output(node);
    const { stride, dilation, padding } = node.attributes;
    const weights = constantWeights(node);
    const [, kh, kw, ci] = weights.tensor.shape as [number, number, number, number];
    const [, outH, outW] = y.shape as [number, number, number];
    for (let y0 = 0; y0 < Math.min(stride[0], outH); y0++) {
      for (let x0 = 0; x0 < Math.min(stride[1], outW); x0++) {
        const rows = phaseOf(y0 + padding[0], kh, stride[0], dilation[0]);
        const columns = phaseOf(x0 + padding[1], kw, stride[1], dilation[1]);
        emitPhase(node, emit, takeTaps(weights, kh, kw, ci, rows.taps, columns.taps), rows, columns, [y0, x0]);
      }
    }
  },
};

/** The part of a kernel that reaches every `stride`-th output, as an ordinary convolution. */
interface Phase {
  /** The taps in the order of the input pixels that they read. */
  taps: number[];
  dilation: number;
  pad: number;
}

/** The phase of the outputs `first`, `first` + stride, …, counted from before the crop. */
function phaseOf(first: number, kernel: number, stride: number, dilation: number): Phase {
  const taps: number[] = [];
  for (let k = 0; k < kernel; k++) if ((first - k * dilation) % stride === 0) taps.unshift(k);
  const [largest] = taps;
  if (largest === undefined) return { taps, dilation: 1, pad: 0 };
  const step = taps.length > 1 ? (largest - taps[1]!) * dilation / stride : 1;
  return { taps, dilation: step, pad: (largest * dilation - first) / stride };
}

function emitPhase(
  node: Node<'transposeConv2d'>,
  emit: Emitter,
  weights: ConvWeights,
  rows: Phase,
  columns: Phase,
  [y0, x0]: Pair,
): void {
  const x = input(node, 0);
  const y = output(node);
  const { stride, groups, activation } = node.attributes;
  const [batch, inH, inW, inC] = x.shape as [number, number, number, number];
  const [, outH, outW, outC] = y.shape as [number, number, number, number];
  const h = Math.ceil((outH - y0) / stride[0]);
  const w = Math.ceil((outW - x0) / stride[1]);
  const window = {
    kernel: [Math.max(1, rows.taps.length), Math.max(1, columns.taps.length)] as Pair,
    stride: [1, 1] as Pair,
    dilation: [rows.dilation, columns.dilation] as Pair,
    padTop: rows.pad,
    padLeft: columns.pad,
  };
  const pixelStride = stride[1] * outC;
  const rowStride = stride[0] * outW * outC;
  const batchStride = outH * outW * outC;
  const outOffset = (y0 * outW + x0) * outC;
  const macs = elementCount([batch, h, w, outC]) * rows.taps.length * columns.taps.length * inC / groups;
  if (groups > 1 && groups === inC && outC === inC && (x.dtype !== 'int16' || addsInInt32(weights))) {
    // the record of depthwise convolutions has a dense target, so that a copy spreads the pixels
    const isDense = h === outH && w === outW;
    const target: Tensor = isDense ? y : { ...y, name: `${y.name} (phase ${y0}, ${x0})`, shape: [batch, h, w, outC] };
    emitDepthwise(node, emit, x, target, weights, window, activation, macs);
    if (isDense) return;
    const to = [batchStride, rowStride, pixelStride, 1];
    emitCopy(node, emit, target, y, target.shape, stridesOf(target.shape), to, 0, outOffset);
    return;
  }
  const geometry = { batch, inH, inW, inC, outH: h, outW: w, outC, groups, ...window };
  emitConv(
    node,
    emit,
    x,
    y,
    weights,
    { ...geometry, pixelStride, rowStride, batchStride, outOffset },
    activation,
    macs,
  );
}

/** Selects the weights of some taps. A phase without taps gets one tap of zeros. */
function takeTaps(
  weights: ConvWeights,
  kh: number,
  kw: number,
  ci: number,
  rows: number[],
  columns: number[],
): ConvWeights {
  const co = weights.tensor.shape[0]!;
  const K = Math.max(1, rows.length) * Math.max(1, columns.length) * ci;
  const type = weights.values.constructor as new(length: number) => Int8Array;
  const values = new type(co * K).fill(weights.tensor.quantization?.zeroPoint[0] ?? 0);
  for (let c = 0; c < co; c++) {
    rows.forEach((ky, j) =>
      columns.forEach((kx, i) => {
        const from = ((c * kh + ky) * kw + kx) * ci;
        values.set((weights.values as Int8Array).subarray(from, from + ci), c * K + (j * columns.length + i) * ci);
      })
    );
  }
  return { ...weights, values, K };
}
