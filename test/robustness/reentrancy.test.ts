import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder } from '../../src/compiler/index';
import { load, loadSync, type Inputs, type Model, type OutputTargets } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { refuses, rejects, staysUsable } from './refusal';

// Arguments that run code of the caller while a call reads them: getters, proxies, subclasses of
// arrays. A call reads them before it writes anything, so they can change neither its answer nor
// the state.

const wrong = (value: unknown): Inputs => value as Inputs;

/** y = total + x, where total is the state. */
const sums = (() => {
  const b = new GraphBuilder('sums');
  const x = b.input('x', [1, 3]);
  const total = b.state('total', [1, 3], new Float32Array(3));
  const next = b.node('binary', [total, x], { kind: 'add', activation: 'none' }, { name: 'y' });
  b.assign(total, next);
  return compile(b.finish([next]));
})();

/** a + b, and a − b. */
const pair = (() => {
  const b = new GraphBuilder('pair');
  const [x, y] = [b.input('a', [2]), b.input('b', [2])];
  return compile(b
    .finish((['add', 'sub'] as const).map((kind) =>
      b.node('binary', [x, y], { kind, activation: 'none' }, { name: kind })
    )));
})();

/** 784 int8 inputs, passed on. */
const bytes = (() => {
  const b = new GraphBuilder('bytes');
  const quantization = { scale: [1], zeroPoint: [0], axis: 0 };
  const x = b.input('x', [784], 'int8', quantization);
  return compile(b.finish([b.node('reshape', [x], {}, { shape: [784, 1], quantization })]));
})();

class OwnError extends Error {}
const throws = (): never => {
  throw new OwnError('mine');
};

describe.each(flavors)('in flavor %s', (flavor) => {
  staysUsable();
  const open = (file: Uint8Array): Model => loadSync(file, { flavor });

  test('a refused call leaves the state as it was', () => {
    const model = open(sums);
    const stream = model.createState();
    const refused: ((on: Pick<Model, 'predict' | 'predictInto'>) => unknown)[] = [(on) => {
      on.predictInto([9, 9, 9], new Float32Array(2));
    }, (on) => {
      on.predictInto([9, 9, 9], new Int8Array(3));
    }, (on) => {
      on.predictInto([9, 9, 9], [0, 0, 0] as never);
    }, (on) => {
      on.predictInto([9, 9, 9], { y: new Float32Array(3), nobody: new Float32Array(3) });
    }, (on) => {
      on.predictInto([9, 9, 9], {
        get y() {
          return throws();
        },
      });
    }, (on) => {
      on.predictInto([9, 9, 9], null as never);
    }, (on) => on.predict([9, 9, NaN]), (on) =>
      on.predict([9, 9, 9], {
        get output() {
          return throws();
        },
      }), (on) => on.predict([9, 9, 9], { output: 'both' as never }), (on) =>
      on.predict([9, 9, 9], { outputs: 'raw' } as never)];
    for (const on of [model, stream]) {
      on.predict([1, 2, 3]);
      for (const call of refused) {
        expect(() => call(on)).toThrow(expect.objectContaining({ name: 'KletError' }) as Error);
        expect([...on.predict([0, 0, 0])]).toEqual([1, 2, 3]);
      }
    }
  });

  test('a getter that predicts does not change the call that it belongs to', () => {
    const model = open(pair);
    const other = { a: Float32Array.of(50, 60), b: Float32Array.of(7, 8) };
    const a = [1, 2];
    const inputs = {
      a,
      get b(): number[] {
        expect([...model.predict(other).add!]).toEqual([57, 68]);
        return [10, 20];
      },
    };
    expect([...model.predict(inputs).add!]).toEqual([11, 22]);
    Object.defineProperty(a, 1, {
      get() {
        model.predict(other);
        return 2;
      },
    });
    expect([...model.predict(inputs).sub!]).toEqual([-9, -18]);
    const targets = {
      add: new Float32Array(2),
      get sub() {
        model.predict(other);
        return new Float32Array(2);
      },
    };
    model.predictInto(inputs, targets);
    expect([...targets.add]).toEqual([11, 22]);
  });

  test('a getter that runs another model does not change what is quantized', () => {
    const [model, other] = [open(bytes), open(bytes)];
    const values = Array.from({ length: 784 }, (_, i) => i % 100);
    Object.defineProperty(values, 700, {
      get() {
        other.predict(new Float32Array(784).fill(-5));
        return 0;
      },
    });
    expect([...model.predict(values)]).toEqual(Array.from({ length: 784 }, (_, i) => (i === 700 ? 0 : i % 100)));
  });

  test('a getter that disposes ends the call with DISPOSED', () => {
    const model = open(pair);
    const a = new Float32Array(2);
    refuses(
      () =>
        model.predict({
          a,
          get b() {
            model.dispose();
            return a;
          },
        }),
      'DISPOSED',
      /"pair"/,
    );
    const second = open(pair);
    refuses(() => {
      second.predictInto({ a, b: a }, {
        get add() {
          second.dispose();
          return new Float32Array(2);
        },
      });
    }, 'DISPOSED');
  });

  test('errors of getters and proxies come as a KletError with their cause', () => {
    const model = open(pair);
    const a = new Float32Array(2);
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const inputs = [{
      a,
      get b() {
        return throws();
      },
    }, new Proxy({}, { ownKeys: throws, get: () => a }), revoked];
    for (const value of inputs) {
      const { cause } = refuses(() => model.predict(wrong(value)), 'BAD_ARGUMENT', /reading the inputs failed: /);
      expect(cause).toBeInstanceOf(value === revoked ? TypeError : OwnError);
    }
    const outputs: OutputTargets = {
      get add() {
        return throws();
      },
    };
    refuses(
      () => {
        model.predictInto({ a, b: a }, outputs);
      },
      'BAD_ARGUMENT',
      /reading the outputs failed: mine/,
    );
    refuses(
      () =>
        model.predict({ a, b: a }, {
          get output() {
            return throws();
          },
        }),
      'BAD_ARGUMENT',
      /reading the options of predict\(\) failed: mine/,
    );
  });

  test('a length that lies or changes is not believed', () => {
    const model = open(bytes);
    let reads = 0;
    const growing = new Proxy(new Array(784).fill(1), {
      get: (target, key) => (key === 'length' && ++reads > 1 ? 100_000 : Reflect.get(target, key) as unknown),
    });
    expect(model.predict(growing).every((x) => x === 1)).toBe(true);
    class Liar extends Float32Array {
      override get length(): number {
        return 784;
      }
    }
    for (const length of [10, 2000]) {
      refuses(() => model.predict(new Liar(length)), 'SHAPE_MISMATCH', new RegExp(`the array has ${length}$`));
    }
  });
});

