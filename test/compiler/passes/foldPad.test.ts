import { describe, test } from 'vitest';
import { foldPad } from '../../../src/compiler/passes/foldPad';
import { dropDead } from '../../../src/compiler/passes/dropDead';
import type { Graph, Quantization } from '../../../src/graph/graph';
import type { Attributes, Padding } from '../../../src/graph/operators';
import { checkPass, constantOf, expect, GraphBuilder, operatorsOf, steps } from './suite';

const pads: Attributes['pad'] = { before: [0, 1, 2, 0], after: [0, 3, 0, 0], mode: 'constant', value: 0 };

interface Options {
  pad?: Partial<Attributes['pad']>;
  padding?: Padding;
  depthwise?: boolean;
  /** The quantization of the image and of the padded image. */
  quantization?: [Quantization, Quantization];
  /** Whether the padded image is an output too. */
  watched?: boolean;
}

function network(
  { pad = {}, padding = [1, 0, 0, 1], depthwise = false, quantization, watched = false }: Options,
): Graph {
  const b = new GraphBuilder('padded');
  const dtype = quantization ? 'int8' : 'float32';
  const padded = b.node(
    'pad',
    [b.input('x', [1, 4, 5, 2], dtype, quantization?.[0])],
    { ...pads, ...pad },
    quantization && { quantization: quantization[1] },
  );
  const common = {
    stride: [2, 1] as [number, number],
    dilation: [1, 1] as [number, number],
    padding,
    activation: 'none' as const,
  };
  const C = padded.shape[3]!;
  const weights = constantOf(b, depthwise ? [1, 3, 2, C] : [3, 3, 2, C], dtype, quantization && steps(0.5, 0));
  const options = quantization && { quantization: steps(40, 3) };
  const y = depthwise
    ? b.node('depthwiseConv2d', [padded, weights, null], common, options)
    : b.node('conv2d', [padded, weights, null], { ...common, groups: 1 }, options);
  return b.finish(watched ? [y, padded] : [y]);
}

function run(graph: Graph): Graph {
  return checkPass(graph, (work) => {
    foldPad(work);
    dropDead(work);
  });
}

describe('foldPad', () => {
  test('moves zero padding of an image into the convolution that reads it', () => {
    for (const depthwise of [false, true]) {
      const after = run(network({ depthwise }));
      expect(operatorsOf(after)).toEqual([depthwise ? 'depthwiseConv2d' : 'conv2d']);
      expect(after.nodes[0]!.attributes).toMatchObject({ padding: [2, 2, 3, 1] });
    }
  });

  test('does the same in int8, where the padding is the zero point', () => {
    expect(operatorsOf(run(network({ quantization: [steps(0.5, 7), steps(0.5, 7)] })))).toEqual(['conv2d']);
  });

  test('keeps a pad with another value, mode, axis or quantization, or with a second reader', () => {
    const kept: Options[] = [{ pad: { value: 1 } }, {
      pad: { mode: 'symmetric', before: [0, 1, 1, 0], after: [0, 1, 1, 0] },
    }, { pad: { before: [0, 1, 1, 1] } }, { pad: { after: [1, 0, 0, 0] } }, {
      quantization: [steps(0.5, 7), steps(0.25, 7)],
    }, { quantization: [steps(0.5, 7), steps(0.5, 6)] }, { watched: true }];
    for (const options of kept) expect(operatorsOf(run(network(options)))).toEqual(['pad', 'conv2d']);
  });
});
