import { elementCount } from '../../../graph/graph';
import type { OperatorImport, Mappings } from '../operatorImport';

const reshape = (operator: OperatorImport) => operator.emit('reshape', [operator.input(0)], {});

function pad(operator: OperatorImport, mode: 'constant' | 'reflect' | 'symmetric', value: number): void {
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
  (mode: 'nearest' | 'bilinear') => (operator: OperatorImport<'RESIZE_BILINEAR' | 'RESIZE_NEAREST_NEIGHBOR'>) =>
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

  /**
   * Repeats one dimension after the other: inserts a dimension of 1 before it, broadcasts that and
   * merges the two.
   */
  TILE(operator) {
    const x = operator.input(0);
    const multiples = operator.integers(1, 'multiples');
    operator.check(
      multiples.length === x.shape.length && multiples.every((n) => n > 0),
      `multiples [${multiples.join(', ')}]`,
    );
    let tiled = x;
    let shape = x.shape;
    multiples.forEach((times, i) => {
      if (times === 1) return;
      const [outer, inner] = [elementCount(shape.slice(0, i)), elementCount(shape.slice(i))];
      const repeated = operator.temporary(operator.output, [outer, times, inner], `repeat_${i}`);
      operator.emit('broadcastTo', [operator.reshaped(tiled, [outer, 1, inner], `split_${i}`)], {}, [repeated]);
      tiled = repeated;
      shape = shape.with(i, shape[i]! * times);
    });
    operator.emit('reshape', [tiled], {});
  },
};
