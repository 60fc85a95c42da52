import { GraphBuilder } from '../../src/ops/builder';
import { elementCount, type DType, type Graph, type Quantization, type Tensor } from '../../src/graph/graph';
import type { BinaryKind, FusedActivation, Padding, UnaryKind } from '../../src/graph/operators';
import { broadcastShape } from '../../src/graph/broadcast';
import { allocate } from '../reference/support';
import type { Random } from './random';

/** The element types of the graphs. */
export type NetworkType = 'int8' | 'uint8' | 'float32';

const fused: FusedActivation[] = ['none', 'none', 'relu', 'relu6', 'relu0To1'];
const relus: UnaryKind[] = ['relu', 'relu6', 'reluN1To1', 'relu0To1'];
const MAX_ELEMENTS = 3000;

/**
 * A network of `size` random operators on random earlier tensors, so that lifetimes overlap in
 * every way: several readers, views of one tensor, folded constants, results without readers.
 * float32 networks have only operators whose bits do not depend on a summation order or an
 * approximation.
 */
export function randomGraph(random: Random, size: number, type: NetworkType): Graph {
  const b = new GraphBuilder('random');
  const values: Tensor[] = [];
  const isFloat = type === 'float32';
  const randomQuantization = (): Quantization => ({
    scale: [random.pick([0.0625, 0.1, 0.25, 0.5])],
    zeroPoint: [random.int(-128, 127) + (type === 'uint8' ? 128 : 0)],
    axis: 0,
  });
  const own = (): { quantization?: Quantization } => (isFloat ? {} : { quantization: randomQuantization() });
  const sameAs = (x: Tensor): { quantization?: Quantization } =>
    x.quantization && random.next() < 0.8 ? { quantization: x.quantization } : own();
  const constant = (shape: number[], dtype: DType = type): Tensor => {
    const data = random.fill(allocate({ name: '', shape, dtype }));
    return b.constant(data, shape, dtype === type && !isFloat ? randomQuantization() : undefined);
  };
  const images = (): Tensor[] => values.filter((t) => t.shape.length === 4);

  for (let i = 0; i < random.int(1, 3); i++) {
    const shape = random.pick([[1, 6, 6, 4], [2, 5, 4, 3], [1, 8, 8, 8], [3, 8], [12], [1, 4, 4, 1]]);
    values.push(b.input('x', shape, type, isFloat ? undefined : randomQuantization()));
  }

  const adders: ((x: Tensor) => Tensor[] | undefined)[] = [
    (x) => [b.node('unary', [x], { kind: random.pick(relus) }, sameAs(x))],
    (x) => {
      if (isFloat) return [b.node('unary', [x], { kind: random.pick(['abs', 'neg', 'floor'] as const) })];
      return [b.node('unary', [x], { kind: random.pick(['tanh', 'logistic', 'hardSwish', 'abs'] as const) }, own())];
    },
    (x) => {
      const fitting = values.filter((t) => {
        const shape = broadcastShape(t.shape, x.shape);
        return shape && elementCount(shape) <= MAX_ELEMENTS;
      });
      const other = random.next() < 0.3
        ? constant(x.shape.map((d) => (random.next() < 0.5 ? 1 : d)))
        : random.pick(fitting);
      const operands = random.next() < 0.5 ? [x, other] : [other, x];
      return [
        b.node('binary', operands, {
          kind: random.pick<BinaryKind>(['add', 'sub', 'mul', 'minimum', 'maximum']),
          activation: random.pick(fused),
        }, own()),
      ];
    },
    (x) => {
      const shape = random.pick([[elementCount(x.shape)], [...x.shape].reverse(), [1, ...x.shape.slice(0, 3),
        elementCount(x.shape.slice(3))]]);
      return [b.node('reshape', [x], {}, { shape, ...sameAs(x) })];
    },
    (x) => [b.node('transpose', [x], { perm: x.shape.map((_, d) => d).sort(() => random.next() - 0.5) }, sameAs(x))],
    (x) => {
      const begin = x.shape.map((d) => random.int(0, d - 1));
      const stride = x.shape.map(() => random.pick([1, 1, -1]));
      return [
        b.node('slice', [x], { begin, stride }, {
          shape: x.shape.map((d, i) => (stride[i]! > 0 ? d - begin[i]! : begin[i]! + 1)),
          ...sameAs(x),
        }),
      ];
    },
    (x) => {
      const axis = random.int(0, x.shape.length - 1);
      const total = x.shape[axis]!;
      const first = random.int(1, Math.max(1, total - 1));
      if (total === 1) return undefined;
      return b.nodeWithOutputs(
        'split',
        [x],
        { axis },
        [first, total - first].map((d) => x.shape.map((s, i) => (i === axis ? d : s))),
        sameAs(x),
      );
    },
    (x) => {
      const axis = random.int(0, x.shape.length - 1);
      const others = values.filter((t) =>
        t.shape.length === x.shape.length && t.shape.every((d, i) => i === axis || d === x.shape[i])
      );
      const parts = [x, ...Array.from({ length: random.int(0, 2) }, () => random.pick(others))];
      if (parts.reduce((sum, t) => sum + elementCount(t.shape), 0) > MAX_ELEMENTS) return undefined;
      return [b.node('concat', parts, { axis, activation: random.pick(fused) }, sameAs(x))];
    },
    (x) => {
      if (elementCount(x.shape.map((d) => d + 2)) > MAX_ELEMENTS) return undefined;
      return [
        b.node('pad', [x], {
          before: x.shape.map(() => random.int(0, 1)),
          after: x.shape.map(() => random.int(0, 1)),
          mode: 'constant',
          value: random.pick([0, 0, 1]),
        }, sameAs(x)),
      ];
    },
    (x) => {
      const axes = x.shape.map((_, d) => d).filter(() => random.next() < 0.5);
      const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
      if (axes.length === 0) return undefined;
      return [
        b.node('reduce', [x], {
          kind: random.pick(isFloat ? (['max', 'min'] as const) : (['max', 'min', 'mean', 'sum'] as const)),
          axes,
        }, { shape: kept, ...sameAs(x) }),
      ];
    },
    () => convolution(),
    () => convolution(),
    () => {
      const x = random.pick(images());
      if (!x) return undefined;
      const kernel: [number, number] = [Math.min(2, x.shape[1]!), Math.min(3, x.shape[2]!)];
      return [
        b.node(random.pick(['maxPool2d', 'averagePool2d'] as const), [x], {
          kernel,
          stride: [random.int(1, 2), random.int(1, 2)],
          padding: [kernel[0] - 1, 0, 0, kernel[1] - 1],
          activation: random.pick(fused),
        }, sameAs(x)),
      ];
    },
    () => {
      const x = random.pick(images());
      if (!x || elementCount(x.shape) > MAX_ELEMENTS / 4) return undefined;
      return [
        b.node('resize2d', [x], {
          mode: random.pick(['nearest', 'bilinear'] as const),
          alignCorners: false,
          halfPixelCenters: random.next() < 0.5,
        }, { shape: [x.shape[0]!, random.int(1, 8), random.int(1, 8), x.shape[3]!], ...sameAs(x) }),
      ];
    },
    (x) => (x.shape.length === 0 ? undefined : [b.node('prelu', [x, constant([x.shape.at(-1)])], {}, own())]),
    // has only constant operands, so it is folded
    () => [b.node('binary', [constant([4]), constant([2, 1])], { kind: 'add', activation: 'none' }, own())],
  ];

  function convolution(): Tensor[] | undefined {
    const x = random.pick(images());
    if (!x) return undefined;
    const channels = x.shape[3]!;
    const depthwise = random.next() < 0.4;
    const out = depthwise ? channels : random.int(1, 9);
    const kernel = [random.int(1, 3), random.int(1, 3)] as [number, number];
    const padding: Padding = [kernel[0] - 1, kernel[1] - 1, random.int(0, 1), random.int(0, 1)];
    const stride: [number, number] = [random.int(1, 2), random.int(1, 2)];
    // an explicit padding, which the compiler may fold into the convolution
    const wrapped = random.next() < 0.3
      ? b.node(
        'pad',
        [x],
        { before: [0, 1, 1, 0], after: [0, 1, 0, 0], mode: 'constant', value: 0 },
        x.quantization ? { quantization: x.quantization } : {},
      )
      : x;
    const weights = depthwise ? constant([1, ...kernel, out]) : constant([out, ...kernel, channels]);
    const bias = random.next() < 0.5 ? null : constant([out], isFloat ? 'float32' : 'int32');
    if (bias?.data instanceof Int32Array) {
      bias.data.forEach((v, i) => {
        bias.data![i] = v % 3000;
      });
    }
    const quantization = isFloat
      ? {}
      : {
        quantization: {
          ...randomQuantization(),
          scale: [weights.quantization!.scale[0]! * x.quantization!.scale[0]! * 300],
        },
      };
    const common = { stride, dilation: [1, 1] as [number, number], padding, activation: random.pick(fused) };
    const y = depthwise
      ? b.node('depthwiseConv2d', [wrapped, weights, bias], common, quantization)
      : b.node('conv2d', [wrapped, weights, bias], { ...common, groups: 1 }, quantization);
    if (random.next() < 0.5) return [y];
    // a relu that follows, which the compiler may fuse
    return [b.node('unary', [y], { kind: random.pick(relus) }, y.quantization ? { quantization: y.quantization } : {})];
  }

  while (values.length < size) {
    const made = random.pick(adders)(random.pick(values));
    if (made) values.push(...made.filter((t) => elementCount(t.shape) <= MAX_ELEMENTS));
  }
  const outputs = new Set([values.at(-1), ...Array.from({ length: random.int(0, 3) }, () => random.pick(values))]);
  return b.finish([...outputs]);
}
