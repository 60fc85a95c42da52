import type { Tensor } from '../../../../graph/graph';
import type { KerasLayer, Mapping, Mappings } from '../layer';
import { channelsBack, channelsLast, fromImage, paddingOf, padWindows, pair, toImage, type Windows } from './layout';

type Kind = 'max' | 'average';

function poolImage({ emit }: KerasLayer, kind: Kind, image: Tensor, windows: Windows): Tensor {
  const attributes = {
    kernel: pair(windows.kernel, 1),
    stride: pair(windows.stride, 1),
    padding: paddingOf(windows),
    activation: 'none' as const,
  };
  return emit.node(kind === 'max' ? 'maxPool2d' : 'averagePool2d', [image], attributes);
}

/**
 * Windows over frames [N][D][H][W][C]: first over the pixels of each frame, then over frames. Both
 * kinds separate, as the elements of a window inside of the input are a block.
 */
function poolFrames(layer: KerasLayer, kind: Kind, x: Tensor, windows: Windows): Tensor {
  const { emit } = layer;
  const inFrame = fromImage(emit, poolImage(layer, kind, toImage(emit, x), windows), 5, x.shape[0]!);
  const [n, d, h, w, c] = inFrame.shape as [number, number, number, number, number];
  const isTrivial = windows.kernel[0] === 1 && windows.stride[0] === 1;
  if (isTrivial) return inFrame;
  const along = {
    kernel: [windows.kernel[0]!, 1],
    stride: [windows.stride[0]!, 1],
    dilation: [1, 1],
    before: [windows.before[0]!, 0],
    after: [windows.after[0]!, 0],
  };
  const y = poolImage(layer, kind, emit.reshape(inFrame, [n, d, h * w, c]), along);
  return emit.reshape(y, [n, y.shape[1]!, h, w, c]);
}

function pool(kind: Kind, n: 1 | 2 | 3): Mapping {
  return (layer) => {
    const { emit, config } = layer;
    const x = channelsLast(layer, layer.inputOf(n + 2));
    const old = config.has('pool_length');
    const kernel = config.sizes(old ? 'pool_length' : 'pool_size', n, [2]);
    const stride = config.sizes(old && config.has('stride') ? 'stride' : 'strides', n, kernel);
    const windows = padWindows(layer, x.shape.slice(1, -1), { kernel, stride, dilation: kernel.map(() => 1) });
    const y = n === 3
      ? poolFrames(layer, kind, x, windows)
      : fromImage(emit, poolImage(layer, kind, toImage(emit, x), windows), n + 2, x.shape[0]!);
    return channelsBack(layer, y);
  };
}

/** The mean of the time steps that count */
function maskedMean({ emit, config, isChannelsFirst }: KerasLayer, x: Tensor, mask: Tensor): Tensor {
  const axis = isChannelsFirst ? 2 : 1;
  const shape = x.shape.map((size, i) => (i === 0 || i === axis ? size : 1));
  const weights = emit.reshape(mask, shape);
  const keeps = config.boolean('keepdims', false);
  const sum = emit.reduce('sum', emit.binary('mul', x, weights), [axis], true);
  const mean = emit.binary('div', sum, emit.reduce('sum', weights, [axis], true));
  return keeps ? mean : emit.reshape(mean, x.shape.toSpliced(axis, 1));
}

function global(kind: 'max' | 'mean', n: 1 | 2 | 3): Mapping {
  return (layer) => {
    const x = layer.inputOf(n + 2);
    const axes = Array.from({ length: n }, (_, i) => i + (layer.isChannelsFirst ? 2 : 1));
    const mask = n === 1 && kind === 'mean' ? layer.network.maskOf(layer.input) : undefined;
    if (mask) return maskedMean(layer, x, mask);
    return layer.emit.reduce(kind, x, axes, layer.config.boolean('keepdims', false));
  };
}

const dimensions = [1, 2, 3] as const;

export const pooling: Mappings = Object
  .fromEntries(dimensions.flatMap((
    n,
  ) => [[`MaxPooling${n}D`, pool('max', n)], [`AveragePooling${n}D`, pool('average', n)], [`GlobalMaxPooling${n}D`,
    global('max', n)], [`GlobalAveragePooling${n}D`, global('mean', n)], [`MaxPool${n}D`, pool('max', n)], [
    `AvgPool${n}D`,
    pool('average', n),
  ], [`GlobalMaxPool${n}D`, global('max', n)], [`GlobalAvgPool${n}D`, global('mean', n)]]));
