import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { emitDequantize } from './shared/convert';
import { unsupported } from './shared/refuse';
import { sameRows } from './shared/rowForms';
import { frameByFrame } from './shared/stream';
import { emitWideConvert } from './shared/wide';

export const dequantize: Operator<'dequantize'> = {
  quantization: 'float',
  stream: frameByFrame,
  rows: sameRows,
  isChannelwise: true,
  computesInt16: true,
  infer: (node) => [input(node, 0).shape],
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    if (x.dtype === 'int16' && y.dtype === 'float32') return emitWideConvert(node, emit, x, y);
    if (x.dtype !== 'int8' || y.dtype !== 'float32') throw unsupported(node, `${x.dtype} to ${y.dtype}`);
    emitDequantize(node, emit, x, y);
  },
};
