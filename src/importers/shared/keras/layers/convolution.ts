import { elementCount, type Tensor } from '../../../../graph/graph';
import { activate } from '../activations';
import type { KerasLayer, Mapping, Mappings } from '../layer';
import { channelsBack, channelsLast, extent, fromImage, paddingOf, padWindows, pair, toImage,
  type Windows } from './layout';

/** The kernel size of a layer with `n` spatial dimensions. */
function kernelSize({ config }: KerasLayer, n: number): number[] {
  // Keras 1 has nb_row and nb_col, or filter_length
  if (config.has('nb_row')) return [config.count('nb_row'), config.count('nb_col')];
  return config.has('filter_length') ? [config.count('filter_length')] : config.sizes('kernel_size', n);
}

function strides({ config }: KerasLayer, n: number): number[] {
  const old = config.has('subsample') ? 'subsample' : 'subsample_length';
  return config.sizes(config.has(old) ? old : 'strides', n, [1]);
}

function windowsOf(layer: KerasLayer, x: Tensor): Windows {
  const sizes = x.shape.slice(1, -1);
  const n = sizes.length;
  const kernel = kernelSize(layer, n);
  return padWindows(layer, sizes, {
    kernel,
    stride: strides(layer, n),
    dilation: layer.config.sizes('dilation_rate', n, [1]),
  });
}

function attributesOf(windows: Windows) {
  return {
    stride: pair(windows.stride, 1),
    dilation: pair(windows.dilation, 1),
    padding: paddingOf(windows),
    activation: 'none' as const,
  };
}

function filterCount({ config }: KerasLayer): number {
  return config.count(config.has('nb_filter') ? 'nb_filter' : 'filters');
}

function conv(n: 1 | 2 | 3): Mapping {
  return (layer) => {
    const { emit, config } = layer;
    const x = channelsLast(layer, layer.inputOf(n + 2));
    const ci = x.shape.at(-1);
    const co = filterCount(layer);
    const groups = config.count('groups', 1);
    layer.check(ci % groups === 0 && co % groups === 0, `${groups} groups of ${ci} and ${co} channels`);
    const windows = windowsOf(layer, x);
    const w = layer.weight('kernel', [...windows.kernel, ci / groups, co]);
    const bias = layer.bias(co);
    if (n === 3) {
      layer.check(groups === 1, 'groups');
      return activate(layer, channelsBack(layer, conv3d(layer, x, w, bias, windows)));
    }
    const [kh, kw] = pair(windows.kernel, 1);
    const image = emit.reshape(w, [kh, kw, ci / groups, co]);
    const isDepthwise = groups > 1 && groups === ci;
    const y = isDepthwise
      ? emit.node(
        'depthwiseConv2d',
        [toImage(emit, x), emit.transpose(image, [2, 0, 1, 3]), bias],
        attributesOf(windows),
      )
      // [KH][KW][Ci][Co] → [Co][KH][KW][Ci]
      : emit.node('conv2d', [toImage(emit, x), emit.transpose(image, [3, 0, 1, 2]), bias], {
        ...attributesOf(windows),
        groups,
      });
    return activate(layer, channelsBack(layer, fromImage(emit, y, n + 2, x.shape[0]!)));
  };
}

/**
 * A convolution over [N][D][H][W][Ci] as one over images: the channels of an image are those of the
 * KD frames that a window covers.
 */
function conv3d({ emit }: KerasLayer, x: Tensor, w: Tensor, bias: Tensor | null, windows: Windows): Tensor {
  const { kernel, stride, dilation, before, after } = windows;
  const [kd, kh, kw, ci, co] = w.shape as [number, number, number, number, number];
  const depth = [before[0]!, after[0]!] as const;
  const padded = depth.some((count) => count > 0)
    ? emit.node('pad', [x], {
      before: [0, depth[0], 0, 0, 0],
      after: [0, depth[1], 0, 0, 0],
      mode: 'constant',
      value: 0,
    })
    : x;
  const [n, size, ...rest] = padded.shape as [number, number, ...number[]];
  const count = Math.floor((size - extent(kd, dilation[0]!)) / stride[0]!) + 1;
  const frames = Array.from(
    { length: kd },
    (_, i) => emit.slice(padded, [0, i * dilation[0]!, 0, 0, 0], [n, count, ...rest], [1, stride[0]!, 1, 1, 1]),
  );
  const stacked = emit.concat(frames, 4);
  // [KD][KH][KW][Ci][Co] → [Co][KH][KW][KD·Ci]
  const kernels = emit.reshape(emit.transpose(w, [4, 1, 2, 0, 3]), [co, kh, kw, kd * ci]);
  const y = emit.node('conv2d', [toImage(emit, stacked), kernels, bias], {
    ...attributesOf({ ...windows, kernel }),
    groups: 1,
  });
  return fromImage(emit, y, 5, n);
}

