import { elementCount, input, output } from '../graph/graph';
import type { Operator } from './operator';
import { constantWeights, demandBias, emitConv, type ConvWeights } from './shared/convolution';
import { demand, demandWhole, fourDimensions } from './shared/refuse';

/**
 * A transposed convolution is lowered to stride² ordinary convolutions, one for each residue of the
 * output coordinate. Output y = y0 + s·t sees only the taps ky = r + s·j with r = (y0 + padTop) mod
 * s, at input row (y0 + padTop − r)/s + t − j.
 */
export const transposeConv2d: Operator<'transposeConv2d'> = {
  quantization: 'weights',
  stream: 'none',
  isChannelwise: false,
  weights: { outputAxis: 'first' },
  fusesActivation: true,
  infer(node) {
    const [n, , , C] = fourDimensions(node, input(node, 0));
    const [co, , , ci] = fourDimensions(node, input(node, 1));
    const [, h, w] = fourDimensions(node, output(node));
    demand(node, ci === C, `its weights are for ${ci} channels, its input has ${C}`);
    demandWhole(node, 'stride', node.attributes.stride, 1);
    demandWhole(node, 'crop', node.attributes.padding.slice(0, 2), 0);
    demandBias(node, co);
    return [[n, h, w, co]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { stride, padding, activation } = node.attributes;
    const weights = constantWeights(node);
    const [co, kh, kw, ci] = weights.tensor.shape as [number, number, number, number];
    const [batch, inH, inW, inC] = x.shape as [number, number, number, number];
    const [, outH, outW] = y.shape as [number, number, number, number];
    for (let y0 = 0; y0 < Math.min(stride[0], outH); y0++) {
      for (let x0 = 0; x0 < Math.min(stride[1], outW); x0++) {
        const rows = phase(y0, padding[0], kh, stride[0]);
        const columns = phase(x0, padding[1], kw, stride[1]);
        const phaseWeights = takeTaps(weights, kh, kw, ci, rows.taps, columns.taps);
        const kernel: [number, number] = [Math.max(1, rows.taps.length), Math.max(1, columns.taps.length)];
        const h = Math.ceil((outH - y0) / stride[0]);
        const w = Math.ceil((outW - x0) / stride[1]);
        emitConv(
          node,
          emit,
          x,
          y,
          phaseWeights,
          {
            batch,
            inH,
            inW,
            inC,
            outH: h,
            outW: w,
            outC: co,
            kernel,
            stride: [1, 1],
            dilation: [1, 1],
            padTop: rows.pad,
            padLeft: columns.pad,
            groups: 1,
            pixelStride: stride[1] * co,
            rowStride: stride[0] * outW * co,
            batchStride: outH * outW * co,
            outOffset: (y0 * outW + x0) * co,
          },
          activation,
          elementCount([batch, h, w, co]) * rows.taps.length * columns.taps.length * ci,
        );
      }
    }
  },
};

/**
 * The taps that reach the outputs `first`, `first` + stride, …, in input order, and the padding of
 * their convolution.
 */
function phase(first: number, pad: number, kernel: number, stride: number): { taps: number[]; pad: number } {
  const r = (first + pad) % stride;
  const taps: number[] = [];
  for (let k = r; k < kernel; k += stride) taps.unshift(k);
  return { taps, pad: Math.max(1, taps.length) - 1 - (first + pad - r) / stride };
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
