import { compile, GraphBuilder } from '../../src/compiler/index';

/** The network that docs/format/example.md shows byte by byte. */
export function tinyKlet(): Uint8Array {
  const b = new GraphBuilder('tiny');
  const x = b.input('x', [1, 3], 'int8', { scale: [0.5], zeroPoint: [1], axis: 0 });
  const w = b.constant(new Int8Array([1, -2, 3, 64, 0, -128]), [2, 3], {
    scale: [0.25, 0.125],
    zeroPoint: [0, 0],
    axis: 0,
  }, 'w');
  const bias = b.constant(new Int32Array([10, -7]), [2], undefined, 'bias');
  const y = b.node('fullyConnected', [x, w, bias], { activation: 'relu' }, {
    name: 'y',
    quantization: { scale: [0.75], zeroPoint: [-3], axis: 0 },
  });
  return compile(b.finish([y]), { meta: { labels: ['no', 'yés'] }, golden: [new Int8Array([5, -7, 20])] });
}
