import { KletError } from '../../../../errors';
import { elementCount, type Tensor } from '../../../../graph/graph';
import type { KerasLayer, Mapping, Mappings } from '../layer';
import { channelsBack, channelsLast } from './layout';

/** A target shape whose dimension of −1 takes what is left. */
export function resolvedShape(layer: KerasLayer, x: Tensor, target: readonly number[]): number[] {
  const count = elementCount(x.shape);
  const known = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const shape = target.map((size) => (size === -1 ? count / known : size));
  if (!shape.every((size) => Number.isInteger(size) && size > 0) || elementCount(shape) !== count) {
    throw new KletError(
      'CORRUPT',
      `${layer.kind} "${layer.name}" turns [${x.shape.join(', ')}] into [${target.join(', ')}]`,
    );
  }
  return shape;
}

const flatten: Mapping = (layer) => {
  const { emit, input } = layer;
  // channels are moved last first
  const x = input.shape.length > 2 ? channelsLast(layer, input) : input;
  return emit.reshape(x, [x.shape[0]!, elementCount(x.shape.slice(1))]);
};

const reshape: Mapping = (layer) => {
  const { emit, config, input } = layer;
  const [batch] = input.shape as [number];
  const target = (config.raw('target_shape') as unknown[] | undefined) ?? [];
  const sizes = [target].flat().map((size) => (size === null ? -1 : size));
  if (!sizes.every((size) => Number.isInteger(size))) throw config.malformed('target_shape', 'a list of sizes');
  const rest = { ...input, shape: input.shape.slice(1) };
  return emit.reshape(input, [batch, ...resolvedShape(layer, rest, sizes as number[])]);
};

const permute: Mapping = (layer) => {
  const { emit, config, input } = layer;
  const dims = config.integers('dims');
  const perm = [0, ...dims];
  const isOrder = perm.length === input.shape.length && new Set(perm).size === perm.length &&
    perm.every((d) => d >= 0 && d < perm.length);
  if (!isOrder) throw config.malformed('dims', `an order of ${input.shape.length - 1} dimensions`);
  return emit.transpose(input, perm);
};

const repeatVector: Mapping = (layer) => {
  const { emit } = layer;
  const [batch, size] = layer.inputOf(2).shape as [number, number];
  const n = layer.config.count('n');
  return emit.broadcastTo(emit.reshape(layer.input, [batch, 1, size]), [batch, n, size]);
};

/** Amounts before and after each of `n` dimensions: a number, one for each, or a pair for each. */
function amounts(layer: KerasLayer, key: string, n: number): [before: number, after: number][] {
  const given = layer.config.raw(key) ?? 1;
  const all = Array.isArray(given) ? (given as unknown[]) : new Array<unknown>(n).fill(given);
  // [before, after] of the only dimension
  const list = n === 1 && all.length === 2 ? [all] : all;
  const pairs = list.map((entry) => (Array.isArray(entry) ? (entry as unknown[]) : [entry, entry]));
  const fits = pairs.length === n &&
    pairs.every((entry) => entry.length === 2 && entry.every((v) => Number.isInteger(v) && (v as number) >= 0));
  if (!fits) throw layer.config.malformed(key, `amounts for ${n} dimensions`);
  return pairs as [number, number][];
}

function zeroPadding(n: 1 | 2 | 3): Mapping {
  return (layer) => {
    const { emit } = layer;
    const x = layer.inputOf(n + 2);
    const pairs = amounts(layer, 'padding', n);
    const first = layer.isChannelsFirst ? 2 : 1;
    const spread = (side: 0 | 1): number[] => x.shape.map((_, i) => pairs[i - first]?.[side] ?? 0);
    if (pairs.flat().every((count) => count === 0)) return x;
    return emit.node('pad', [x], { before: spread(0), after: spread(1), mode: 'constant', value: 0 });
  };
}

function cropping(n: 1 | 2 | 3): Mapping {
  return (layer) => {
    const { emit } = layer;
    const x = layer.inputOf(n + 2);
    const pairs = amounts(layer, 'cropping', n);
    const first = layer.isChannelsFirst ? 2 : 1;
    const begin = x.shape.map((_, i) => pairs[i - first]?.[0] ?? 0);
    const shape = x.shape.map((size, i) => size - (pairs[i - first]?.[0] ?? 0) - (pairs[i - first]?.[1] ?? 0));
    layer.check(shape.every((size) => size > 0), `nothing left of [${x.shape.join(', ')}]`);
    return emit.slice(x, begin, shape);
  };
}

/** Each element along `axis` as often as `times` says, one after the other */
function repeated(layer: KerasLayer, x: Tensor, axis: number, times: number): Tensor {
  const { emit } = layer;
  if (times === 1) return x;
  const wide = emit.reshape(x, x.shape.toSpliced(axis + 1, 0, 1));
  return emit.reshape(
    emit.broadcastTo(wide, wide.shape.with(axis + 1, times)),
    x.shape.with(axis, x.shape[axis]! * times),
  );
}

function upSampling(n: 1 | 3): Mapping {
  return (layer) => {
    const x = layer.inputOf(n + 2);
    const sizes = layer.config.sizes(layer.config.has('length') ? 'length' : 'size', n, [2]);
    const first = layer.isChannelsFirst ? 2 : 1;
    return sizes.reduce((y, times, i) => repeated(layer, y, first + i, times), x);
  };
}

