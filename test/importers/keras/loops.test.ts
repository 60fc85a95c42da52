import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { imported, named, numbers, runGraph } from './oracle';
import { sequential, type Layers } from './writer';

// Layers that TensorFlow.js lacks, against plain loops.

const close = (found: ArrayLike<number>, wanted: readonly number[], digits = 5): void => {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(found[i], String(i)).toBeCloseTo(value, digits));
};
const constant = (name: string, shape: number[], seed: number) => named(name, shape, numbers(shape, seed));
const dataOf = (weight: ReturnType<typeof named>): number[] => Array.from(weight.read().data);
const run = (
  input: number[],
  layers: Layers,
  x: ArrayLike<number>,
  weights: ReturnType<typeof named>[] = [],
  version?: string,
): Float32Array => runGraph(imported(sequential(input, layers), weights, version), [x])[0]!;
const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
const variance = (list: readonly number[]): number => mean(list.map((v) => (v - mean(list)) ** 2));
const softmax = (list: readonly number[]): number[] => {
  const powers = list.map((v) => Math.exp(v - Math.max(...list)));
  return powers.map((v) => v / powers.reduce((a, b) => a + b, 0));
};
const range = (n: number): number[] => [...Array(n).keys()];

describe('normalizations', () => {
  const x = numbers([12], 1);

  test('layer normalization over a dimension that is not the last', () => {
    const [gamma, beta] = [constant('layer_0/gamma', [3], 2), constant('layer_0/beta', [3], 3)];
    const wanted = range(12).map((i) => {
      const [t, c] = [Math.floor(i / 4), i % 4];
      const column = range(3).map((k) => x[k * 4 + c]!);
      return (x[i]! - mean(column)) / Math.sqrt(variance(column) + 0.01) * dataOf(gamma)[t]! + dataOf(beta)[t]!;
    });
    close(run([3, 4], [['LayerNormalization', { axis: [1], epsilon: 0.01 }]], x, [gamma, beta]), wanted);
  });

  test('groups of channels', () => {
    const [gamma, beta] = [constant('layer_0/gamma', [4], 2), constant('layer_0/beta', [4], 3)];
    const wanted = range(12).map((i) => {
      const c = i % 4;
      const group = range(12).filter((k) => Math.floor((k % 4) / 2) === Math.floor(c / 2)).map((k) => x[k]!);
      return (x[i]! - mean(group)) / Math.sqrt(variance(group) + 0.001) * dataOf(gamma)[c]! + dataOf(beta)[c]!;
    });
    close(run([3, 4], [['GroupNormalization', { groups: 2, axis: -1 }]], x, [gamma, beta]), wanted);
  });

  test('root mean square, and unit length', () => {
    const scale = constant('layer_0/scale', [4], 2);
    const row = (i: number): number[] => range(4).map((c) => x[Math.floor(i / 4) * 4 + c]!);
    const square = (i: number): number => mean(row(i).map((v) => v * v));
    close(
      run([3, 4], [['RMSNormalization', { axis: -1, epsilon: 0.01 }]], x, [scale]),
      range(12).map((i) => x[i]! / Math.sqrt(square(i) + 0.01) * dataOf(scale)[i % 4]!),
    );
    close(
      run([3, 4], [['UnitNormalization', { axis: [-1] }]], x),
      range(12).map((i) => x[i]! / Math.sqrt(4 * square(i))),
    );
  });

  test('batch normalization along the first dimension', () => {
    const roles = ['gamma', 'beta', 'moving_mean'].map((role, i) => constant(`layer_0/${role}`, [3], i + 2));
    const spread = named('layer_0/moving_variance', [3], Float32Array.of(0.5, 1, 3));
    const [gamma, beta, middle] = roles.map(dataOf) as [number[], number[], number[]];
    const wanted = range(12).map((i) => {
      const t = Math.floor(i / 4);
      return (x[i]! - middle[t]!) / Math.sqrt([0.5, 1, 3][t]! + 0.001) * gamma[t]! + beta[t]!;
    });
    close(run([3, 4], [['BatchNormalization', { axis: 1 }]], x, [...roles, spread]), wanted);
  });

  test('learned and given statistics', () => {
    const [middle, spread] = [constant('layer_0/mean', [4], 2),
      named('layer_0/variance', [4], Float32Array.of(1, 4, 9, 0.25))];
    const wanted = range(12).map((i) => (x[i]! - dataOf(middle)[i % 4]!) / Math.sqrt(dataOf(spread)[i % 4]!));
    close(run([3, 4], [['Normalization', { axis: [-1] }]], x, [middle, spread]), wanted);
    const given: Layers = [['Normalization', { axis: [-1], mean: [1, 2, 3, 4], variance: [[4, 4, 1, 1]] }]];
    close(run([3, 4], given, x), range(12).map((i) => (x[i]! - 1 - i % 4) / [2, 2, 1, 1][i % 4]!));
  });
});

