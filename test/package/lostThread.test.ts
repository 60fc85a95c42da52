import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { MAP, MAP_ARENA, MAP_ARENA_BYTES, SYNC_JOB } from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import type { TensorData } from '../../src/graph/graph';
import { load, loadSync, type Model } from '../../src/index';
import { shareAll } from '../helpers/shares';
import { randomInputs } from '../ops/suite';
import { everyOperator } from '../robustness/sample';
import { root } from './packed';

// Workers that end or hang during a prediction, when no event can arrive. Needs dist/,
// which `npm test` builds.

const digits = new Uint8Array(readFileSync(path.join(root, 'models/digits/digits.klet')));
const image = Float32Array.from({ length: 784 }, (_, i) => i % 7 / 7);
const lost = { threads: 1, singleThreadReason: 'a worker did not finish its share of a prediction in 5 seconds' };

const opened: Model[] = [];
afterAll(() => {
  for (const model of opened) model.dispose();
});

/** A model with two threads, and its worker. */
async function open(
  klet: Uint8Array,
  make = (): Worker => new Worker(pathToFileURL(path.join(root, 'dist/thread.node.js'))),
): Promise<{ model: Model; other: Worker }> {
  let other: Worker | undefined;
  const model = await load(klet, { threads: 2, worker: () => other = make() });
  opened.push(model);
  expect(model.info.threads).toBe(2);
  shareAll(model);
  return { model, other: other! };
}

/**
 * A worker that runs `doing` at its first job. The code can use `exports`, the worker's core, and
 * the memory as `bytes` and `words`.
 */
const odd = (doing: string) => (): Worker =>
  new Worker(
    `
  const { parentPort } = require('node:worker_threads');
  parentPort.once('message', ({ module, memory, index, count }) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory, extra: () => -1 } });
    const bytes = new Uint8Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    exports.register(index, count, true);
    parentPort.postMessage('ready');
    while (Atomics.load(words, ${SYNC_JOB / 4}) === 0);
    ${doing}
  });`,
    { eval: true },
  );

describe('a prediction whose worker is lost finishes on one thread, with the same bits,', () => {
  const graph = everyOperator();
  const klet = compile(graph);
  const sequence = [1, 2, 3, 4].map((seed) => randomInputs(graph, seed));
  const expected = (): Record<string, TensorData>[] => {
    const one = loadSync(klet);
    return sequence.map((inputs) => one.predict(inputs, { output: 'raw' }) as unknown as Record<string, TensorData>);
  };

  test('if the worker ended before, and its state continues', async () => {
    const { model, other } = await open(klet);
    const stream = model.createState();
    const found: unknown[] = [];
    for (const [i, inputs] of sequence.entries()) {
      if (i === 2) void other.terminate();
      found.push(stream.predict(inputs, { output: 'raw' }));
      expect(model.info).toMatchObject(i < 2 ? { threads: 2 } : lost);
    }
    expect(found).toEqual(expected());
  });

  test('if the worker ends during the prediction', async () => {
    const { model } = await open(klet, odd('process.exit();'));
    expect(sequence.map((inputs) => model.predict(inputs, { output: 'raw' }))).toEqual(expected());
    expect(model.info).toMatchObject(lost);
  });

  test('if the worker never finishes and overwrites the arena', async () => {
    const { model } = await open(
      klet,
      odd(`for (let i = 0; ; i++) bytes.fill(i, words[${(MAP + MAP_ARENA) / 4}], words[${
        (MAP + MAP_ARENA) / 4
      }] + words[${(MAP + MAP_ARENA_BYTES) / 4}]);`),
    );
    expect(sequence.map((inputs) => model.predict(inputs, { output: 'raw' }))).toEqual(expected());
    expect(model.info).toMatchObject(lost);
  });

  test.each<[string, (model: Model) => unknown]>([['in the self-test', (model) => model.selfTest()], [
    'into an array of the caller',
    (model) => {
      const into = new Float32Array(10);
      model.predictInto(image, into);
      return into;
    },
  ], ['in a profile',
    (model) => [model.profile({ inputs: image, runs: 1 }).map(({ name }) => name), model.record(image)]]])(
      '%s',
      async (_, way) => {
        const { model, other } = await open(digits);
        model.selfTest();
        void other.terminate();
        expect(way(model)).toEqual(way(loadSync(digits)));
        expect(model.info).toMatchObject(lost);
      },
    );
});

test('a clock that goes back by an hour does not make a prediction wait longer', async () => {
  const { model } = await open(digits, odd('for (;;);'));
  const real = performance.now.bind(performance);
  const start = real();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    const time = real();
    return time - start < 1000 ? time : time - 3_600_000;
  });
  try {
    expect(model.predict(image)).toEqual(loadSync(digits).predict(image));
  } finally {
    clock.mockRestore();
  }
  expect(model.info).toMatchObject(lost);
  expect(real() - start).toBeLessThan(20_000);
}, 60_000);

test('a prediction waits for a worker that is two seconds late', async () => {
  const { model } = await open(digits, odd('setTimeout(() => { exports.serve(); }, 2000);'));
  const start = performance.now();
  expect(model.predict(image)).toEqual(loadSync(digits).predict(image));
  expect(performance.now() - start).toBeGreaterThan(1500);
  expect(model.selfTest()).toBe(3);
  expect(model.info.threads).toBe(2);
});

test('if there is no memory to continue, the prediction fails and the model is disposed', async () => {
  const { model, other } = await open(digits);
  const there = WebAssembly.Memory;
  void other.terminate();
  WebAssembly.Memory = class {
    constructor() {
      throw new RangeError('none left');
    }
  } as unknown as typeof WebAssembly.Memory;
  try {
    expect(() => model.predict(image))
      .toThrow(expect.objectContaining({
        code: 'OUT_OF_MEMORY',
        message: expect.stringMatching(/did not finish its share .* no memory .* load it again/) as string,
      }));
  } finally {
    WebAssembly.Memory = there;
  }
  expect(() => model.predict(image)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
});