test('an object is no typed array because it has the prototype of one', () => {
  const model = loadSync(pair);
  const a = new Float32Array(2);
  const inherits = Object.create(Float32Array.prototype) as object;
  for (const value of [inherits, new Proxy(a, {}), { length: 2, 0: 1, 1: 2 }]) {
    refuses(() => model.predict(wrong({ a, b: value })), 'TYPE_MISMATCH', /input "b" takes a Float32Array, not /);
  }
});

test('typed arrays of another realm are taken', () => {
  const model = loadSync(pair);
  const foreign = vm.runInNewContext('new Float32Array([1, 2])') as Float32Array;
  expect(foreign instanceof Float32Array).toBe(false);
  const sum = vm.runInNewContext('new Float32Array(2)') as Float32Array;
  model.predictInto({ a: foreign, b: foreign }, { add: sum });
  expect([...sum]).toEqual([2, 4]);
});

test('inputs named like members of every object are missing unless given', () => {
  const b = new GraphBuilder('names');
  const x = b.input('constructor', [2]);
  const model =
    loadSync(compile(b.finish([b.node('binary', [x, b.input('x', [2])], { kind: 'add', activation: 'none' })])));
  refuses(() => model.predict({ x: new Float32Array(2) }), 'MISSING_INPUT', /input "constructor" is missing/);
  expect([...model.predict({ constructor: [1, 2], x: [3, 4] })]).toEqual([4, 6]);
});

test('64-bit integers beyond 32 bits are refused', () => {
  const b = new GraphBuilder('whole');
  const model = loadSync(compile(b.finish([b.node('cast', [b.input('n', [2], 'int64')], {}, { dtype: 'float32' })])));
  const edges = BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n);
  expect([...model.predict(edges)]).toEqual([-(2 ** 31), 2 ** 31]);
  for (const value of [2n ** 31n, 2n ** 40n + 7n, -(2n ** 63n)]) {
    refuses(
      () => model.predict(BigInt64Array.of(1n, value)),
      'BAD_ARGUMENT',
      new RegExp(`input "n" holds ${value} at index 1 of 2; kinglet computes int64 with 32 bits`),
    );
  }
});

test('options are read once', async () => {
  let reads = 0;
  const options = {
    get maxMemory() {
      return ++reads === 1 ? 1e7 : ('none' as never);
    },
  };
  (await load(pair, options)).dispose();
  expect(reads).toBe(1);
  await rejects(
    () =>
      load(pair, {
        get threads() {
          return throws();
        },
      }),
    'BAD_ARGUMENT',
    /reading the options of load/,
  );
  refuses(
    () =>
      loadSync(pair, {
        get flavor() {
          return throws();
        },
      }),
    'BAD_ARGUMENT',
    /options of loadSync\(\) failed/,
  );
});
