import { GraphBuilder, type Graph, type Tensor } from '../../src/compiler/index';
import { ConstantMaker, normal, smoothImages } from '../../test/compiler/quantize/networks';
import { Random } from '../../test/helpers/random';

// Networks that are hard to quantize by construction, each of one kind.

/** A kind of difficulty: a network and inputs by their seed. */
export interface HardNetwork {
  name: string;
  graph: (seed: number) => Graph;
  inputs: (count: number, seed: number) => (Float32Array | Record<string, Float32Array>)[];
  /** Held-out inputs, if they are of another kind. */
  usual?: (count: number, seed: number) => Float32Array[];
}

const pair = [1, 1] as [number, number];
const around = [1, 1, 1, 1] as [number, number, number, number];
const none = [0, 0, 0, 0] as [number, number, number, number];

/** Depthwise and pointwise layers whose channels have scales that differ by e^±spread. */
function mobile(spread: number, activation: 'relu' | 'relu6'): (seed: number) => Graph {
  return (seed) => {
    const b = new GraphBuilder('mobile');
    const make = new ConstantMaker(b, seed, spread);
    const common = { stride: pair, dilation: pair, activation };
    let x = b.node('conv2d', [b.input('x', [1, 10, 10, 3]), make.weights([16, 3, 3, 3], 0), make.bias(16)], {
      ...common,
      padding: around,
      groups: 1,
    });
    for (let i = 0; i < 3; i++) {
      const deep = b.node('depthwiseConv2d', [x, make.weights([1, 3, 3, 16], 3), make.bias(16)], {
        ...common,
        padding: around,
      });
      const wide = b.node('conv2d', [deep, make.weights([16, 1, 1, 16], 0), make.bias(16)], {
        ...common,
        padding: none,
        groups: 1,
      });
      x = activation === 'relu6' ? b.node('binary', [x, wide], { kind: 'add', activation: 'none' }) : wide;
    }
    const mean = b.node('reduce', [x], { kind: 'mean', axes: [1, 2] }, { shape: [1, 16] });
    return b.finish([b.node('fullyConnected', [mean, make.weights([6, 16], 0), null], { activation: 'none' })]);
  };
}

/** Fully connected layers with a body in between. */
function dense(
  inputs: number,
  outputs: number,
  body: (b: GraphBuilder, x: Tensor, make: ConstantMaker) => Tensor,
): (seed: number) => Graph {
  return (seed) => {
    const b = new GraphBuilder('dense');
    const make = new ConstantMaker(b, seed, 0);
    const first = b.node('fullyConnected', [b.input('x', [1, inputs]), make.weights([32, inputs], 0), make.bias(32)], {
      activation: 'relu',
    });
    const last = b.node('fullyConnected', [first, make.weights([outputs, 32], 0), make.bias(outputs)], {
      activation: 'none',
    });
    return b.finish([body(b, last, make)]);
  };
}

const vectors = (size: number, scaleOf: (i: number) => number = () => 1) => (count: number, seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const shift = normal(random);
    return Float32Array.from({ length: size }, (_, i) => scaleOf(i) * (0.5 * shift + normal(random)));
  });
};

/** One value of a sample in 50 is forty times as large as usual, as after a fault of a sensor. */
function outliers(count: number, seed: number): Float32Array[] {
  const random = new Random(seed);
  return vectors(32)(count, seed).map((values, i) => {
    if (i % 50 === 5) values[random.int(0, 31)]! *= 40;
    return values;
  });
}

/** Attention of eight tokens, of which a mask hides some. */
function attention(seed: number): Graph {
  const b = new GraphBuilder('attention');
  const make = new ConstantMaker(b, seed, 0);
  const x = b.input('x', [8, 16]);
  const mask = b.input('mask', [1, 8, 8]);
  const project = (): Tensor => {
    const y = b.node('fullyConnected', [x, make.weights([16, 16], 0), make.bias(16)], { activation: 'none' });
    return b.node('reshape', [y], {}, { shape: [1, 8, 16] });
  };
  const [q, k, v] = [project(), project(), project()];
  const products = b.node('batchMatmul', [q, k], { transposeA: false, transposeB: true }, { shape: [1, 8, 8] });
  const masked = b.node('binary', [products, mask], { kind: 'add', activation: 'none' });
  const weights = b.node('softmax', [masked], { beta: 1 });
  return b.finish([
    b.node('batchMatmul', [weights, v], { transposeA: false, transposeB: false }, { shape: [1, 8, 16] }),
  ]);
}