describe('attention', () => {
  const [T, D, H, K] = [3, 4, 2, 3];
  const x = numbers([T, D], 7);
  const weights = ['query', 'key', 'value'].flatMap((
    name,
    i,
  ) => [constant(`layer_0/${name}/kernel`, [D, H, K], i + 20), constant(`layer_0/${name}/bias`, [H, K], i + 30)]);
  const out = [constant('layer_0/attention_output/kernel', [H, K, D], 40),
    constant('layer_0/attention_output/bias', [D], 41)];
  const project = (i: number, t: number, h: number, k: number): number =>
    dataOf(weights[2 * i + 1]!)[h * K + k]! +
    range(D).reduce((sum, d) => sum + x[t * D + d]! * dataOf(weights[2 * i]!)[(d * H + h) * K + k]!, 0);

  test.each([false, true])('in heads, causal: %s', (isCausal) => {
    const model = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [{
          class_name: 'InputLayer',
          name: 'x',
          config: { name: 'x', batch_shape: [null, T, D] },
          inbound_nodes: [],
        }, {
          class_name: 'MultiHeadAttention',
          name: 'layer_0',
          config: { name: 'layer_0', num_heads: H, key_dim: K },
          inbound_nodes: [[['x', 0, 0, { value: ['x', 0, 0], use_causal_mask: isCausal }]]],
        }],
        input_layers: [['x', 0, 0]],
        output_layers: [['layer_0', 0, 0]],
      },
    };
    const heads = range(H).map((h) =>
      range(T).map((t) => {
        const scores = range(T).map((s) =>
          isCausal && s > t
            ? -1e9
            : range(K).reduce((sum, k) => sum + project(0, t, h, k) * project(1, s, h, k), 0) / Math.sqrt(K)
        );
        const shares = softmax(scores);
        return range(K).map((k) => range(T).reduce((sum, s) => sum + shares[s]! * project(2, s, h, k), 0));
      })
    );
    const wanted = range(T * D).map((i) => {
      const [t, d] = [Math.floor(i / D), i % D];
      return dataOf(out[1]!)[d]! +
        range(H * K).reduce((sum, j) => sum + heads[Math.floor(j / K)]![t]![j % K]! * dataOf(out[0]!)[j * D + d]!, 0);
    });
    close(runGraph(imported(model, [...weights, ...out]), [x])[0]!, wanted);
  });

  test.each(['Attention', 'AdditiveAttention'])('%s of a sequence on itself', (kind) => {
    const scale = constant('layer_0/scale', kind === 'Attention' ? [] : [D], 50);
    const model = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [{
          class_name: 'InputLayer',
          name: 'x',
          config: { name: 'x', batch_shape: [null, T, D] },
          inbound_nodes: [],
        }, {
          class_name: kind,
          name: 'layer_0',
          config: { name: 'layer_0', use_scale: true },
          inbound_nodes: [[['x', 0, 0, {}], ['x', 0, 0, {}]]],
        }],
        input_layers: [['x', 0, 0]],
        output_layers: [['layer_0', 0, 0]],
      },
    };
    const wanted = range(T).flatMap((t) => {
      const shares = softmax(range(T).map((s) =>
        range(D).reduce((sum, d) => {
          const [q, k] = [x[t * D + d]!, x[s * D + d]!];
          return sum + (kind === 'Attention' ? q * k * dataOf(scale)[0]! : Math.tanh(q + k) * dataOf(scale)[d]!);
        }, 0)
      ));
      return range(D).map((d) => range(T).reduce((sum, s) => sum + shares[s]! * x[s * D + d]!, 0));
    });
    close(runGraph(imported(model, [scale]), [x])[0]!, wanted);
  });
});

