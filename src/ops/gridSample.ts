import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor } from '../graph/graph';
import type { Operator } from './operator';
import { demand, fourDimensions, requireTypes, shapeText, unsupported } from './shared/refuse';

const modes = { nearest: L.GRID_SAMPLE_NEAREST, linear: L.GRID_SAMPLE_LINEAR, cubic: L.GRID_SAMPLE_CUBIC };
const paddings = { zeros: L.GRID_SAMPLE_ZEROS, border: L.GRID_SAMPLE_BORDER, reflection: L.GRID_SAMPLE_REFLECTION };

export const gridSample: Operator<'gridSample'> = {
  quantization: 'float',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const { mode, padding } = node.attributes;
    const [n, , , c] = fourDimensions(node, input(node, 0));
    const grid = input(node, 1).shape;
    demand(
      node,
      grid.length === 4 && grid[0] === n && grid[3] === 2,
      `its grid ${shapeText(grid)} must have the shape [${n}, rows, columns, 2]`,
    );
    demand(node, Object.hasOwn(modes, mode), `its mode is ${mode}, not ${Object.keys(modes).join(', ')}`);
    demand(
      node,
      Object.hasOwn(paddings, padding),
      `its padding is ${padding}, not ${Object.keys(paddings).join(', ')}`,
    );
    return [[n, grid[1]!, grid[2]!, c]];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const grid = input(node, 1);
    const y = output(node);
    const { mode, padding, alignCorners } = node.attributes;
    requireTypes(node, x, 'int8', 'float32');
    requireTypes(node, grid, 'float32');
    if (y.dtype !== x.dtype) throw unsupported(node, `a result of ${y.dtype} from ${x.dtype}`);
    const [batch, inH, inW, channels] = x.shape as [number, number, number, number];
    const count = y.shape[1]! * y.shape[2]!;
    const r = emit.record(L.OP_GRID_SAMPLE, L.GRID_SAMPLE_BYTES, x.dtype, node, node.op, elementCount(y.shape));
    r.source(L.GRID_SAMPLE_SOURCE, x);
    r.source(L.GRID_SAMPLE_GRID, grid);
    r.target(L.GRID_SAMPLE_TARGET, y);
    r.ints(L.GRID_SAMPLE_BATCH, [batch, inH, inW, channels, count, modes[mode], paddings[padding],
      Number(alignCorners)]);
    if (x.dtype === 'int8') {
      r.int(L.GRID_SAMPLE_SOURCE_ZERO, perTensor(x).zeroPoint);
      r.int(L.GRID_SAMPLE_TARGET_ZERO, perTensor(y).zeroPoint);
      r.float(L.GRID_SAMPLE_SCALE, perTensor(x).scale / perTensor(y).scale);
    } else {
      r.float(L.GRID_SAMPLE_SCALE, 1);
    }
  },
};
