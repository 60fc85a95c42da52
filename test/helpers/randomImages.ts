import { GraphBuilder } from '../../src/ops/builder';
import { elementCount, type Graph, type Quantization, type Tensor } from '../../src/graph/graph';
import type { Padding, Pair } from '../../src/graph/operators';
import { allocate } from '../reference/support';
import type { Random } from './random';

/**
 * A network of `size` random operators on images of one batch item, many of which are computed row
 * by row: strides, dilations, padding of every kind, residual additions, several readers of one
 * image, and outputs in the middle.
 */
export function randomImages(random: Random, size: number, type: 'int8' | 'float32'): Graph {
  const b = new GraphBuilder('images');
  const isFloat = type === 'float32';
  const randomQuantization = (): Quantization => ({
    scale: [random.pick([0.0625, 0.1, 0.25])],
    zeroPoint: [random.int(-128, 127)],
    axis: 0,
  });
  const own = (): { quantization?: Quantization } => (isFloat ? {} : { quantization: randomQuantization() });
  const like = (x: Tensor): { quantization?: Quantization } =>
    x.quantization && random.next() < 0.7 ? { quantization: x.quantization } : own();
  const constant = (shape: number[], axis = 0): Tensor => {
    const data = random.fill(allocate({ name: '', shape, dtype: type }));
    return b.constant(data, shape, isFloat ? undefined : { scale: [0.02], zeroPoint: [0], axis });
  };
  const activation = (): 'none' | 'relu' | 'relu6' => random.pick(['none', 'relu', 'relu6'] as const);
  /** A window that fits the image, with any padding smaller than its filter. */
  const windowOn = ({ shape }: Tensor, canDilate: boolean): Window => {
    const dilation: Pair = canDilate && random.next() < 0.3 ? [2, 2] : [1, 1];
    const kernel = [1, 2].map((d) => random.int(1, Math.max(1, Math.min(5, Math.floor(shape[d]! / 2)))));
    const side = (d: 0 | 1): number => random.int(0, kernel[d]! - 1);
    const none: Padding = [0, 0, 0, 0];
    const padding: Padding = random.next() < 0.3 ? none : [side(0), side(1), side(0), side(1)];
    return {
      kernel: kernel as unknown as Pair,
      dilation: dilation.map((n, d) => (kernel[d]! * n <= shape[d + 1]! ? n : 1)) as unknown as Pair,
      stride: random.pick([[1, 1], [1, 1], [2, 2], [3, 2]] as const),
      padding,
    };
  };
  const images: Tensor[] = [
    b.input('x', [1, random.int(5, 30), random.int(3, 9), random.pick([1, 3, 4, 8])], type, own().quantization),
  ];

  const conv = (x: Tensor): Tensor => {
    const { kernel, ...window } = windowOn(x, true);
    const weights = constant([random.pick([2, 4, 8, 9]), ...kernel, x.shape[3]!]);
    return b.node('conv2d', [x, weights, null], { ...window, groups: 1, activation: activation() }, own());
  };
  const pointwise = (x: Tensor): Tensor => {
    const weights = constant([random.pick([4, 8, 24]), 1, 1, x.shape[3]!]);
    const attributes = { stride: [1, 1] as Pair, dilation: [1, 1] as Pair, padding: [0, 0, 0, 0] as Padding };
    return b.node('conv2d', [x, weights, null], { ...attributes, groups: 1, activation: activation() }, own());
  };
  const depthwise = (x: Tensor): Tensor => {
    const { kernel, ...window } = windowOn(x, true);
    return b.node('depthwiseConv2d', [x, constant([1, ...kernel, x.shape[3]!], 3), null], {
      ...window,
      activation: activation(),
    }, own());
  };
  const pool = (x: Tensor): Tensor => {
    const { kernel, stride, padding } = windowOn(x, false);
    const op = random.pick(['averagePool2d', 'maxPool2d'] as const);
    // a window that covers only padding is refused
    const attributes = { kernel, stride, padding, activation: activation() };
    try {
      return b.node(op, [x], attributes, like(x));
    } catch {
      return b.node(op, [x], { ...attributes, stride: [1, 1], padding: [0, 0, 0, 0] }, like(x));
    }
  };
  const sum = (x: Tensor): Tensor => {
    const fitting = images.filter((other) => other.shape.join() === x.shape.join());
    const other = random.next() < 0.2 ? constant([1, 1, 1, x.shape[3]!]) : random.pick(fitting);
    const operands = random.next() < 0.5 ? [x, other] : [other, x];
    const kind = random.pick(['add', 'sub', 'mul', 'maximum'] as const);
    return b.node('binary', operands, { kind, activation: 'none' }, own());
  };
  const join = (x: Tensor): Tensor => {
    const fitting = images.filter(({ shape }) => shape[1] === x.shape[1] && shape[2] === x.shape[2]);
    return b.node('concat', [x, random.pick(fitting)], { axis: 3, activation: 'none' }, like(x));
  };
  const relu = (x: Tensor): Tensor => b.node('unary', [x], { kind: random.pick(['relu', 'abs'] as const) }, like(x));
  const mean = (x: Tensor): Tensor =>
    b.node('averagePool2d', [x], {
      kernel: [x.shape[1]!, x.shape[2]!],
      stride: [1, 1],
      padding: [0, 0, 0, 0],
      activation: 'none',
    }, like(x));

  for (let i = 0; i < size; i++) {
    const recent = images.slice(-3).filter(({ shape }) => elementCount(shape) < 8000);
    const x = random.pick(recent.length > 0 ? recent : images.slice(0, 1));
    const make = random.pick([conv, pointwise, depthwise, depthwise, pool, sum, sum, join, relu]);
    images.push(make(x));
  }
  const results = images.slice(1);
  const outputs = new Set([results.at(-1), ...results.filter(() => random.next() < 0.15)]);
  // a reader that needs a whole image
  if (random.next() < 0.3) outputs.add(mean(random.pick(images)));
  return b.finish([...outputs]);
}

interface Window {
  kernel: Pair;
  dilation: Pair;
  stride: Pair;
  padding: Padding;
}
