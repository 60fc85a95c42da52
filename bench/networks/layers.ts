import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile, importTflite } from '../../src/compiler/index';
import type { TfliteTensor } from '../../test/tflite/writer';
import { Maker, Random } from '../oracle/maker';
import { lstm } from '../oracle/recurrent';
import type { Network } from './prepare';
import { prunedTflite } from './pruned';

/** One line of a shapes file. */
export interface Layer {
  kind: 'conv' | 'depthwise' | 'pointwise' | 'dense' | 'lstm';
  /**
   * Height, width and channels of the input. A dense layer has channels only; an lstm has time
   * steps, 1 and inputs.
   */
  h: number;
  w: number;
  c: number;
  out: number;
  kernel: [number, number];
  stride: number;
  /** Fraction of weight pairs (blocks for an lstm) that are kept when pruning. Default 1. */
  density: number;
}

export type LayerNetwork = Network & { layer: Layer; network: string };

/**
 * Reads a shapes file. A line is: kind, input (h×w×c, or c alone; time steps×1×c for an lstm),
 * output channels (`-` if the kind has none), kernel (h×w), stride and density. The last three are
 * optional. `#` starts a comment.
 */
export function readShapes(text: string): Layer[] {
  return text.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter(Boolean).map((line) => {
    const [kind, input = '', out = '-', kernel = '1x1', stride = '1', density = '1'] = line.split(/\s+/);
    const sizes = input.split('x').map(Number);
    const [h, w, c] = sizes.length === 1 ? [1, 1, sizes[0]!] : sizes as [number, number, number];
    const layer = {
      kind,
      h,
      w,
      c,
      out: out === '-' ? c : Number(out),
      kernel: kernel.split('x').map(Number),
      stride: Number(stride),
      density: Number(density),
    } as Layer;
    if (!['conv', 'depthwise', 'pointwise', 'dense', 'lstm'].includes(layer.kind) ||
      [h, w, c, layer.out, ...layer.kernel, layer.stride, layer.density].some((n) => !(n > 0)))
    {
      throw new Error(`not a shape: ${line}`);
    }
    return layer;
  });
}

/** Writes an int8 network of one layer, SAME padding and relu, for TensorFlow Lite and kinglet. */
export function prepareLayer(layer: Layer, network: string, folder: string): LayerNetwork {
  const { kind, h, w, c, out, kernel: [kh, kw], stride, density } = layer;
  const make = new Maker('int8', new Random(1));
  const options = { padding: 'SAME', strideH: stride, strideW: stride, fusedActivationFunction: 'RELU' };
  const [oh, ow] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const high = 2 * Math.sqrt(kh * kw * (kind === 'depthwise' ? 1 : c));
  if (kind === 'dense') {
    const x = make.input([1, c], -1, 1);
    const weights = make.weights([out, c], null);
    make.emit('FULLY_CONNECTED', [x, weights, make.bias(out, x, weights)], [make.output([1, out], 0, high)], {
      fusedActivationFunction: 'RELU',
    });
  } else if (kind === 'lstm') {
    const x = make.input([1, h, c], -1, 1);
    const y = make.output([1, h, out], -1, 1);
    const { operands, states, norms, intermediates } = lstm(
      make,
      x,
      { inputs: c, cells: out, outputs: out, batch: 1 },
      { isCoupled: false, hasPeephole: false, hasNorm: false },
      y,
    );
    for (const name of operands.slice(0, 8)) pruneBlocks(make.find(name!), density, make.random);
    make.emit('UNIDIRECTIONAL_SEQUENCE_LSTM', [x, ...operands, ...states, ...norms], [y], {
      fusedActivationFunction: 'TANH',
      cellClip: 0,
      projClip: 0,
      timeMajor: false,
    }, intermediates && { intermediates });
  } else if (kind === 'depthwise') {
    const x = make.input([1, h, w, c], -1, 1);
    const weights = make.weights([1, kh, kw, c], 3);
    make.emit('DEPTHWISE_CONV_2D', [x, weights, make.bias(c, x, weights)], [make.output([1, oh, ow, c], 0, high)], {
      ...options,
      depthMultiplier: 1,
    });
  } else {
    const x = make.input([1, h, w, c], -1, 1);
    const weights = make.weights([out, kh, kw, c], 0);
    make.emit('CONV_2D', [x, weights, make.bias(out, x, weights)], [make.output([1, oh, ow, out], 0, high)], options);
  }
  const { network: whole, samples: [inputs] } = make.finish(kind, 1);
  const tflite = density < 1 && kind !== 'lstm'
    ? prunedTflite(whole, { sparsity: 1 - density, pattern: 'pairs' })
    : whole;
  const name = [kind, kind === 'dense' ? String(c) : `${h}x${w}x${c}`, ...(kind === 'depthwise' ? [] : [`to${out}`]),
    ...(kh * kw > 1 ? [`${kh}x${kw}`] : []), ...(stride > 1 ? [`s${stride}`] : []),
    ...(density < 1 ? [`dense${Math.round(100 * density)}`] : [])].join('-');
  const save = (ending: string, bytes: Uint8Array): { file: string } => {
    writeFileSync(path.join(folder, `${name}.${ending}`), bytes);
    return { file: `${name}.${ending}` };
  };
  const own = { ...save('in', inputs![0]!), tensors: [{ dtype: 'int8' as const, count: h * w * c }], sets: 1 };
  const refusal = 'layers are int8';
  return {
    name,
    layer,
    network,
    macs: kind === 'lstm' ? h * 4 * out * (c + out) : oh * ow * out * kh * kw * (kind === 'depthwise' ? 1 : c),
    quantized: true,
    hybrid: false,
    inputs: { own, float: own },
    files: {
      tflite: save('tflite', tflite),
      klet: save('klet', compile(importTflite(tflite), { debugInfo: false })),
      compact: { refusal },
      onnx: { refusal },
      graph: { refusal },
    },
  };
}

/** Keeps a fraction of the blocks of 8 outputs by 4 inputs and zeroes the others. */
function pruneBlocks({ shape, data }: TfliteTensor, density: number, random: Random): void {
  const [cells, K] = shape as [number, number];
  const places = Math.ceil(K / 4);
  const stays = Array.from({ length: Math.ceil(cells / 8) * places }, () => random.next() < density);
  const values = data as number[];
  for (let i = 0; i < values.length; i++) {
    if (!stays[Math.floor(i / K / 8) * places + Math.floor((i % K) / 4)]) values[i] = 0;
  }
}
