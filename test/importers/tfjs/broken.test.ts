import { expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { KletError } from '../../../src/errors';
import { tfjs } from '../../../src/importers/tfjs/index';
import { Random } from '../../helpers/random';
import { attribute as a, tfModel, toJson, type TfGraph } from './writer';

// Files with errors give a KletError, or a graph that compiles or is refused, and end soon.

const strides = { strides: a.ints(1, 1, 1, 1), padding: a.text('SAME') };

const network: TfGraph = {
  inputs: { x: { shape: [-1, 6, 6, 2] } },
  constants: {
    w: { shape: [3, 3, 2, 4], data: Array.from({ length: 72 }, (_, i) => i / 72) },
    b: { shape: [4], data: [1, 2, 3, 4] },
    sizes: { shape: [2], data: [-1, 36], dtype: 'int32' },
    axis: { shape: [], data: [1], dtype: 'int32' },
    no: { shape: [], data: [0], dtype: 'bool' },
    begin: { shape: [2], data: [0, 1], dtype: 'int32' },
    end: { shape: [2], data: [1, 3], dtype: 'int32' },
    step: { shape: [2], data: [1, 1], dtype: 'int32' },
    fill: { shape: [], data: [2] },
  },
  nodes: [{
    name: 'conv',
    op: '_FusedConv2D',
    inputs: ['x', 'w', 'b'],
    attributes: { ...strides, fused_ops: a.texts('BiasAdd', 'Relu'), num_args: a.int(1) },
  }, { name: 'pool', op: 'MaxPool', inputs: ['conv'], attributes: { ...strides, ksize: a.ints(1, 2, 2, 1) } }, {
    name: 'flat',
    op: 'Reshape',
    inputs: ['pool', 'sizes'],
  }, { name: 'switch', op: 'Switch', inputs: ['flat', 'no'] }, { name: 'shape', op: 'Shape', inputs: ['switch'] }, {
    name: 'filled',
    op: 'Fill',
    inputs: ['shape', 'fill'],
  }, { name: 'sum', op: 'AddV2', inputs: ['switch', 'filled'] }, {
    name: 'merge',
    op: 'Merge',
    inputs: ['sum', 'switch:1'],
  }, { name: 'parts', op: 'Split', inputs: ['axis', 'merge'], attributes: { num_split: a.int(2) } }, {
    name: 'all',
    op: 'ConcatV2',
    inputs: ['parts', 'parts:1', 'axis'],
    attributes: { N: a.int(2) },
  }, {
    name: 'slice',
    op: 'StridedSlice',
    inputs: ['all', 'begin', 'end', 'step'],
    attributes: { begin_mask: a.int(1), end_mask: a.int(1) },
  }, { name: 'call', op: 'PartitionedCall', inputs: ['slice'], attributes: { f: a.func('f') } }, {
    name: 'mean',
    op: 'Mean',
    inputs: ['call', 'axis'],
    attributes: { keep_dims: a.bool(true) },
  }],
  outputs: { y: 'mean', z: 'call' },
  functions: [{
    signature: { name: 'f', inputArg: [{ name: 'v' }], outputArg: [{ name: 'result' }] },
    nodeDef: [{ name: 'inner', op: 'Tanh', input: ['v'] }],
    ret: { result: 'inner:y:0' },
  }],
};

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Every place in a value that can be replaced. */
function places(value: Json): { holder: Json[] | { [key: string]: Json }; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((
    key,
  ) => [{ holder: value, key }, ...places((value as { [key: string]: Json })[key]!)]);
}

/** Replaces, removes or exchanges values of model.json. */
function mutate(model: Json, random: Random): void {
  const all = places(model);
  const { holder, key } = random.pick(all);
  const object = holder as { [key: string]: Json };
  const value = object[key]!;
  const names = [...network.nodes.map(({ name }) => name), ...Object.keys(network.constants!), 'x', 'f'];
  switch (random.int(0, 5)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete object[key];
      break;
    case 1:
      object[key] = random.pick<Json>([null, [], {}, '', -1, 2 ** 31, 1e300, true, 'DT_STRING', 'x:1', '^conv']);
      break;
    case 2:
      object[key] = random.pick(names);
      break;
    case 3: {
      const other = random.pick(all);
      object[key] = JSON.parse(JSON.stringify((other.holder as { [key: string]: Json })[other.key] ?? null)) as Json;
      break;
    }
    case 4:
      if (Number.isFinite(Number(value)) && value !== '') {
        object[key] = String(Number(value) + random.pick([-1, 1, 7, 1000, 2 ** 30]));
      }
      break;
    default:
      if (typeof value === 'string') object[key] = random.pick([`${value}:0`, `^${value}`, value.slice(1)]);
  }
}

test('a file with errors gives a KletError, or a graph', () => {
  const random = new Random(7);
  const { model, data } = tfModel(network);
  let graphs = 0;
  for (let round = 0; round < 600; round++) {
    const changed = JSON.parse(JSON.stringify(model)) as Json;
    const weights = Uint8Array.from(data);
    for (let n = random.int(1, 3); n > 0; n--) {
      if (random.next() < 0.8) mutate(changed, random);
      else weights[random.int(0, weights.length - 1)] = random.int(0, 255);
    }
    const json = toJson(changed);
    try {
      const graph = tfjs.import(json, { name: 'network', files: { 'group1-shard1of1.bin': weights } });
      compile(graph);
      graphs++;
    } catch (error) {
      if (!(error instanceof KletError)) {
        throw new Error(`round ${round}: ${JSON.stringify(changed)}`, { cause: error });
      }
    }
  }
  expect(graphs).toBeGreaterThan(80);
});

test('a file that is cut anywhere gives a KletError', () => {
  const { model, data } = tfModel(network);
  const json = toJson(model);
  const files = { 'group1-shard1of1.bin': data };
  for (let length = 0; length < json.length; length += 37) {
    expect(() => tfjs.import(json.subarray(0, length), { files })).toThrow(KletError);
  }
  for (let length = 0; length < data.length; length += 5) {
    expect(() => tfjs.import(json, { files: { 'group1-shard1of1.bin': data.subarray(0, length) } })).toThrow(KletError);
  }
});
