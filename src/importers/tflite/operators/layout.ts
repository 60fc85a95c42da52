import { dequantizeConstant } from '../../shared/constants';
import { emitBatchToSpace, emitSpaceToBatch } from '../../shared/blocks';
import { emitTile } from '../../shared/tiling';
import type { Mappings, TfliteOperator } from '../operator';

const reshape = (operator: TfliteOperator) => operator.emit('reshape', [operator.input(0)], {});

function pad(operator: TfliteOperator, mode: 'constant' | 'reflect' | 'symmetric', value: number): void {
  const x = operator.input(0);
  const amounts = operator.integers(1, 'amounts');
  operator.check(
    amounts.length === 2 * x.shape.length && amounts.every((n) => n >= 0),
    `amounts [${amounts.join(', ')}]`,
  );
  operator.emit('pad', [x], {
    before: amounts.filter((_, i) => i % 2 === 0),
    after: amounts.filter((_, i) => i % 2 === 1),
    mode,
    value,
  });
}

const resize =
  (mode: 'nearest' | 'bilinear') => (operator: TfliteOperator<'RESIZE_BILINEAR' | 'RESIZE_NEAREST_NEIGHBOR'>) =>
    operator.emit('resize2d', [operator.input(0, 4)], {
      mode,
      alignCorners: operator.options.alignCorners,
      halfPixelCenters: operator.options.halfPixelCenters,
    });

export const layout: Mappings = {
  RESHAPE: reshape,
  SQUEEZE: reshape,
  EXPAND_DIMS: reshape,
  BROADCAST_TO: (operator) => operator.emit('broadcastTo', [operator.input(0)], {}),
  DEPTH_TO_SPACE: (operator) =>
    operator.emit('depthToSpace', [operator.input(0, 4)], { blockSize: operator.options.blockSize }),
  SPACE_TO_DEPTH: (operator) =>
    operator.emit('spaceToDepth', [operator.input(0, 4)], { blockSize: operator.options.blockSize }),
  SPACE_TO_BATCH_ND: (operator) =>
    emitSpaceToBatch(operator, operator.input(0), operator.integers(1, 'blocks'), operator.integers(2, 'amounts')),
  BATCH_TO_SPACE_ND: (operator) =>
    emitBatchToSpace(operator, operator.input(0), operator.integers(1, 'blocks'), operator.integers(2, 'amounts')),
  RESIZE_BILINEAR: resize('bilinear'),
  RESIZE_NEAREST_NEIGHBOR: resize('nearest'),
  PAD: (operator) => pad(operator, 'constant', 0),

  PADV2(operator) {
    const fill = operator.constantInput(2, 'fill value');
    const { scale: [scale = 1] = [], zeroPoint: [zeroPoint = 0] = [] } = fill.quantization ?? {};
    pad(operator, 'constant', scale * ((fill.data[0] ?? 0) - zeroPoint));
  },

  MIRROR_PAD(operator) {
    const { mode } = operator.options;
    operator.check(mode === 0 || mode === 1, `mode ${mode}`);
    pad(operator, mode === 0 ? 'reflect' : 'symmetric', 0);
  },

  TRANSPOSE(operator) {
    const x = operator.input(0);
    const perm = operator.integers(1, 'order of dimensions').map((axis) => operator.axis(axis, x.shape.length));
    operator.check(
      perm.length === x.shape.length && new Set(perm).size === perm.length,
      `the order [${perm.join(', ')}]`,
    );
    operator.emit('transpose', [x], { perm });
  },

  TILE(operator) {
    emitTile(operator, operator.input(0), operator.integers(1, 'multiples'));
  },

  GATHER(operator) {
    const { axis, batchDims } = operator.options;
    const x = operator.input(0);
    const indices = operator.input(1);
    const { output } = operator;
    const first = batchDims < 0 ? batchDims + indices.shape.length : batchDims;
    operator.check(first >= 0, `${batchDims} batch dimensions`);
    operator.emit('gather', [x.dtype !== output.dtype && x.data ? dequantizeConstant(x) : x, indices], {
      axis: operator.axis(axis, x.shape.length),
      batchDims: first,
    });
  },

  GATHER_ND: (operator) => operator.emit('gatherNd', [operator.input(0), operator.input(1)], { batchDims: 0 }),

  EMBEDDING_LOOKUP(operator) {
    const indices = operator.input(0, 1);
    const table = operator.input(1);
    const { output } = operator;
    if (table.dtype === output.dtype) return operator.emit('gather', [table, indices], { axis: 0, batchDims: 0 });
    operator.check(
      output.dtype === 'float32' && table.quantization?.scale.length === 1,
      `a table of ${table.dtype} for ${output.dtype}`,
    );
    const rows = operator.temporary(table, output.shape, 'rows');
    operator.emit('gather', [table, indices], { axis: 0, batchDims: 0 }, [rows]);
    operator.emit('dequantize', [rows], {});
  },
};
