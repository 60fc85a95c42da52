import { strToU8, zipSync, zlibSync } from 'fflate';
import fc from 'fast-check';
import { File } from 'jsfive';
import { describe, expect, test, vi } from 'vitest';
import { KletError } from '../../../src/errors';
import { inflateUpTo } from '../../../src/importers/keras/hdf5';
import { keras } from '../../../src/importers/keras/index';
import { importKeras } from '../../../src/importers/shared/keras/network';
import { imported, numbers } from './oracle';
import { writeHdf5 } from './hdf5Writer';
import { writeKerasArchive, writeKerasHdf5 } from './writer';

// Files that are cut, damaged or hostile end in an error of kinglet, soon.

const model = {
  class_name: 'Sequential',
  config: {
    name: 'small',
    layers: [{ class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 6, 4] } }, {
      class_name: 'Conv1D',
      config: { name: 'conv', filters: 3, kernel_size: [2], padding: 'same' },
    }, { class_name: 'GRU', config: { name: 'gru', units: 2, reset_after: true, return_sequences: true } }, {
      class_name: 'Flatten',
      config: { name: 'flat' },
    }, { class_name: 'Dense', config: { name: 'dense', units: 2, activation: 'softmax' } }],
  },
};
const array = (shape: number[], seed: number) => ({ shape, data: numbers(shape, seed) });
const lists = {
  conv: [array([2, 4, 3], 1), array([3], 2)],
  gru: [array([3, 6], 3), array([2, 6], 4), array([2, 6], 5)],
  dense: [array([12, 2], 6), array([2], 7)],
};
const names = { conv: ['kernel', 'bias'], gru: ['kernel', 'recurrent_kernel', 'bias'], dense: ['kernel', 'bias'] };
const weights = Object
  .fromEntries(Object.entries(lists).map((
    [layer, list],
  ) => [layer, Object.fromEntries(list.map((a, i) => [names[layer as 'gru'][i]!, a]))]));
const vars = (list: typeof lists.conv) => ({
  children: { vars: { children: Object.fromEntries(list.map((a, i) => [String(i), a])) } },
});
const root = {
  children: {
    layers: {
      children: { conv1d: vars(lists.conv), gru: { children: { cell: vars(lists.gru) } }, dense: vars(lists.dense) },
    },
  },
};
const hdf5 = writeKerasHdf5({ model, weights });
const archive = writeKerasArchive(model, root);

/** What an import does: a graph, or an error of kinglet. Others are thrown. */
function outcome(run: () => unknown): 'graph' | KletError {
  try {
    run();
    return 'graph';
  } catch (error) {
    if (error instanceof KletError) return error;
    throw error;
  }
}

vi.spyOn(console, 'warn').mockImplementation(() => undefined);

describe('broken files', () => {
  test.each([['HDF5', hdf5], ['an archive', archive]])('%s that is whole is read', (_, bytes) => {
    expect(outcome(() => keras.import(bytes))).toBe('graph');
  });

  test.each([['HDF5', hdf5], ['an archive', archive]])('%s cut anywhere is refused', (_, bytes) => {
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 100)) {
      const found = outcome(() => keras.import(bytes.slice(0, at)));
      // what is behind the last array may be missing
      if (found !== 'graph') expect(found.code).toMatch(/^(CORRUPT|BAD_MAGIC)$/);
      else expect(at).toBeGreaterThan(bytes.length * 0.9);
    }
  });

  test.each([['HDF5', hdf5], ['an archive', archive]])('%s with other bytes is read or refused', (_, bytes) => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255)));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const broken = bytes.slice();
        for (const [at, value] of changes) broken[at] = value;
        outcome(() => keras.import(broken));
      }),
      { numRuns: 150 },
    );
  });

  test('a tree of groups that contains itself is refused', () => {
    const looped = hdf5.slice();
    const text = String.fromCharCode(...looped);
    // a node that says that it is of level 1 has symbols, or itself, below it
    for (let at = text.indexOf('TREE'); at >= 0; at = text.indexOf('TREE', at + 1)) {
      looped[at + 5] = 1;
      new DataView(looped.buffer).setBigUint64(at + 32, BigInt(at), true);
    }
    expect(outcome(() => keras.import(looped))).toMatchObject({ code: 'CORRUPT' });
  });

  test('an archive that becomes much larger is refused before it is unpacked', () => {
    const bomb = zipSync({
      'config.json': strToU8('{}'),
      'metadata.json': strToU8('{}'),
      'model.weights.h5': new Uint8Array(2 ** 20),
    }, { level: 9 });
    // the sizes in the directory
    const view = new DataView(bomb.buffer, bomb.byteOffset);
    for (let at = 0; at + 46 < bomb.length; at++) {
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 2 ** 31, true);
    }
    expect(() => keras.import(bomb)).toThrow(/unpacks to more than \d+/);
  });

  test('weights without a network say what to do', () => {
    const file = writeHdf5({ attributes: { layer_names: ['dense'] }, children: { dense: {} } });
    expect(() => keras.import(file)).toThrow('weights without a network; load them into the network in Keras');
    expect(() => keras.import(writeHdf5({ children: { data: array([2], 1) } }))).toThrow('no network of Keras');
  });
});