function maskedTokens(count: number, seed: number): Record<string, Float32Array>[] {
  const random = new Random(seed);
  return vectors(128)(count, seed).map((x) => {
    const length = random.int(3, 8);
    return { x, mask: Float32Array.from({ length: 64 }, (_, i) => (i % 8 < length ? 0 : -1e4)) };
  });
}

export const hardNetworks: HardNetwork[] = [{
  name: 'channels e^±0.7, relu (MobileNet v1)',
  graph: mobile(0.7, 'relu'),
  inputs: (n, seed) => smoothImages(seed, n),
}, {
  name: 'channels e^±1.5, relu (MobileNet v1)',
  graph: mobile(1.5, 'relu'),
  inputs: (n, seed) => smoothImages(seed, n),
}, {
  name: 'channels e^±0.7, relu6, sums (MobileNet v2)',
  graph: mobile(0.7, 'relu6'),
  inputs: (n, seed) => smoothImages(seed, n),
}, {
  name: 'channels e^±1.5, relu6, sums (MobileNet v2)',
  graph: mobile(1.5, 'relu6'),
  inputs: (n, seed) => smoothImages(seed, n),
}, {
  name: 'one sample of 50 is an outlier; usual inputs',
  graph: dense(32, 16, (_, x) => x),
  inputs: outliers,
  usual: vectors(32),
}, { name: 'attention with a mask of −10,000', graph: attention, inputs: maskedTokens }, {
  name: 'boxes and scores in one tensor',
  graph: dense(32, 16, (b, x, make) => {
    const boxes = b.node('fullyConnected', [x, make.weights([4, 16], 0), make.bias(4)], { activation: 'none' });
    const pixels = b.node('binary', [boxes, b.constant(Float32Array.of(200), [1])], {
      kind: 'mul',
      activation: 'none',
    });
    const logits = b.node('fullyConnected', [x, make.weights([4, 16], 0), make.bias(4)], { activation: 'none' });
    const scores = b.node('unary', [logits], { kind: 'logistic' });
    const all = b.node('concat', [pixels, scores], { axis: 1, activation: 'none' });
    return b.node('slice', [all], { begin: [0, 4], stride: [1, 1] }, { shape: [1, 4] });
  }),
  inputs: vectors(32),
}, {
  name: 'sensors of 1 to 1,000',
  graph: (seed) => {
    const b = new GraphBuilder('sensors');
    const random = new Random(seed);
    const weights = Float32Array.from({ length: 16 * 8 }, (_, i) => normal(random) / 10 ** (3 * (i % 8) / 7));
    const first = b.node('fullyConnected', [b.input('x', [1, 8]), b.constant(weights, [16, 8]), null], {
      activation: 'relu',
    });
    const make = new ConstantMaker(b, seed, 0);
    return b.finish([b.node('fullyConnected', [first, make.weights([4, 16], 0), null], { activation: 'none' })]);
  },
  inputs: vectors(8, (i) => 10 ** (3 * i / 7)),
}, {
  name: 'softmax over 1,000 classes',
  graph: dense(32, 1000, (b, x) => b.node('softmax', [x], { beta: 1 })),
  inputs: vectors(32),
}, {
  name: 'log softmax of logits up to 60',
  graph: dense(32, 20, (b, x) =>
    b.node('logSoftmax', [
      b.node('binary', [x, b.constant(Float32Array.of(15), [1])], { kind: 'mul', activation: 'none' }),
    ], {})),
  inputs: vectors(32),
}];
