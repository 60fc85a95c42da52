import { describe, expect, test } from 'vitest';
import { keras } from '../../../src/importers/keras/index';
import type { GroupContent } from './hdf5Writer';
import { importKeras } from '../../../src/importers/shared/keras/network';
import { NamedWeights } from '../../../src/importers/shared/keras/weights';
import { difference, imported, named, numbers, runGraph } from './oracle';
import { sequential, writeKerasArchive, writeKerasHdf5 } from './writer';

// How layers are connected, and where files of each version have their weights.

const input = (name: string, ...shape: number[]): object => ({
  class_name: 'InputLayer',
  name,
  config: { name, batch_input_shape: [null, ...shape] },
  inbound_nodes: [],
});
const layer = (className: string, name: string, config: object, ...nodes: unknown[]): object => ({
  class_name: className,
  name,
  config: { name, trainable: true, ...config },
  inbound_nodes: nodes,
});
const from = (name: string, call = 0, index = 0): unknown[] => [name, call, index, {}];
const functional = (name: string, layers: object[], inputs: string[], outputs: [string, number, number][]): object => ({
  class_name: 'Functional',
  config: { name, layers, input_layers: inputs.map((n) => [n, 0, 0]), output_layers: outputs },
});

const dense = (name: string, units: number): object => ({
  class_name: 'Dense',
  config: { name, units, trainable: true },
});

/** A model that calls a layer twice, with models inside, two inputs and two outputs. */
const branched = functional(
  'model',
  [input('a', 4), input('b', 4), layer('Dense', 'shared', { units: 3, activation: 'tanh' }, [from('a')], [from('b')]), {
    class_name: 'Sequential',
    name: 'inner',
    config: {
      name: 'inner',
      layers: [{ class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 3] } }, dense('d1', 5),
        dense('d2', 3)],
    },
    inbound_nodes: [[from('shared', 1)]],
  }, layer('Add', 'sum', {}, [from('shared'), from('inner', 1)]),
    layer('Concatenate', 'joined', { axis: -1 }, [from('sum'), from('a')]),
    layer('Dense', 'last', { units: 2 }, [from('joined')])],
  ['a', 'b'],
  [['last', 0, 0], ['sum', 0, 0]],
);