describe('masks', () => {
  const table = constant('layer_0/embeddings', [5, 2], 3);
  const embedding = (
    isMasked: boolean,
  ): Layers => [['Embedding', { input_dim: 5, output_dim: 2, mask_zero: isMasked }]];

  test('an average counts the steps that are not masked', () => {
    const rows = [3, 1].map((id) => dataOf(table).slice(2 * id, 2 * id + 2));
    const layers: Layers = [...embedding(true), ['Dropout', { rate: 0.1 }], ['GlobalAveragePooling1D', {}]];
    close(run([4], layers, [3, 0, 1, 0], [table]), [0, 1].map((c) => (rows[0]![c]! + rows[1]![c]!) / 2));
  });

  test('a recurrent layer of masked steps is refused, after a layer without masks it is not', () => {
    const lstm = ['kernel', 'recurrent_kernel', 'bias'].map((role, i) =>
      constant(`layer_2/${role}`, [[2, 8], [2, 8], [8]][i]!, i)
    );
    const after = (
      kind: string,
      config: object,
    ): Layers => [...embedding(true), [kind, config], ['LSTM', { units: 2 }]];
    expect(() => run([4], after('Dropout', { rate: 0.5 }), [3, 0, 1, 0], [table, ...lstm])).toThrow('LSTM with a mask');
    expect(run([4], after('Conv1D', { filters: 2, kernel_size: 1 }), [3, 0, 1, 0], [table, ...lstm,
      constant('layer_1/kernel', [1, 2, 2], 8), constant('layer_1/bias', [2], 9)])).toHaveLength(2);
  });

  test('other values than 0 become 0', () => {
    close(run([2, 2], [['Masking', { mask_value: 7 }]], [7, 7, 7, 1]), [0, 0, 7, 1]);
  });
});