test('nothing of an HDF5 file is printed', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const file = writeKerasHdf5({ model, weights });
  const damaged: Uint8Array[] = [];
  for (let at = 0; at < Math.min(file.length, 4096) && damaged.length < 3; at++) {
    // class 7 of a type, which the parser does not know
    const changed = file.with(at, 0x17);
    warn.mockClear();
    try {
      void new File(changed.slice().buffer, '').attrs;
    } catch {
      continue;
    }
    if (warn.mock.calls.length > 0) damaged.push(changed);
  }
  expect(damaged.length).toBeGreaterThan(0);
  warn.mockClear();
  for (const changed of damaged) outcome(() => keras.import(changed));
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

describe('compressed chunks of HDF5 files', () => {
  const chunk = (bytes: number): ArrayBuffer => zlibSync(new Uint8Array(bytes).fill(7)).slice().buffer;

  test('are inflated up to their size', () => {
    const inflate = inflateUpTo(1000, 2500);
    expect(inflate(chunk(1000)).byteLength).toBe(1000);
    expect(new Uint8Array(inflate(chunk(900))).every((byte) => byte === 7)).toBe(true);
    expect(() => inflate(chunk(601))).toThrow('a compressed chunk has more than its 600 bytes');
  });

  test('that claim less than they hold are refused without the memory for the rest', () => {
    const bomb = chunk(1 << 28);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => inflateUpTo(4096, 4096)(bomb)).toThrow('a compressed chunk has more than its 4096 bytes');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});

describe('hostile configurations', () => {
  /** All places of values in JSON, as paths. */
  function paths(value: unknown, at: (string | number)[] = []): (string | number)[][] {
    if (typeof value !== 'object' || value === null) return [at];
    return [at, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...at, key]))];
  }

  const strange = [null, true, -1, 0, 1, 2.5, 7, 2 ** 31 - 1, 1e300, '', 'same', 'Dense', 'Model', [], [0], [3, 3], [
    null,
  ], {}, { class_name: 'LSTM', config: {} }, [['conv', 0, 0]]];

  test('any value anywhere gives a graph or an error', () => {
    const places = paths(model).filter((place) => place.length > 0);
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.constantFrom<unknown>(...strange), (place, value) => {
        const changed = structuredClone(model) as unknown as Record<string | number, unknown>;
        let parent = changed;
        for (const key of place.slice(0, -1)) parent = parent[key] as typeof parent;
        parent[place.at(-1)] = value;
        outcome(() => keras.import(writeKerasHdf5({ model: changed, weights })));
      }),
      { numRuns: 200 },
    );
  });

  const withLayer = (className: string, config: object): object => ({
    class_name: 'Sequential',
    config: {
      layers: [{ class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [1, 4, 3] } }, {
        class_name: className,
        config: { name: 'y', ...config },
      }],
    },
  });

  test('an activation that is named like a property of objects is unknown', () => {
    for (const activation of ['constructor', '__proto__', 'toString']) {
      expect(() => imported(withLayer('Activation', { activation }))).toThrow(`the activation "${activation}"`);
    }
  });

  test('what a layer needs and lacks is told', () => {
    expect(() => imported(withLayer('Dense', {})))
      .toThrow('Dense "y" has no units, but needs a whole number of at least 1');
    expect(() => imported(withLayer('Dense', { units: {} }))).toThrow(/Dense "y" has Object as units, not a whole/);
  });

  test('models nested without end are refused', () => {
    let deep: object = { class_name: 'ReLU', config: { name: 'x', batch_input_shape: [1, 2] } };
    for (let i = 0; i < 1000; i++) deep = { class_name: 'Sequential', config: { name: 'm', layers: [deep] } };
    const found = outcome(() => keras.import(writeKerasHdf5({ model: { class_name: 'ReLU', config: {} } })));
    expect(found).toMatchObject({ code: 'UNSUPPORTED_OP' });
    expect(outcome(() => keras.import(writeKerasArchive(deep, root)))).toMatchObject({ code: 'CORRUPT' });
  });

  test('open sizes are asked for', () => {
    const open = {
      class_name: 'Sequential',
      config: {
        layers: [{ class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, null, 3] } }, {
          class_name: 'ReLU',
          config: { name: 'y' },
        }],
      },
    };
    expect(() => imported(open)).toThrow('--shape x=1,224,3');
    const file = { model: open, version: '2', weights: { find: () => [] } };
    expect(importKeras(file, { shapes: { x: [1, 5, 3] } }).outputs[0]!.shape).toEqual([1, 5, 3]);
  });
});