describe('the connections of layers', () => {
  test('layers called twice, models in models, several inputs and outputs', async () => {
    expect(await difference(branched)).toBeLessThan(2e-6);
    const { inputs, outputs } = imported(
      branched,
      weightsOf([4, 3], 'shared', [3, 5], 'd1', [5, 3], 'd2', [7, 2], 'last'),
    );
    expect(inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(outputs.map(({ name }) => name)).toEqual(['last', 'sum']);
  });

  test('the dialect of Keras 3', () => {
    const tensor = (name: string): object => ({
      class_name: '__keras_tensor__',
      config: { shape: [null, 4], dtype: 'float32', keras_history: [name, 0, 0] },
    });
    const node = (...args: unknown[]): object => ({ args, kwargs: {} });
    const model = functional(
      'model',
      [{ ...input('a', 4), config: { name: 'a', batch_shape: [null, 4], dtype: 'float32' } }, {
        ...layer(
          'Dense',
          'first',
          { units: 4, activation: { class_name: 'function', config: 'relu' } },
          node(tensor('a')),
        ),
        module: 'keras.layers',
      }, { ...layer('Add', 'sum', {}, node([tensor('a'), tensor('first')])), module: 'keras.layers' }, {
        ...layer(
          'GetItem',
          'part',
          {},
          node(tensor('sum'), [{ class_name: '__slice__', config: { start: null, stop: null, step: null } }, {
            class_name: '__slice__',
            config: { start: 1, stop: 3, step: null },
          }]),
        ),
        module: 'keras.src.ops.numpy',
      }, { ...layer('Multiply', 'twice', {}, node(tensor('part'), 2)), module: 'keras.src.ops.numpy' }],
      ['a'],
      [['twice', 0, 0]],
    );
    const kernel = numbers([4, 4], 1);
    const bias = numbers([4], 2);
    const graph = imported(model, [named('first/kernel', [4, 4], kernel), named('first/bias', [4], bias)], '3.9.0');
    const x = numbers([4], 3);
    const first = Array.from(bias, (b, j) => Math.max(0, b + x.reduce((sum, v, i) => sum + v * kernel[i * 4 + j]!, 0)));
    const [found] = runGraph(graph, [x]);
    [1, 2].forEach((i, at) => expect(found![at]).toBeCloseTo(2 * (x[i]! + first[i]!), 5));
  });

  test('functions of TensorFlow between layers', () => {
    const model = functional(
      'model',
      [input('a', 3),
        layer('TFOpLambda', 'tf.math.multiply', { function: 'math.multiply' }, ['a', 0, 0, { y: 3, name: null }]),
        layer('TFOpLambda', 'tf.__operators__.add', { function: '__operators__.add' }, ['tf.math.multiply', 0, 0, {
          y: ['a', 0, 0],
          name: null,
        }]),
        layer('TFOpLambda', 'tf.concat', { function: 'concat' }, [['a', 0, 0, { axis: 1 }], ['tf.__operators__.add', 0,
          0, { axis: 1 }]]),
        layer('SlicingOpLambda', 'tf.__operators__.getitem', { function: '__operators__.getitem' }, ['tf.concat', 0, 0,
          { slice_spec: [{ start: null, stop: null, step: null }, { start: 2, stop: null, step: 2 }] }])],
      ['a'],
      [['tf.__operators__.getitem', 0, 0]],
    );
    const [found] = runGraph(imported(model), [[1, 2, 5]]);
    expect([...found!]).toEqual([5, 8]);
  });

  test('a cycle, a missing layer and a missing output are errors', () => {
    const loop = functional(
      'm',
      [input('a', 2), layer('ReLU', 'x', {}, [from('y')]), layer('ReLU', 'y', {}, [from('x')])],
      ['a'],
      [['y', 0, 0]],
    );
    expect(() => imported(loop)).toThrow(/the layer "[xy]" reads its own output/);
    const missing = functional('m', [input('a', 2), layer('ReLU', 'x', {}, [from('z')])], ['a'], [['x', 0, 0]]);
    expect(() => imported(missing)).toThrow('the layer "z" is read but does not exist');
    const far = functional('m', [input('a', 2), layer('ReLU', 'x', {}, [from('a')])], ['a'], [['x', 0, 3]]);
    expect(() => imported(far)).toThrow('the layer "x" has 1 outputs, not 4');
  });

  test('all layers without a counterpart are listed, those after them too', () => {
    const model = functional(
      'm',
      [input('a', 2), layer('Lambda', 'l', {}, [from('a')]), layer('Custom>Mine', 'mine', {}, [from('l')]),
        layer('Dense', 'd', { units: 2 }, [from('mine')]), layer('ConvLSTM2D', 'c', {}, [from('d')])],
      ['a'],
      [['c', 0, 0]],
    );
    for (const text of ['Lambda (1): "l"', 'Custom>Mine (1): "mine"', 'ConvLSTM2D (1): "c"']) {
      expect(() => imported(model)).toThrow(text);
    }
  });
});

describe('options of the import', () => {
  const load = (options: object) =>
    importKeras({ model: branched, version: '2.15.0', weights: new NamedWeights(dense4) }, options);
  const dense4 = weightsOf([4, 3], 'shared', [3, 5], 'd1', [5, 3], 'd2', [7, 2], 'last');

  test('other layers are the outputs', () => {
    const { outputs, nodes } = load({ outputs: ['joined', 'shared'] });
    expect(outputs).toMatchObject([{ name: 'joined', shape: [1, 7] }, { name: 'shared', shape: [1, 3] }]);
    expect(nodes.map(({ name }) => name)).not.toContain('last');
    expect(() => load({ outputs: ['nothing'] }))
      .toThrow('there is no layer "nothing"; the layers are "a", "b", "shared"');
    const list = sequential([4], [['ReLU', {}], ['ELU', {}], ['Lambda', {}]]);
    const end = (outputs: string[]) =>
      importKeras({ model: list, version: '3', weights: { find: () => [] } }, { outputs });
    expect(end(['layer_1', 'layer_0']).outputs.map(({ name }) => name)).toEqual(['layer_1', 'layer_0']);
  });

  test('an input that is known is no input', () => {
    const b = [0.5, 1, -1, 2];
    const known = load({ constants: { b: { data: b } } });
    expect(known.inputs.map(({ name }) => name)).toEqual(['a']);
    const x = numbers([4], 1);
    const [all, fixed] = [runGraph(load({}), [x, b]), runGraph(known, [x])];
    fixed.forEach((output, i) => output.forEach((value, j) => expect(value).toBeCloseTo(all[i]![j]!, 5)));
    expect(() => load({ constants: { c: { data: b } } })).toThrow('there is no input "c" to make constant');
  });

  test('where the network can end before what is unsupported', () => {
    const list = sequential([4], [['ReLU', {}], ['Lambda', {}], ['ELU', {}]]);
    expect(() => imported(list)).toThrow('the network can end before them with --outputs "layer_0"');
    const graph = functional(
      'm',
      [input('a', 2), layer('ReLU', 'x', {}, [from('a')]), layer('Lambda', 'l', {}, [from('x')]),
        layer('ELU', 'y', {}, [from('x')])],
      ['a'],
      [['l', 0, 0], ['y', 0, 0]],
    );
    expect(() => imported(graph)).toThrow('--outputs "x" --outputs "y"');
  });
});

/** Weights of dense layers: shapes of kernels with names. */
function weightsOf(...list: (number[] | string)[]) {
  return list.flatMap((shape, i) => {
    const name = list[i + 1];
    if (typeof shape === 'string') return [];
    return [named(`${String(name)}/kernel`, shape, numbers(shape, i + 1)),
      named(`${String(name)}/bias`, [shape[1]!], numbers([shape[1]!], i + 50))];
  });
}

const array = (shape: number[], seed: number): { shape: number[]; data: Float32Array } => ({
  shape,
  data: numbers(shape, seed),
});
const vars = (...arrays: ReturnType<typeof array>[]): GroupContent => ({
  children: { vars: { children: Object.fromEntries(arrays.map((a, i) => [String(i), a])) } },
});

/** A sequence model with layers in layers. */
const stacked = {
  class_name: 'Sequential',
  config: {
    name: 'stacked',
    layers: [{ class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 4, 3] } }, {
      class_name: 'Dense',
      config: { name: 'zeta', units: 3 },
    }, {
      class_name: 'Bidirectional',
      config: {
        name: 'both',
        merge_mode: 'sum',
        layer: {
          class_name: 'LSTM',
          config: { name: 'lstm', units: 3, return_sequences: true, recurrent_activation: 'sigmoid' },
        },
      },
    }, {
      class_name: 'TimeDistributed',
      config: { name: 'each', layer: { class_name: 'Dense', config: { name: 'inside', units: 3 } } },
    }, {
      class_name: 'Sequential',
      config: {
        name: 'nested',
        layers: [{ class_name: 'Dense', config: { name: 'deep', units: 3 } }, {
          class_name: 'BatchNormalization',
          config: { name: 'norm', axis: -1 },
        }],
      },
    }, { class_name: 'Dense', config: { name: 'alpha', units: 2 } }],
  },
};
const lstm = (seed: number) => [array([3, 12], seed), array([3, 12], seed + 1), array([12], seed + 2)];
const parts = {
  zeta: [array([3, 3], 1), array([3], 2)],
  forward: lstm(3),
  backward: lstm(6),
  inside: [array([3, 3], 9), array([3], 10)],
  deep: [array([3, 3], 11), array([3], 12)],
  norm: [array([3], 13), array([3], 14), array([3], 15), { shape: [3], data: Float32Array.of(0.5, 1, 2) }],
  alpha: [array([3, 2], 16), array([2], 17)],
};

