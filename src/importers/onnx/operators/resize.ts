import type { Attributes, ResampleCoordinates, ResampleRounding } from '../../../graph/operators';
import { resizedAxes, type ResizeTarget } from '../../shared/resize';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

const coordinateModes: Record<string, ResampleCoordinates> = {
  half_pixel: 'halfPixel',
  half_pixel_symmetric: 'halfPixelSymmetric',
  pytorch_half_pixel: 'pytorchHalfPixel',
  align_corners: 'alignCorners',
  asymmetric: 'asymmetric',
  tf_crop_and_resize: 'cropAndResize',
};

const roundings: Record<string, ResampleRounding> = {
  round_prefer_floor: 'preferFloor',
  round_prefer_ceil: 'preferCeil',
  floor: 'floor',
  ceil: 'ceil',
};

const policies: Record<string, 'fit' | 'cover' | undefined> = {
  stretch: undefined,
  not_larger: 'fit',
  not_smaller: 'cover',
};

/** A name of a table, or a refusal. */
function named<T>(operator: OnnxOperator, table: Record<string, T>, attribute: string, absent: string): T {
  const name = operator.attributes.string(attribute, absent);
  operator.check(Object.hasOwn(table, name), `the ${attribute} ${name}`);
  return table[name]!;
}

/** Scales or sizes are inputs; an empty list stands for an absent one. */
function targetOf(operator: OnnxOperator, axes: readonly number[]): ResizeTarget {
  const list = (i: number, what: string): number[] | undefined => {
    const values = operator.has(i) ? Array.from(operator.constant(i, what).data) : [];
    return values.length > 0 ? values : undefined;
  };
  const first = operator.version < 11 ? 1 : 2;
  const scales = list(first, 'scales');
  const sizes = operator.version < 11 ? undefined : list(3, 'sizes');
  operator.check((scales ?? sizes)?.length === axes.length, 'scales or sizes for other than its axes');
  const proportions = named(operator, policies, 'keep_aspect_ratio_policy', 'stretch');
  return sizes ? { sizes, ...(proportions && { proportions }) } : { scales: scales! };
}

/** Emits a resize, without the axes that keep their size. */
function resample(
  operator: OnnxOperator,
  axes: readonly number[],
  target: ResizeTarget,
  options: Omit<Attributes['resample'], 'axes' | 'scales'>,
): ReturnType<Mapping> {
  const x = operator.input(0);
  const { sizes, scales } = resizedAxes(x.shape, axes, target);
  const { roi } = options;
  const resized = axes.map((axis, i) => ({
    axis,
    size: sizes[i]!,
    scale: scales[i]!,
    roi: roi ? [roi[i]!, roi[i + axes.length]!] : [],
  })).filter(({ axis, size, scale }) => roi || size !== x.shape[axis] || scale !== 1);
  if (resized.length === 0) return x;
  const shape = [...x.shape];
  for (const { axis, size } of resized) shape[axis] = size;
  operator.check(shape.every((d) => d > 0), `a size of 0 in [${shape.join(', ')}]`);
  return operator.emit.node('resample', [x], {
    ...options,
    axes: resized.map(({ axis }) => axis),
    scales: resized.map(({ scale }) => scale),
    ...(roi && { roi: resized.flatMap((each) => each.roi) }),
  }, { shape });
}

const resize: Mapping = (operator) => {
  const { attributes, version } = operator;
  const rank = operator.input(0).shape.length;
  const axes = attributes.ints('axes')?.map((axis) => operator.axis(axis, rank)) ??
    Array.from({ length: rank }, (_, i) => i);
  const mode = named(operator, { nearest: 'nearest', linear: 'linear', cubic: 'cubic' } as const, 'mode', 'nearest');
  const target = targetOf(operator, axes);
  // version 10 has neither attribute: positions are i / scale, rounded down
  if (version < 11) return resample(operator, axes, target, { mode, coordinates: 'asymmetric', rounding: 'floor' });
  const coordinates = named(operator, coordinateModes, 'coordinate_transformation_mode', 'half_pixel');
  const crops = coordinates === 'cropAndResize';
  return resample(operator, axes, target, {
    mode,
    coordinates,
    rounding: named(operator, roundings, 'nearest_mode', 'round_prefer_floor'),
    cubicCoefficient: attributes.float('cubic_coeff_a', -0.75),
    excludeOutside: attributes.int('exclude_outside', 0) === 1,
    antialias: attributes.int('antialias', 0) === 1,
    ...(crops &&
      {
        roi: Array.from(operator.constant(1, 'a region').data),
        extrapolation: attributes.float('extrapolation_value', 0),
      }),
  });
};

/** The scales are an input since operator set 9, an attribute before. */
const upsample: Mapping = (operator) => {
  const { attributes } = operator;
  const x = operator.input(0);
  const axes = x.shape.map((_, i) => i);
  const mode = named(
    operator,
    { nearest: 'nearest', linear: 'linear', bilinear: 'linear' } as const,
    'mode',
    'nearest',
  );
  const scales = operator.has(1) ? Array.from(operator.constant(1, 'scales').data) : attributes.floats('scales') ?? [];
  operator.check(scales.length === axes.length, `${scales.length} scales`);
  return resample(operator, axes, { scales }, { mode, coordinates: 'asymmetric', rounding: 'floor' });
};

export const resizing: Mappings = { Resize: resize, Upsample: upsample };
