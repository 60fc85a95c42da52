import * as L from '../../../assembly/layout';
import { input, output, type Node } from '../../graph/graph';
import type { Emitter } from '../emitter';
import { denseGeometry, windowsShape } from './convolution';
import { emitRescaled } from './emit';
import { activationRange, quantizedRange } from './quantized';
import { demand, demandWhole, fourDimensions, requireTypes, shapeText } from './refuse';

type Pool = Node<'averagePool2d'> | Node<'maxPool2d'>;

export function inferPool(node: Pool | Node<'maxPoolIndices'>): number[][] {
  const { kernel, stride, padding } = node.attributes;
  const [, h, w, c] = fourDimensions(node, input(node, 0));
  demandWhole(node, 'kernel', kernel, 1);
  const shape = windowsShape(node, input(node, 0).shape, kernel, node.attributes, c);
  const covers = (d: 0 | 1, size: number): boolean =>
    padding[d] < kernel[d] && (shape[d + 1]! - 1) * stride[d] - padding[d] < size;
  demand(
    node,
    covers(0, h) && covers(1, w),
    `with the padding ${shapeText(padding)} some windows of ${shapeText(kernel)} cover only padding`,
  );
  return [shape];
}

export function lowerPool(node: Pool, emit: Emitter, kind: number): void {
  const y = output(node);
  const x = input(node, 0);
  const { kernel, stride, padding, activation } = node.attributes;
  const int8 = x.dtype === 'int8';
  requireTypes(node, x, 'int8', 'float32');
  const g = denseGeometry(x, y);
  const range = int8 ? quantizedRange(activation, y) : activationRange(activation);
  emitRescaled(node, emit, x, y, (target) => {
    const r = emit.record(L.OP_POOL2D, L.POOL2D_BYTES, x.dtype, node, node.op);
    r.source(L.POOL2D_SOURCE, x);
    r.target(L.POOL2D_TARGET, target);
    r.int(L.POOL2D_KIND, kind);
    r.ints(L.POOL2D_BATCH, [g.batch, g.inH, g.inW, g.inC, g.outH, g.outW, ...kernel, ...stride, padding[0],
      padding[1]]);
    r.int(L.POOL2D_ROUNDING_OFFSET, x.wasUint8 ? 128 : 0);
    if (int8) r.ints(L.POOL2D_MIN, target === y ? range : [-128, 127]);
    else range.forEach((bound, i) => r.float(L.POOL2D_MIN + i * 4, bound));
  }, range);
}