const upSampling2d: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = channelsLast(layer, layer.inputOf(4));
  const [y, z] = config.sizes('size', 2, [2]) as [number, number];
  const mode = config.string('interpolation', 'nearest');
  const [n, height, width, c] = x.shape as [number, number, number, number];
  const target = [n, height * y, width * z, c];
  return channelsBack(layer, resized(layer, emit.cast(x, 'float32'), target, mode));
};

/** An image in another size, by the rules of tf.image.resize. */
export function resized(layer: KerasLayer, x: Tensor, shape: readonly number[], mode: string): Tensor {
  const { emit } = layer;
  if (mode === 'nearest') {
    return emit.node('resize2d', [x], { mode, alignCorners: false, halfPixelCenters: true }, { shape });
  }
  if (mode === 'bilinear') {
    return emit.node('resize2d', [x], { mode, alignCorners: false, halfPixelCenters: true }, { shape });
  }
  layer.check(mode === 'bicubic', `interpolation "${mode}"`);
  const scales = [shape[1]! / x.shape[1]!, shape[2]! / x.shape[2]!];
  return emit.node('resample', [x], {
    axes: [1, 2],
    scales,
    mode: 'cubic',
    coordinates: 'halfPixel',
    cubicCoefficient: -0.5,
    excludeOutside: true,
  }, { shape });
}

const resizing: Mapping = (layer) => {
  const { emit, config } = layer;
  const rank = layer.input.shape.length;
  layer.check(rank === 3 || rank === 4, `an input of ${rank} dimensions`);
  const batched = rank === 4 ? layer.floatInput : emit.reshape(layer.floatInput, [1, ...layer.input.shape]);
  let x = channelsLast(layer, batched);
  const [height, width] = [config.count('height'), config.count('width')];
  layer.check(!config.boolean('pad_to_aspect_ratio', false), 'pad_to_aspect_ratio');
  if (config.boolean('crop_to_aspect_ratio', false)) x = croppedTo(layer, x, height, width);
  const mode = config.string('interpolation', 'bilinear').toLowerCase();
  const y = channelsBack(layer, resized(layer, x, [x.shape[0]!, height, width, x.shape[3]!], mode));
  return rank === 4 ? y : emit.reshape(y, y.shape.slice(1));
};

/** The largest part in the middle with the proportions of height and width */
function croppedTo({ emit }: KerasLayer, x: Tensor, height: number, width: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const cropped = [Math.min(h, Math.floor((w * height) / width)),
    Math.min(w, Math.floor((h * width) / height))] as const;
  const [ch, cw] = [Math.max(cropped[0], 1), Math.max(cropped[1], 1)];
  return emit.slice(x, [0, Math.floor((h - ch) / 2), Math.floor((w - cw) / 2), 0], [n, ch, cw, c]);
}

const centerCrop: Mapping = (layer) => {
  const { emit, config } = layer;
  const rank = layer.input.shape.length;
  layer.check(rank === 3 || rank === 4, `an input of ${rank} dimensions`);
  const batched = rank === 4 ? layer.floatInput : emit.reshape(layer.floatInput, [1, ...layer.input.shape]);
  const x = channelsLast(layer, batched);
  const [height, width] = [config.count('height'), config.count('width')];
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const isInside = h >= height && w >= width;
  const y = isInside
    ? emit.slice(x, [0, Math.floor((h - height) / 2), Math.floor((w - width) / 2), 0], [n, height, width, c])
    : resized(layer, croppedTo(layer, x, height, width), [n, height, width, c], 'bilinear');
  const back = channelsBack(layer, y);
  return rank === 4 ? back : emit.reshape(back, back.shape.slice(1));
};

/** x · scale + offset, with a number or one for each channel */
const rescaling: Mapping = (layer) => {
  const { emit, config } = layer;
  const value = (key: string, otherwise: number): Tensor => {
    const given = [config.raw(key) ?? otherwise].flat(Infinity);
    if (!given.every((v) => typeof v === 'number')) throw config.malformed(key, 'numbers');
    return emit.constant(Float32Array.from(given), given.length === 1 ? [] : [given.length], 'float32');
  };
  return emit.binary('add', emit.binary('mul', layer.floatInput, value('scale', 1)), value('offset', 0));
};

const identity: Mapping = ({ input }) => input;

/** Layers that change nothing at inference. */
const unchanged = ['InputLayer', 'Identity', 'Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D',
  'AlphaDropout', 'GaussianDropout', 'GaussianNoise', 'ActivityRegularization', 'RandomFlip', 'RandomRotation',
  'RandomZoom', 'RandomTranslation', 'RandomContrast', 'RandomBrightness', 'RandomHeight', 'RandomWidth',
  'RandomColorJitter', 'RandomColorDegeneration', 'RandomHue', 'RandomSaturation', 'RandomSharpness', 'RandomGrayscale',
  'RandomShear', 'RandomPosterization', 'RandomInvert', 'RandomErasing', 'RandomPerspective', 'RandomGaussianBlur',
  'RandomElasticTransform', 'RandAugment', 'AugMix', 'CutMix', 'MixUp'];

export const shapes: Mappings = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: repeatVector,
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
  ZeroPadding3D: zeroPadding(3),
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  Cropping3D: cropping(3),
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling2d,
  UpSampling3D: upSampling(3),
  Resizing: resizing,
  CenterCrop: centerCrop,
  Rescaling: rescaling,
  ...Object.fromEntries(unchanged.map((name) => [name, identity])),
};
