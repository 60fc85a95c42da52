import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as layout from '../../assembly/layout';
import { compile, GraphBuilder, type Attributes, type BinaryKind, type DType, type Graph, type NodeOptions,
  type OperatorName, type Quantization, type ReduceKind, type Tensor, type UnaryKind,
  type WeightLayout } from '../../src/compiler/index';
import { crc32 } from '../../src/format/crc32';
import * as klet from '../../src/format/klet';
import { loadSync, type RawArray } from '../../src/index';
import { Random } from '../helpers/random';
import { everyOperator } from '../robustness/sample';
import { annotate } from './dump';
import { constantsOf, fencesOf, readFormat, readPage, root } from './page';
import { bytesOf, PageRunner } from './runner';
import { tinyKlet } from './tiny';

// The pages of docs/format/ must match the code: their constants, the example byte by byte, and the
// arithmetic, which a second runner written from the pages repeats.

const page = readFormat();
const stated = new Map(constantsOf(page));

describe('the constants of docs/format/', () => {
  const sections = Object.entries(klet).filter(([name]) => name.startsWith('SECTION_'));
  const real = new Map<string, unknown>([...Object.entries(layout), ...sections]);

  test('equal those of assembly/layout.ts and src/format/klet.ts, and none is missing', () => {
    const wrong = [...real].filter(([name, value]) => stated.get(name) !== value).map(([name, value]) =>
      `${name} is ${String(value)}, the pages say ${stated.get(name) ?? 'nothing'}`
    );
    expect(wrong).toEqual([]);
  });

  test('exist in the code', () => {
    expect([...stated.keys()].filter((name) => !real.has(name))).toEqual([]);
  });

  test('are each stated once', () => {
    const names = constantsOf(page).map(([name]) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test('belong to the version that the code writes', () => {
    expect(page).toContain(`format version ${klet.MAJOR}.${klet.MINOR}`);
  });

  test('include the right CRC-32 of "123456789"', () => {
    const claimed = /`123456789` give 0x([0-9A-F]{8})/.exec(page)?.[1];
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(parseInt(claimed!, 16));
  });
});

describe('docs/format/example.md', () => {
  const shown = fencesOf(readPage('docs/format/example.md')).flatMap(({ code }) => code.trimEnd().split('\n'));
  const real = annotate(tinyKlet());

  test('shows the bytes that the compiler writes for this network', () => {
    expect(shown).toEqual(real);
  });

  test('names every field of its record, at its offset', () => {
    const at = (line: string): number => parseInt(line.slice(0, 4), 16);
    const plan = at(real.find((line) => line.includes('RECORD_OPCODE'))!);
    const fields = real.flatMap((line) => {
      const name = /^.{55}([A-Z0-9_]+):/.exec(line)?.[1];
      return name ? [[name, at(line) - plan] as const] : [];
    });
    expect(fields.length).toBeGreaterThan(30);
    for (const [name, offset] of fields) expect((layout as Record<string, number>)[name], name).toBe(offset);
  });
});

// ── the arithmetic ────────────────────────────────────────────────────────────────────────────────────────

const random = new Random(20261121);
const quantization = (scale: number, zeroPoint: number): Quantization => ({
  scale: [scale],
  zeroPoint: [zeroPoint],
  axis: 0,
});
const ties = quantization(0.5, -3);
const odd = quantization(Math.fround(0.0371), 5);
const wide = quantization(Math.fround(1.3), -17);

type NodeSpec<K extends OperatorName> = [op: K, attributes: Attributes[K], options?: NodeOptions];

/** A network of one operator on inputs of given shapes; further operands are constants. */
function single<K extends OperatorName>(
  inputs: [shape: number[], dtype: DType, quantization?: Quantization][],
  constants: (b: GraphBuilder) => Tensor[],
  ...[op, attributes, options]: NodeSpec<K>
): Graph {
  const b = new GraphBuilder(op);
  const tensors = inputs.map(([shape, dtype, q], i) => b.input(`x${i}`, shape, dtype, q));
  return b.finish([b.node(op, [...tensors, ...constants(b)], attributes, { name: 'y', ...options })]);
}

const nothing = (): Tensor[] => [];
const perChannel = (channels: number, axis: number): Quantization => ({
  scale: Array.from({ length: channels }, () => Math.fround(random.between(0.001, 0.01))),
  zeroPoint: Array.from({ length: channels }, () => 0),
  axis,
});
const int8Weights =
  (shape: number[], axis: number, q = perChannel(shape[axis]!, axis)) => (b: GraphBuilder): Tensor[] => [
    b.constant(random.fill(new Int8Array(shape.reduce((x, y) => x * y))), shape, q, 'w'),
    b.constant(
      Int32Array.from({ length: shape[axis]! }, () => random.int(-3000, 3000)),
      [shape[axis]!],
      undefined,
      'bias',
    ),
  ];
/** Weights that entropy coding makes smaller. */
const narrow = (weights: (b: GraphBuilder) => Tensor[]) => (b: GraphBuilder): Tensor[] => {
  const [w, ...others] = weights(b) as [Tensor, ...Tensor[]];
  (w.data as Int8Array).forEach((value, i, values) => {
    values[i] = value >> 4;
  });
  return [w, ...others];
};
const floatWeights =
  (shape: number[], axis: number) => (b: GraphBuilder): Tensor[] => [
    b.constant(random.fill(new Float32Array(shape.reduce((x, y) => x * y))), shape, undefined, 'w'),
    b.constant(random.fill(new Float32Array(shape[axis]!)), [shape[axis]!], undefined, 'bias'),
  ];
/** Weights that are mostly their zero point. */
const prunedWeights = (shape: number[], zero: number, density = 0.2) => (b: GraphBuilder): Tensor[] => {
  const [w, bias] = int8Weights(shape, 0, quantization(0.01, zero))(b) as [Tensor, Tensor];
  w.data!.forEach((_, i, data) => {
    if (random.next() > density) data[i] = zero;
  });
  return [w, bias];
};
const hybridWeights =
  (shape: number[], axis: number) => (b: GraphBuilder): Tensor[] => [int8Weights(shape, axis)(b)[0]!,
    floatWeights([shape[axis]!], 0)(b)[1]!];

const conv = {
  stride: [2, 1] as [number, number],
  dilation: [1, 2] as [number, number],
  padding: [1, 2, 0, 1] as [number, number, number, number],
  groups: 2,
  activation: 'relu6' as const,
};
const depthwise = { stride: conv.stride, dilation: conv.dilation, padding: conv.padding, activation: conv.activation };
const pool = {
  kernel: [3, 2] as [number, number],
  stride: [2, 2] as [number, number],
  padding: [1, 0, 1, 1] as [number, number, number, number],
  activation: 'none' as const,
};
const transposed = {
  stride: [2, 3] as [number, number],
  padding: [1, 0, 0, 1] as [number, number, number, number],
  activation: 'none' as const,
};

const binaryKinds: BinaryKind[] = ['add', 'sub', 'mul', 'div', 'minimum', 'maximum', 'squaredDifference'];
const reduceKinds: ReduceKind[] = ['mean', 'sum', 'max', 'min', 'prod'];
const exactKinds: UnaryKind[] = ['relu', 'relu6', 'reluN1To1', 'relu0To1', 'leakyRelu', 'hardSwish', 'sqrt', 'rsqrt',
  'abs', 'neg', 'square', 'floor', 'ceil', 'round'];
const realKinds: UnaryKind[] = ['logistic', 'tanh', 'elu', 'gelu', 'geluTanh', 'exp', 'log', 'sin', 'cos'];

interface Case {
  title: string;
  graph: Graph;
  /** Entropy-coded weights. */
  compact?: boolean;
  weightLayout?: WeightLayout;
  /**
   * Functions of real numbers may differ in their last places; an i8 result by one step where they
   * are rounded.
   */
  tolerance?: number;
}

const cases: Case[] = [{
  title: 'conv2d i8',
  graph: single([[[2, 5, 6, 6], 'int8', odd]], int8Weights([10, 3, 3, 3], 0), 'conv2d', conv, {
    quantization: quantization(0.02, -128),
  }),
}, {
  title: 'conv2d i8, weights with a zero point',
  graph: single([[[1, 4, 4, 3], 'int8', odd]], int8Weights([9, 1, 1, 3], 0, quantization(0.01, 7)), 'conv2d', {
    ...conv,
    groups: 1,
    activation: 'none',
  }, { quantization: quantization(0.05, 3) }),
}, {
  title: 'conv2d i8 of a compact file',
  compact: true,
  graph: single(
    [[[1, 5, 6, 24], 'int8', odd]],
    narrow(int8Weights([40, 3, 3, 24], 0, quantization(0.01, 7))),
    'conv2d',
    { ...conv, groups: 1 },
    { quantization: quantization(0.02, -128) },
  ),
}, {
  title: 'hybrid conv2d of a compact file',
  compact: true,
  graph: single([[[1, 4, 5, 48], 'float32']], narrow(hybridWeights([48, 3, 3, 24], 0)), 'conv2d', {
    ...conv,
    activation: 'none',
    hybrid: 'symmetric',
  }),
}, { title: 'conv2d f32', graph: single([[[2, 5, 6, 6], 'float32']], floatWeights([10, 3, 3, 3], 0), 'conv2d', conv) },
  {
    title: 'transposeConv2d i8',
    graph: single([[[1, 3, 4, 5], 'int8', odd]], int8Weights([7, 3, 2, 5], 0), 'transposeConv2d', transposed, {
      shape: [1, 6, 10, 7],
      quantization: quantization(0.03, 1),
    }),
  },
  ...(['pairs', 'blocks'] as const).flatMap((
    weightLayout,
  ): Case[] => [{
    title: `conv2d i8, pruned to ${weightLayout}`,
    weightLayout,
    graph: single([[[2, 5, 6, 6], 'int8', odd]], prunedWeights([10, 3, 2, 6], 7), 'conv2d', { ...conv, groups: 1 }, {
      quantization: quantization(0.05, -128),
    }),
  }, {
    title: `fullyConnected i8, pruned to ${weightLayout} far apart`,
    weightLayout,
    graph: single([[[3, 2100], 'int8', odd]], prunedWeights([9, 2100], 0, 0.002), 'fullyConnected', {
      activation: 'none',
    }, { quantization: quantization(0.05, 2) }),
  }]), {
  title: 'hybrid conv2d, symmetric',
  graph: single([[[2, 4, 5, 4], 'float32']], hybridWeights([10, 3, 3, 2], 0), 'conv2d', {
    ...conv,
    activation: 'none',
    hybrid: 'symmetric',
  }),
}, {
  title: 'hybrid conv2d, asymmetric',
  graph: single([[[2, 4, 5, 4], 'float32']], hybridWeights([10, 3, 3, 2], 0), 'conv2d', {
    ...conv,
    hybrid: 'asymmetric',
  }),
}, {
  title: 'hybrid fullyConnected',
  graph: single([[[3, 7], 'float32']], hybridWeights([5, 7], 0), 'fullyConnected', {
    activation: 'none',
    hybrid: 'asymmetric',
  }),
}, {
  title: 'depthwiseConv2d 3×3 i8',
  graph: single([[[2, 5, 6, 11], 'int8', odd]], int8Weights([1, 3, 3, 11], 3), 'depthwiseConv2d', depthwise, {
    quantization: quantization(0.02, -100),
  }),
}, {
  title: 'depthwiseConv2d 2×3 i8',
  graph: single([[[1, 5, 6, 9], 'int8', odd]], int8Weights([1, 2, 3, 9], 3), 'depthwiseConv2d', depthwise, {
    quantization: quantization(0.02, 0),
  }),
}, {
  title: 'depthwiseConv2d f32',
  graph: single([[[1, 5, 6, 11], 'float32']], floatWeights([1, 3, 3, 11], 3), 'depthwiseConv2d', depthwise),
},
  ...(['averagePool2d', 'maxPool2d'] as const).flatMap((
    op,
  ): Case[] => [{
    title: `${op} i8`,
    graph: single([[[2, 6, 7, 19], 'int8', odd]], nothing, op, pool, { quantization: odd }),
  }, {
    title: `${op} of what was uint8`,
    graph: single([[[1, 6, 7, 5], 'uint8', quantization(0.5, 100)]], nothing, op, pool, {
      quantization: quantization(0.5, 100),
    }),
  }, { title: `${op} f32`, graph: single([[[1, 6, 7, 5], 'float32']], nothing, op, { ...pool, activation: 'relu' }) }]),
  ...reduceKinds.flatMap((
    kind,
  ): Case[] => [{
    title: `reduce ${kind} i8 over height and width`,
    graph: single([[[2, 3, 4, 5], 'int8', odd]], nothing, 'reduce', { kind, axes: [1, 2] }, {
      shape: [2, 5],
      quantization: ties,
    }),
  }, {
    title: `reduce ${kind} i8 over the last dimension`,
    graph: single([[[4, 9], 'int8', ties]], nothing, 'reduce', { kind, axes: [1] }, {
      shape: [4],
      quantization: quantization(1, 2),
    }),
  }, {
    title: `reduce ${kind} i8 with one quantization`,
    graph: single([[[4, 9], 'int8', odd]], nothing, 'reduce', { kind, axes: [1] }, { shape: [4], quantization: odd }),
  }, {
    title: `reduce ${kind} f32 over rows`,
    graph: single([[[4, 11], 'float32']], nothing, 'reduce', { kind, axes: [1] }, { shape: [4] }),
  }, {
    title: `reduce ${kind} f32 over columns`,
    graph: single([[[11, 4], 'float32']], nothing, 'reduce', { kind, axes: [0] }, { shape: [4] }),
  }]),
  ...binaryKinds.flatMap((
    kind,
  ): Case[] => [{
    title: `binary ${kind} i8`,
    graph: single(
      [[[2, 3, 17], 'int8', odd], [[3, 1], 'int8', ties]],
      nothing,
      'binary',
      { kind, activation: 'relu' },
      { quantization: wide },
    ),
  }, {
    title: `binary ${kind} i8, ties`,
    graph: single([[[40], 'int8', ties], [[40], 'int8', ties]], nothing, 'binary', { kind, activation: 'none' }, {
      quantization: quantization(1, -1),
    }),
  }, {
    title: `binary ${kind} f32`,
    graph: single([[[2, 3, 17], 'float32'], [[2, 1, 17], 'float32']], nothing, 'binary', {
      kind,
      activation: 'reluN1To1',
    }),
  }]),
  ...(['add', 'sub', 'mul', 'minimum', 'maximum'] as const).map((kind): Case => ({
    title: `binary ${kind} i32`,
    graph: single([[[5], 'int32'], [[2, 5], 'int32']], nothing, 'binary', { kind, activation: 'none' }),
  })), {
  title: 'prelu i8',
  graph: single(
    [[[3, 10], 'int8', odd]],
    (b) => [b.constant(random.fill(new Int8Array(10)), [10], ties, 'alpha')],
    'prelu',
    {},
    { quantization: wide },
  ),
}, {
  title: 'prelu f32',
  graph: single(
    [[[3, 10], 'float32']],
    (b) => [b.constant(random.fill(new Float32Array(10)), [10], undefined, 'alpha')],
    'prelu',
    {},
  ),
},
  ...exactKinds.map((kind): Case => ({
    title: `unary ${kind} f32`,
    graph: single([[[23], 'float32']], nothing, 'unary', { kind, alpha: 0.3 }),
  })),
  ...realKinds.map((kind): Case => ({
    title: `unary ${kind} f32`,
    tolerance: 2e-6,
    graph: single([[[23], 'float32']], nothing, 'unary', { kind, alpha: 0.3 }),
  })), {
  title: 'unary logistic i8',
  graph: single([[[40], 'int8', odd]], nothing, 'unary', { kind: 'logistic' }, {
    quantization: quantization(1 / 256, -128),
  }),
}, {
  title: 'softmax i8',
  graph: single([[[3, 13], 'int8', odd]], nothing, 'softmax', { beta: 1 }, {
    quantization: quantization(1 / 256, -128),
  }),
}, { title: 'softmax f32', tolerance: 2e-6, graph: single([[[3, 13], 'float32']], nothing, 'softmax', { beta: 0.7 }) },
  {
    title: 'logSoftmax i8',
    tolerance: 1,
    graph: single([[[3, 13], 'int8', odd]], nothing, 'logSoftmax', {}, { quantization: quantization(1 / 16, 127) }),
  }, { title: 'logSoftmax f32', tolerance: 2e-6, graph: single([[[3, 13], 'float32']], nothing, 'logSoftmax', {}) }, {
  title: 'l2Normalize i8',
  graph: single([[[3, 13], 'int8', odd]], nothing, 'l2Normalize', { epsilon: 1e-6 }, {
    quantization: quantization(1 / 128, 0),
  }),
}, { title: 'l2Normalize f32', graph: single([[[3, 13], 'float32']], nothing, 'l2Normalize', { epsilon: 1e-6 }) }, {
  title: 'transpose i8',
  graph: single([[[2, 9, 11, 3], 'int8']], nothing, 'transpose', { perm: [2, 0, 3, 1] }),
}, {
  title: 'slice f32 backwards',
  graph: single([[[4, 7], 'float32']], nothing, 'slice', { begin: [3, 6], stride: [-1, -2] }, { shape: [4, 4] }),
}, {
  title: 'pad i8 (fill and copy)',
  graph: single(
    [[[2, 3], 'int8', odd]],
    nothing,
    'pad',
    { before: [1, 0], after: [2, 3], mode: 'constant', value: 0 },
    { quantization: odd },
  ),
}, {
  title: 'pad f32, mirrored',
  graph: single([[[4, 3], 'float32']], nothing, 'pad', { before: [3, 1], after: [2, 2], mode: 'reflect', value: 0 }),
},
  ...(['nearest', 'bilinear'] as const).flatMap((
    mode,
  ): Case[] => [{
    title: `resize2d ${mode} i8`,
    graph: single([[[1, 4, 5, 9], 'int8', odd]], nothing, 'resize2d', {
      mode,
      alignCorners: false,
      halfPixelCenters: true,
    }, { shape: [1, 7, 3, 9], quantization: odd }),
  }, {
    title: `resize2d ${mode} f32`,
    graph: single([[[2, 4, 5, 3], 'float32']], nothing, 'resize2d', {
      mode,
      alignCorners: true,
      halfPixelCenters: false,
    }, { shape: [2, 9, 8, 3] }),
  }]),
  ...(['max', 'min'] as const).flatMap((
    kind,
  ): Case[] => [{
    title: `argmax (${kind}) i8`,
    graph: single([[[2, 5, 3], 'int8', odd]], nothing, 'argmax', { axis: 1, kind }, { shape: [2, 3], dtype: 'int32' }),
  }, {
    title: `argmax (${kind}) f32`,
    graph: single([[[4, 6], 'float32']], nothing, 'argmax', { axis: 1, kind }, { shape: [4], dtype: 'int32' }),
  }]), {
  title: 'batchMatmul i8',
  graph: single([[[2, 5, 7], 'int8', odd], [[2, 9, 7], 'int8', ties]], nothing, 'batchMatmul', {
    transposeA: false,
    transposeB: true,
  }, { quantization: quantization(3, 4) }),
}, {
  title: 'batchMatmul f32',
  graph: single([[[2, 7, 5], 'float32'], [[1, 7, 9], 'float32']], nothing, 'batchMatmul', {
    transposeA: true,
    transposeB: false,
  }),
}, {
  title: 'quantize',
  graph: single([[[29], 'float32']], nothing, 'quantize', {}, { dtype: 'int8', quantization: ties }),
}, { title: 'dequantize', graph: single([[[29], 'int8', odd]], nothing, 'dequantize', {}, { dtype: 'float32' }) },
  ...([['float32', 'int32'], ['float32', 'uint8'], ['int8', 'float32'], ['int8', 'int32'], ['int32', 'float32'], [
    'int32',
    'int8',
  ], ['uint8', 'float32']] as const).map(([from, to]): Case => ({
    title: `cast ${from} to ${to}`,
    graph: single([[[29], from]], nothing, 'cast', {}, { dtype: to }),
  }))];

// layers with a state: real weights of one size, so that gates see something
const rows = (shape: number[], int8: boolean, scale = 0.01): (b: GraphBuilder) => Tensor => (b) => {
  const count = shape.reduce((x, y) => x * y);
  return int8
    ? b.constant(random.fill(new Int8Array(count)), shape, quantization(scale, 0), 'w')
    : b.constant(Float32Array.from({ length: count }, () => random.between(-0.5, 0.5)), shape, undefined, 'w');
};
const offsets =
  (count: number, int8: boolean) => (
    b: GraphBuilder,
  ): Tensor => (int8
    ? b.constant(Int32Array.from({ length: count }, () => random.int(-2000, 2000)), [count], undefined, 'bias')
    : b.constant(Float32Array.from({ length: count }, () => random.between(-1, 1)), [count], undefined, 'bias'));
const fine =
  (count: number, int8: boolean) => (
    b: GraphBuilder,
  ): Tensor => (int8
    ? {
      name: 'fine',
      shape: [count],
      dtype: 'int16',
      quantization: quantization(2 ** -15, 0),
      data: Int16Array.from({ length: count }, () => random.int(-32767, 32767)),
    }
    : b.constant(Float32Array.from({ length: count }, () => random.between(-1, 1)), [count], undefined, 'fine'));
const along = { timeMajor: false, reverse: false };
const unit = quantization(1 / 128, 0);
const operands = (...parts: (((b: GraphBuilder) => Tensor) | null)[]) => (b: GraphBuilder): Tensor[] =>
  parts.map((part) => part?.(b) ?? null) as Tensor[];
for (const type of ['i8', 'f32', 'hybrid'] as const) {
  const int8 = type === 'i8';
  const whole = type !== 'f32';
  const x: [number[], DType, Quantization?] = int8 ? [[2, 5, 6], 'int8', odd] : [[2, 5, 6], 'float32'];
  const tolerance = int8 ? 0 : 1e-5;
  const hybrid = type === 'hybrid' ? { hybrid: 'asymmetric' as const } : {};
  const out = (q: Quantization): NodeOptions => (int8 ? { quantization: q } : {});
  const lstm = {
    ...along,
    ...hybrid,
    activation: 'tanh' as const,
    cellClip: 0,
    projectionClip: 0,
    ...(int8 && { cellScale: 2 ** -12 }),
  };
  cases.push({
    title: `lstm ${type}`,
    tolerance,
    graph: single(
      [x],
      operands(rows([36, 6], whole), rows([36, 9], whole), offsets(36, int8)),
      'lstm',
      lstm,
      out(quantization(1 / 120, 4)),
    ),
  }, {
    title: `lstm ${type} with all parts`,
    tolerance,
    graph: single(
      [x],
      operands(
        rows([27, 6], whole),
        rows([27, 5], whole),
        offsets(27, int8),
        fine(18, int8),
        rows([5, 9], whole),
        offsets(5, int8),
        fine(27, int8),
      ),
      'lstm',
      {
        ...lstm,
        reverse: true,
        timeMajor: true,
        cellClip: 1.5,
        projectionClip: 0.8,
        ...(int8 &&
          { cellScale: 2 ** -9, hidden: { scale: 1 / 100, zeroPoint: 3 }, gateScales: [2 ** -10, 2 ** -11, 2 ** -10] }),
      },
      out(quantization(0.02, -3)),
    ),
  }, {
    title: `gru ${type}`,
    tolerance,
    graph: single(
      [x],
      operands(rows([27, 6], whole), rows([27, 9], whole), offsets(27, int8), offsets(27, int8)),
      'gru',
      { ...along, ...hybrid, resetAfter: true },
      out(unit),
    ),
  }, {
    title: `gru ${type}, reset first`,
    tolerance,
    graph: single(
      [x],
      operands(rows([27, 6], whole), rows([27, 9], whole), offsets(27, int8), offsets(27, int8)),
      'gru',
      { ...along, ...hybrid, resetAfter: false },
      out(unit),
    ),
  }, {
    title: `rnn ${type}`,
    tolerance,
    graph: single([x], operands(rows([9, 6], whole), rows([9, 9], whole, 0.003), offsets(9, int8)), 'rnn', {
      ...along,
      ...hybrid,
      activation: 'tanh',
    }, out(unit)),
  }, {
    title: `rnn ${type}, bounded`,
    tolerance,
    graph: single([x], operands(rows([9, 6], whole), rows([9, 9], whole, 0.003), offsets(9, int8)), 'rnn', {
      ...along,
      ...hybrid,
      activation: 'reluN1To1',
    }, out(ties)),
  }, {
    title: `svdf ${type}`,
    tolerance,
    graph: single(
      [x],
      operands(rows([10, 6], whole), (b) => ({ ...fine(70, int8)(b), shape: [10, 7] }), offsets(5, int8)),
      'svdf',
      { ...along, ...hybrid, rank: 2, activation: 'relu', ...(int8 && { stateScale: 2 ** -11 }) },
      out(odd),
    ),
  });
}
// gates of a number of cells that is no multiple of 8, and steps that one byte does not hold
for (const type of ['i8', 'hybrid'] as const) {
  const int8 = type === 'i8';
  const x: [number[], DType, Quantization?] = int8 ? [[2, 3, 2100], 'int8', odd] : [[2, 3, 2100], 'float32'];
  const tolerance = int8 ? 0 : 1e-5;
  const out: NodeOptions = int8 ? { quantization: unit } : {};
  const few = (shape: number[], density: number) => (b: GraphBuilder): Tensor => {
    const w = rows(shape, true)(b);
    w.data!.forEach((_, i, data) => {
      if (random.next() > density) data[i] = 0;
    });
    return w;
  };
  for (const resetAfter of [true, false]) {
    cases.push({
      title: `gru ${type}, pruned to blocks, reset ${resetAfter ? 'after' : 'first'}`,
      weightLayout: 'blocks',
      tolerance,
      graph: single([x], operands(few([33, 2100], 0.002), few([33, 11], 0.2), offsets(33, int8), null), 'gru', {
        ...along,
        ...(!int8 && { hybrid: 'symmetric' }),
        resetAfter,
      }, out),
    });
  }
  cases.push({
    title: `rnn ${type}, its recurrent weights whole`,
    weightLayout: 'blocks',
    tolerance,
    graph: single([x], operands(few([9, 2100], 0.002), few([9, 9], 0), null), 'rnn', {
      ...along,
      ...(!int8 && { hybrid: 'asymmetric' }),
      activation: 'tanh',
    }, out),
  });
}
cases.push({
  title: 'gather',
  graph: single([[[3, 2, 7, 5], 'float32'], [[3, 4], 'int32']], nothing, 'gather', { axis: 2, batchDims: 1 }),
});

function asBytes(array: RawArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function fill(dtype: string, count: number): RawArray {
  const type = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array }[dtype]!;
  return random.fill(new type(count));
}

function farthest(dtype: string, expected: Uint8Array, found: Uint8Array): number {
  const read = (
    bytes: Uint8Array,
  ): ArrayLike<
    number
  > => (dtype === 'float32'
    ? new Float32Array(bytes.slice().buffer)
    : dtype === 'int32'
    ? new Int32Array(bytes.slice().buffer)
    : new Int8Array(bytes));
  const a = read(expected);
  const b = read(found);
  return Math
    .max(...Array.from(
      a,
      (x, i) => (Object.is(x, b[i]) || x === b[i]
        ? 0
        : Math.abs(x - b[i]!) / (dtype === 'float32' ? Math.max(1, Math.abs(x)) : 1)),
    ).map((d) => (Number.isNaN(d) ? Infinity : d)));
}

describe('a runner written from docs/format/ agrees with the core', () => {
  test.each(cases)('on $title', ({ graph, compact = false, tolerance = 0, weightLayout }) => {
    const file = compile(graph, { compact, ...(weightLayout && { weightLayout }) }) as Uint8Array<ArrayBuffer>;
    const model = loadSync(file);
    const runner = new PageRunner(file);
    expect(runner.scratch, 'bytes of scratch').toBe(model.memory.scratch);
    expect(klet.readKlet(file).coded ?? false).toBe(compact);
    expect(runner.total, 'bytes of memory').toBe(model.memory.total);
    for (let round = 0; round < 3; round++) {
      const inputs = Object
        .fromEntries(model.inputs.map(({ name, dtype, shape }) => [name, fill(dtype, shape.reduce((a, b) => a * b))]));
      const expected = model.predict(inputs, { output: 'raw' });
      const [found] = runner.run(model.inputs.map(({ name }) => asBytes(inputs[name]!)));
      expect(farthest(model.outputs[0]!.dtype, asBytes(expected), found!)).toBeLessThanOrEqual(tolerance);
    }
  });

  test('on a network of every record', () => {
    const file = compile(everyOperator()) as Uint8Array<ArrayBuffer>;
    const model = loadSync(file);
    const runner = new PageRunner(file);
    const inputs = Object
      .fromEntries(model.inputs.map(({ name, dtype, shape }) => [name, fill(dtype, shape.reduce((a, b) => a * b))]));
    const expected = model.predict(inputs, { output: 'raw' });
    const found = runner.run(model.inputs.map(({ name }) => asBytes(inputs[name]!)));
    model.outputs.forEach(({ name, dtype }, i) => {
      expect(farthest(dtype, asBytes(expected[name]!), found[i]!), name)
        .toBeLessThanOrEqual(dtype === 'float32' ? 1e-5 : 0);
    });
  });

  test.each(['lstm i8', 'lstm f32'])('where predictions go on from one to the next, on %s', (title) => {
    const { graph, tolerance = 0 } = cases.find((known) => known.title.startsWith(title))!;
    const file = compile({ ...graph, carries: true }) as Uint8Array<ArrayBuffer>;
    const model = loadSync(file);
    const runner = new PageRunner(file);
    const [x] = model.inputs;
    const input = fill(x!.dtype, x!.shape.reduce((a, b) => a * b));
    const answers: string[] = [];
    for (let round = 0; round < 4; round++) {
      if (round === 2) {
        [model, runner].forEach((one) => {
          one.reset();
        });
      }
      const expected = asBytes(model.predict({ [x!.name]: input }, { output: 'raw' }));
      const [found] = runner.run([asBytes(input)]);
      expect(farthest(model.outputs[0]!.dtype, expected, found!)).toBeLessThanOrEqual(tolerance);
      answers.push(expected.join());
    }
    expect(answers[1]).not.toBe(answers[0]);
    expect(answers.slice(2)).toEqual(answers.slice(0, 2));
  });

  test('on the file of docs/format/example.md', () => {
    const runner = new PageRunner(tinyKlet());
    const size = bytesOf(runner.inputs[0]!);
    expect(runner.run([runner.golden.slice(0, size)])[0]).toEqual(runner.golden.slice(size));
  });

  test('on the golden cases of models/digits', () => {
    const runner = new PageRunner(new Uint8Array(readFileSync(path.join(root, 'models/digits/digits.klet'))));
    const [input, output] = [bytesOf(runner.inputs[0]!), bytesOf(runner.outputs[0]!)];
    expect(runner.golden.length).toBeGreaterThan(0);
    for (let at = 0; at < runner.golden.length; at += input + output) {
      expect(runner.run([runner.golden.slice(at, at + input)])[0])
        .toEqual(runner.golden.slice(at + input, at + input + output));
    }
  });

  test('and knows every opcode', () => {
    const all: Pick<(typeof cases)[number], 'graph' | 'weightLayout'>[] = [...cases, { graph: everyOperator() }];
    const used = new Set(all.flatMap(({ graph, weightLayout }) => {
      const { plan } = klet.readKlet(compile(graph, { ...(weightLayout && { weightLayout }) }));
      const codes: number[] = [];
      for (let at = 0; at < plan.length;
        at += new DataView(plan.buffer, plan.byteOffset).getUint32(at + layout.RECORD_SIZE, true))
      {
        codes.push(plan[at]!);
      }
      return codes;
    }));
    const opcodes = Object.entries(layout).filter(([name]) => name.startsWith('OP_'));
    expect(opcodes.filter(([, code]) => !used.has(code)).map(([name]) => name)).toEqual([]);
  });
});