describe('functions', () => {
  test('the slope of a hard sigmoid depends on the version', () => {
    const layers: Layers = [['Activation', { activation: 'hard_sigmoid' }]];
    close(run([3], layers, [-1, 0.5, 4], [], '2.4.0'), [0.3, 0.6, 1]);
    close(run([3], layers, [-1, 0.5, 4], [], '3.1.0'), [1 / 3, 0.5 + 0.5 / 6, 1]);
  });

  test('a rectifier with a slope, a threshold and a maximum', () => {
    const x = [-2, 0.4, 0.6, 3];
    close(run([4], [['ReLU', { max_value: 2, negative_slope: 0.1, threshold: 0.5 }]], x), [-0.25, -0.01, 0.6, 2]);
    close(run([4], [['ReLU', { max_value: 2, negative_slope: 0.1 }]], x), [-0.2, 0.4, 0.6, 2]);
  });

  test.each<[string, (x: number) => number]>([['hard_shrink', (x) => (Math.abs(x) > 0.5 ? x : 0)], ['soft_shrink',
    (x) => Math.sign(x) * Math.max(Math.abs(x) - 0.5, 0)], ['tanh_shrink', (x) => x - Math.tanh(x)], ['squareplus',
    (x) => (x + Math.sqrt(x * x + 4)) / 2], ['sparse_plus',
    (x) => (Math.min(Math.max(x, -1), 1) + 1) ** 2 / 4 + Math.max(x - 1, 0)], ['log_sigmoid',
    (x) => -Math.log(1 + Math.exp(-x))], ['hard_silu', (x) => x * Math.min(Math.max(x + 3, 0), 6) / 6], ['exponential',
    Math.exp]])('%s', (activation, f) => {
      const x = [-3, -0.7, -0.2, 0, 0.3, 0.8, 2.5];
      close(run([7], [['Activation', { activation }]], x, [], '3.9.0'), x.map(f));
    });

  test('images are resized and cropped in the middle', () => {
    const x = range(16);
    close(run([4, 4, 1], [['CenterCrop', { height: 2, width: 2 }]], x), [5, 6, 9, 10]);
    close(run([4, 4, 1], [['Resizing', { height: 2, width: 2, interpolation: 'nearest' }]], x), [5, 7, 13, 15]);
    close(run([1, 2, 1], [['UpSampling2D', { size: [1, 2], interpolation: 'bilinear' }]], [0, 4]), [0, 1, 3, 4]);
  });

  test('a causal convolution reads the past only', () => {
    const kernel = named('layer_0/kernel', [2, 1, 1], Float32Array.of(10, 1));
    const layers: Layers = [['Conv1D', {
      filters: 1,
      kernel_size: 2,
      padding: 'causal',
      dilation_rate: 2,
      use_bias: false,
    }]];
    close(run([4, 1], layers, [1, 2, 3, 4], [kernel]), [1, 2, 13, 24]);
  });
});

describe('states', () => {
  const roles = ['kernel', 'recurrent_kernel', 'bias'];
  const weights = roles.map((role, i) => constant(`layer_0/lstm_cell/${role}`, [[2, 12], [3, 12], [12]][i]!, i + 60));
  const x = numbers([4, 2], 70);
  const lstm = { units: 3, recurrent_activation: 'sigmoid', return_sequences: true };

  test('a stateful layer continues where it was', () => {
    const whole = run([4, 2], [['LSTM', lstm]], x, weights);
    const model = loadSync(compile(imported(sequential([2, 2], [['LSTM', { ...lstm, stateful: true }]]), weights)));
    const stream = model.createState();
    const parts = [x.slice(0, 4), x.slice(4)].flatMap((part) => [...(stream.predict(part) as Float32Array)]);
    close(parts, [...whole]);
  });

  test('final states are outputs, and start another layer', () => {
    const [h, ...others] = ['encoder', 'decoder'].flatMap((name) =>
      weights.map((weight, i) => ({ ...weight, name: `${name}/${roles[i]!}` }))
    );
    const node = (name: string, inputs: unknown[], config: object): object => ({
      class_name: 'LSTM',
      name,
      config: { name, ...lstm, ...config },
      inbound_nodes: [inputs],
    });
    const model = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [{
          class_name: 'InputLayer',
          name: 'a',
          config: { name: 'a', batch_shape: [null, 2, 2] },
          inbound_nodes: [],
        }, { class_name: 'InputLayer', name: 'b', config: { name: 'b', batch_shape: [null, 2, 2] }, inbound_nodes: [] },
          node('encoder', [['a', 0, 0, {}]], { return_sequences: false, return_state: true }),
          node('decoder', [['b', 0, 0, {}], ['encoder', 0, 1, {}], ['encoder', 0, 2, {}]], {})],
        input_layers: [['a', 0, 0], ['b', 0, 0]],
        output_layers: [['decoder', 0, 0]],
      },
    };
    const whole = run([4, 2], [['LSTM', lstm]], x, weights);
    const [found] = runGraph(imported(model, [h!, ...others]), [x.slice(0, 4), x.slice(4)]);
    close(found!, [...whole.slice(6)]);
  });
});