/** x with weights [K…][C][m], as an image. */
function depthwiseImage(layer: KerasLayer, x: Tensor, w: Tensor, bias: Tensor | null, windows: Windows): Tensor {
  const { emit } = layer;
  const [kh, kw] = pair(windows.kernel, 1);
  const image = toImage(emit, x);
  return emit.node(
    'depthwiseConv2d',
    [image, emit.reshape(w, [1, kh, kw, elementCount(w.shape.slice(-2))]), bias],
    attributesOf(windows),
  );
}

function depthwise(n: 1 | 2): Mapping {
  return (layer) => {
    const x = channelsLast(layer, layer.inputOf(n + 2));
    const c = x.shape.at(-1);
    const m = layer.config.count('depth_multiplier', 1);
    const windows = windowsOf(layer, x);
    const w = layer.weight('depthwise_kernel', [...windows.kernel, c, m]);
    const y = depthwiseImage(layer, x, w, layer.bias(c * m), windows);
    return activate(layer, channelsBack(layer, fromImage(layer.emit, y, n + 2, x.shape[0]!)));
  };
}

function separable(n: 1 | 2): Mapping {
  return (layer) => {
    const { emit } = layer;
    const x = channelsLast(layer, layer.inputOf(n + 2));
    const c = x.shape.at(-1);
    const m = layer.config.count('depth_multiplier', 1);
    const co = filterCount(layer);
    const windows = windowsOf(layer, x);
    const ones = windows.kernel.map(() => 1);
    const spread = depthwiseImage(layer, x, layer.weight('depthwise_kernel', [...windows.kernel, c, m]), null, windows);
    const point = layer.weight('pointwise_kernel', [...ones, c * m, co]);
    const kernels = emit.reshape(emit.transpose(emit.reshape(point, [c * m, co]), [1, 0]), [co, 1, 1, c * m]);
    const y = emit.node('conv2d', [spread, kernels, layer.bias(co)], {
      stride: [1, 1],
      dilation: [1, 1],
      padding: [0, 0, 0, 0],
      activation: 'none',
      groups: 1,
    });
    return activate(layer, channelsBack(layer, fromImage(emit, y, n + 2, x.shape[0]!)));
  };
}

/** The sizes of a transposed convolution, and what is cropped, by TensorFlow's rules. */
function transposedSizes(layer: KerasLayer, sizes: readonly number[], windows: Omit<Windows, 'before' | 'after'>) {
  const { kernel, stride, dilation } = windows;
  const rule = layer.config.string('padding', 'valid');
  layer.check(rule === 'valid' || rule === 'same', `padding "${rule}"`);
  const isSame = rule === 'same';
  const extra = layer.config.has('output_padding')
    ? layer.config.sizes('output_padding', sizes.length, undefined, 0)
    : undefined;
  const full = sizes.map((size, i) => (size - 1) * stride[i]! + extent(kernel[i]!, dilation[i]!));
  const target = sizes.map((size, i) => {
    const reach = extent(kernel[i]!, dilation[i]!);
    if (extra) return full[i]! - (isSame ? 2 * Math.floor(reach / 2) : 0) + extra[i]!;
    return isSame ? size * stride[i]! : size * stride[i]! + Math.max(reach - stride[i]!, 0);
  });
  const before = full.map((size, i) => (isSame ? Math.max(size - target[i]!, 0) >> 1 : 0));
  return { target, before, after: full.map((size, i) => Math.max(size - before[i]! - target[i]!, 0)) };
}

function convTranspose(n: 1 | 2): Mapping {
  return (layer) => {
    const { emit, config } = layer;
    const x = channelsLast(layer, layer.inputOf(n + 2));
    const ci = x.shape.at(-1);
    const co = filterCount(layer);
    const sizes = x.shape.slice(1, -1);
    const windows = {
      kernel: kernelSize(layer, n),
      stride: strides(layer, n),
      dilation: config.sizes('dilation_rate', n, [1]),
    };
    const { target, before, after } = transposedSizes(layer, sizes, windows);
    layer.check(target.every((size) => size > 0), `an output of the sizes ${target.join(', ')}`);
    const [kh, kw] = pair(windows.kernel, 1);
    const w = layer.weight('kernel', [...windows.kernel, co, ci]);
    const kernels = emit.transpose(emit.reshape(w, [kh, kw, co, ci]), [2, 0, 1, 3]);
    const image = toImage(emit, x);
    const [height, width] = pair(target, 1);
    const y = emit.node('transposeConv2d', [image, kernels, layer.bias(co)], {
      ...attributesOf({ ...windows, before, after }),
      groups: 1,
    }, { shape: [image.shape[0]!, height, width, co] });
    return activate(layer, channelsBack(layer, fromImage(emit, y, n + 2, x.shape[0]!)));
  };
}

export const convolution: Mappings = {
  Conv1D: conv(1),
  Conv2D: conv(2),
  Conv3D: conv(3),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  Conv1DTranspose: convTranspose(1),
  Conv2DTranspose: convTranspose(2),
};
