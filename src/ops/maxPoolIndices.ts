import * as L from '../../assembly/layout';
import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { denseGeometry } from './shared/convolution';
import { inferPool } from './shared/pool2d';
import { requireTypes } from './shared/refuse';

export const maxPoolIndices: Operator<'maxPoolIndices'> = {
  quantization: 'free',
  stream: 'none',
  isChannelwise: false,
  infer: inferPool,
  lower(node, emit) {
    const [x, y] = [input(node, 0), output(node)];
    const { kernel, stride, padding: [top, left] } = node.attributes;
    requireTypes(node, x, 'int8', 'float32');
    requireTypes(node, y, 'int32', 'int64');
    const g = denseGeometry(x, y);
    const r = emit.record(L.OP_MAX_POOL_INDICES, L.MAX_POOL_INDICES_BYTES, x.dtype, node, node.op);
    r.source(L.MAX_POOL_INDICES_SOURCE, x);
    r.target(L.MAX_POOL_INDICES_TARGET, y);
    r.ints(L.MAX_POOL_INDICES_BATCH, [g.batch, g.inH, g.inW, g.inC, g.outH, g.outW, ...kernel, ...stride, top, left]);
  },
};
