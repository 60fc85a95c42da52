import fc from 'fast-check';
import type { Quantization as TensorQuantization, Tensor } from '../../src/graph/graph';
import type { HybridMode } from '../../src/graph/operators';
import { constant, fittingScale, scales, zeroPoints, type Random, type Quantization } from './suite';

// Shared by convolutions and fully connected layers: random weights and bias, and an output scale
// that makes use of the whole range of int8.

export interface WeightSpec {
  scale: number;
  /** Zero point as for int8; only per-tensor weights have one other than 0. */
  zeroPoint: number;
  perChannel: boolean;
  bias: boolean;
  /** Whether the output's scale is a power of two, so that rounding has ties. */
  ties: boolean;
  /** Zero point of the output. */
  outputZeroPoint: number;
  /** Lowest and highest weight as int8, both of which occur; by default weights are random. */
  span?: readonly [number, number] | undefined;
  /** How many weights are then set to −128 or 127, at random places; 0 by default. */
  outliers?: number;
}

/** Spans of weights: of seven bits, one step beyond them, and others. */
export const spans = [[-64, 63], [-65, 63], [-64, 64], [-128, -1], [-128, -65], [0, 127], [64, 127], [-128, -128], [-8,
  7], [5, 5]] as const;

export const weightSpecs: fc.Arbitrary<WeightSpec> = fc.record({
  scale: scales,
  zeroPoint: fc.oneof(fc.constant(0), zeroPoints),
  perChannel: fc.boolean(),
  bias: fc.boolean(),
  ties: fc.boolean(),
  outputZeroPoint: zeroPoints,
  span: fc.constantFrom(...spans, ...Array<undefined>(2 * spans.length)),
  outliers: fc.constantFrom(0, 0, 1, 3),
});

/** Maps integers to the span, and sets the first and the last one to its ends. */
function fitSpan({ data }: Tensor, [lowest, highest]: readonly [number, number]): void {
  if (!(data instanceof Int8Array || data instanceof Uint8Array)) return;
  const offset = data instanceof Uint8Array ? 128 : 0;
  data.forEach((value, i) => {
    data[i] = offset + lowest + (value - offset + 128) % (highest - lowest + 1);
  });
  data[0] = lowest + offset;
  data[data.length - 1] = highest + offset;
}

/** Sets n of the weights to −128 or 127, as int8. */
function setOutliers({ data }: Tensor, n: number, random: Random): void {
  if (!(data instanceof Int8Array || data instanceof Uint8Array)) return;
  const offset = data instanceof Uint8Array ? 128 : 0;
  for (let i = 0; i < n; i++) data[random.int(0, data.length - 1)] = offset + random.pick([-128, 127]);
}

/**
 * `undefined` stands for float weights. The other modes have int8 weights and quantize float
 * activations at run time.
 */
export const hybridModes = fc.constantFrom<HybridMode | undefined>(undefined, undefined, 'symmetric', 'asymmetric');

/** The attribute `hybrid` of a node with float inputs. */
export function hybridOf(x: Tensor, hybrid: HybridMode | undefined): { hybrid?: HybridMode } {
  return x.dtype === 'float32' && hybrid ? { hybrid } : {};
}

/**
 * Weights of `shape` with the output channels along `axis`, and an int32 or float32 bias. uint8
 * weights have one scale for all channels.
 */
export function weightsAndBias(
  random: Random,
  x: Tensor,
  shape: number[],
  axis: number,
  spec: WeightSpec,
  hybrid?: HybridMode,
): { w: Tensor; bias: Tensor | null } {
  const channels = shape[axis]!;
  let quantization: TensorQuantization | undefined;
  if (x.dtype === 'uint8') {
    quantization = { scale: [spec.scale], zeroPoint: [spec.zeroPoint + 128], axis: 0 };
  } else if (x.dtype !== 'float32' || hybrid) {
    const scale = spec.perChannel
      ? Array.from(
        { length: channels },
        () => (spec.ties ? spec.scale * random.pick([0.5, 1, 2]) : Math.fround(spec.scale * random.between(0.3, 1.7))),
      )
      : [spec.scale];
    quantization = {
      scale,
      zeroPoint: scale.map(() => (scale.length === 1 && x.dtype === 'int8' ? spec.zeroPoint : 0)),
      axis,
    };
  }
  const w = constant(
    random,
    'w',
    shape,
    (hybrid && x.dtype === 'float32') || x.dtype === 'int16' ? 'int8' : x.dtype,
    quantization,
  );
  if (spec.span) fitSpan(w, spec.span);
  setOutliers(w, spec.outliers ?? 0, random);
  if (!spec.bias) return { w, bias: null };
  if (x.dtype === 'float32') return { w, bias: constant(random, 'bias', [channels], 'float32') };
  return {
    w,
    bias: {
      name: 'bias',
      shape: [channels],
      ...(x.dtype === 'int16' && !spec.ties ?
        wideBias(random, channels) :
        { dtype: 'int32', data: Int32Array.from({ length: channels }, () => random.int(-20000, 20000)) }),
    },
  };
}

/** An int64 bias, of which a part does not fit in an int32. */
function wideBias(random: Random, channels: number): Pick<Tensor, 'dtype' | 'data'> {
  return {
    dtype: 'int64',
    data: Float64Array.from({ length: channels }, () =>
      random.int(-1, 1) * random.int(0, random.pick([2 ** 22, 2 ** 25, 2 ** 33]))),
  };
}

/** The output's quantization; `count` is the number of products per output. */
export function outputQuantization(x: Tensor, w: Tensor, count: number, spec: WeightSpec): Quantization {
  if (x.dtype === 'float32') return { scale: 1, zeroPoint: 0 };
  const middle = w.quantization!.scale.reduce((sum, s) => sum + s, 0) / w.quantization!.scale.length;
  const scale = fittingScale(x.quantization!.scale[0]! * middle, count, spec.ties);
  return { scale, zeroPoint: spec.outputZeroPoint };
}