/** Groups of an HDF5 file under names. */
function groups(names: Record<string, string[]>, lists: Record<string, ReturnType<typeof array>[]>): GroupContent {
  return {
    children: Object.fromEntries(Object.entries(names).map(([name, weights]) => {
      const root: GroupContent = { attributes: { weight_names: weights }, children: {} };
      weights.forEach((weight, i) => {
        const path = weight.split('/');
        let at = root;
        for (const part of path.slice(0, -1)) at = (at.children![part] ??= { children: {} }) as GroupContent;
        at.children![path.at(-1)] = lists[name]![i]!;
      });
      return [name, root];
    })),
  };
}

describe('the weights of files', () => {
  const x = numbers([12], 99);
  const cell = ['kernel', 'recurrent_kernel', 'bias'];
  const lists = {
    zeta: parts.zeta,
    both: [...parts.forward, ...parts.backward],
    each: parts.inside,
    nested: [...parts.deep, ...parts.norm],
    alpha: parts.alpha,
  };
  const names = {
    zeta: ['zeta/kernel:0', 'zeta/bias:0'],
    both: [...cell.map((n) => `both/forward_lstm/lstm_cell_1/${n}:0`),
      ...cell.map((n) => `both/backward_lstm/lstm_cell_2/${n}:0`)],
    each: ['each/kernel:0', 'each/bias:0'],
    nested: ['deep/kernel:0', 'deep/bias:0',
      ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((n) => `norm/${n}:0`)],
    alpha: ['alpha/kernel:0', 'alpha/bias:0'],
  };
  const model = (weights: GroupContent, version = '2.15.0'): Uint8Array =>
    writeKerasHdf5({ model: stacked, groups: weights, version });
  const result = (bytes: Uint8Array): number[] => [...runGraph(keras.import(bytes), [x])[0]!];
  const expected = result(model(groups(names, lists)));

  const archive = (change: (name: string) => string = (name) => name): GroupContent => {
    const layers: Record<string, GroupContent> = {
      dense: vars(...parts.zeta),
      bidirectional: {
        children: {
          forward_layer: { children: { cell: vars(...parts.forward) } },
          backward_layer: { children: { cell: vars(...parts.backward) } },
        },
      },
      time_distributed: { children: { layer: vars(...parts.inside) } },
      sequential: {
        children: { layers: { children: { dense: vars(...parts.deep), batch_normalization: vars(...parts.norm) } } },
      },
      dense_1: vars(...parts.alpha),
    };
    return { children: { [change('layers')]: { children: layers } } };
  };

  test('Keras 3 counts layers by class', () => {
    expect(result(writeKerasArchive(stacked, archive(), '2.15.0'))).toEqual(expected);
  });

  test('files from Windows have backslashes in names', () => {
    const { layers } = archive().children as { layers: GroupContent };
    const flat = Object
      .fromEntries(Object.entries(layers.children!).map(([name, content]) => [`layers\\${name}`, content]));
    const inner = (flat['layers\\sequential'] as GroupContent).children!.layers as GroupContent;
    flat['layers\\sequential'] = {
      children: Object
        .fromEntries(Object.entries(inner.children!).map(([name, content]) => [`layers\\${name}`, content])),
    };
    expect(result(writeKerasArchive(stacked, { children: flat }, '2.15.0'))).toEqual(expected);
  });

  test('names of Keras 3 in HDF5 have no number after a colon, and begin with the model', () => {
    const paths = Object
      .fromEntries(Object.entries(names).map((
        [name, list],
      ) => [name, list.map((n) => `stacked/${n.replace(':0', '')}`)]));
    expect(result(model(groups(paths, lists)))).toEqual(expected);
  });

  test('names that TensorFlow made unique', () => {
    const other = {
      ...names,
      zeta: ['zeta_1/kernel:0', 'zeta_1/bias:0'],
      nested: names.nested.map((n) => n.replace(/^(\w+)\//, '$1_2/')),
    };
    expect(result(model(groups(other, lists)))).toEqual(expected);
  });

  test('names of Keras 1 say nothing, but the order does', () => {
    const other = { ...names, zeta: ['zeta_W:0', 'zeta_b:0'] };
    expect(result(model(groups(other, lists)))).toEqual(expected);
  });

  test('weights that are missing or have other shapes are errors', () => {
    const without = (name: string) => groups({ ...names, [name]: [] }, lists);
    expect(() => keras.import(model(without('alpha')))).toThrow('the file lacks the weights "kernel" of Dense "alpha"');
    const wide = { ...lists, alpha: [array([3, 4], 1), array([4], 2)] };
    expect(() => keras.import(model(groups(names, wide))))
      .toThrow('"kernel" of Dense "alpha" have the shape [3, 4], not [3, 2]');
  });
});
