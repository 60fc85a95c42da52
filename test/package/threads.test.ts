import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, importTflite, type Graph } from '../../src/compiler/index';
import { load, loadSync, type LoadOptions, type Model } from '../../src/index';
import { threadedFlavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { randomGraph } from '../helpers/randomGraph';
import { hasShared, shared, sharedBytes } from '../helpers/shared';
import { shareAll } from '../helpers/shares';
import { lstmGraph } from '../ops/lstmGraph';
import { compare, exact, predictAll, randomInputs } from '../ops/suite';
import { everyOperator } from '../robustness/sample';
import { root } from './packed';

// Workers that share a model's work. Needs dist/, which `npm test` builds.

const worker = pathToFileURL(path.join(root, 'dist/thread.node.js'));
const digits = new Uint8Array(readFileSync(path.join(root, 'models/digits/digits.klet')));

const opened: Model[] = [];
afterAll(() => {
  for (const model of opened) model.dispose();
});

async function open(klet: Uint8Array, options: LoadOptions): Promise<Model> {
  const model = await load(klet, { worker, ...options });
  opened.push(model);
  expect(model.info).toEqual({ flavor: model.info.flavor, threads: options.threads });
  return model;
}

/** Runs the graph repeatedly on several threads, and compares with one. */
async function checkThreads(graph: Graph, seed: number, threads: number, repetitions: number): Promise<void> {
  const klet = compile(graph, { debugInfo: false });
  const inputs = randomInputs(graph, seed);
  for (const flavor of threadedFlavors) {
    const expected = predictAll(loadSync(klet, { flavor }), graph, inputs);
    for (const all of [false, true]) {
      const model = await open(klet, { flavor, threads });
      if (all) shareAll(model);
      for (let i = 0; i < repetitions; i++) {
        predictAll(model, graph, inputs).forEach((values, o) =>
          compare(
            `"${graph.outputs[o]!.name}" (${threads} threads, ${flavor}, run ${i})`,
            graph.outputs[o]!.shape,
            expected[o]!,
            values,
            exact,
          )
        );
      }
      model.dispose();
    }
  }
}

describe('threads give the bits of one thread', () => {
  for (const threads of [2, 3]) {
    test(`on a network with every operator (${threads})`, async () => {
      await checkThreads(everyOperator(), 1, threads, 100);
    }, 60_000);

    for (const type of ['int8', 'uint8', 'float32'] as const) {
      test(`on random ${type} networks (${threads})`, async () => {
        for (let seed = 1; seed <= 4; seed++) {
          await checkThreads(randomGraph(new Random(seed * threads), 12, type), seed, threads, 20);
        }
      }, 60_000);
    }
  }

  const networks = hasShared
    ? readdirSync(path.join(shared, 'models')).filter((name) => name.endsWith('.tflite') && !name.startsWith('lstm'))
    : [];
  for (const name of networks) {
    test(`on ${name}`, async () => {
      const graph = importTflite(sharedBytes('models', name));
      const large = name.startsWith('mobilenet_v2');
      for (const threads of large ? [2] : [2, 3]) await checkThreads(graph, 7, threads, large ? 1 : 10);
    }, 120_000);
  }
  if (!hasShared) test.skip('on real networks [there is no ../shared]');

  test('on items of a batch whose states follow each other without padding', async () => {
    const sequence = {
      type: 'int8' as const,
      batch: 2,
      time: 60,
      inputs: 4,
      hiddenSize: 61,
      timeMajor: false,
      reverse: false,
      isSingleStep: false,
      x: { scale: 0.02, zeroPoint: 3 },
      densities: [1, 1] as [number, number],
      seed: 5,
    };
    await checkThreads(
      lstmGraph({
        sequence,
        coupled: false,
        peephole: false,
        norm: false,
        projection: undefined,
        projectionBias: false,
        bias: true,
        cellClip: 0,
        projectionClip: 0,
        cellBits: 11,
        y: { scale: 0.01, zeroPoint: 9 },
        activation: 'tanh',
        hardGates: false,
      }),
      1,
      2,
      40,
    );
  });

  test('whether the workers still wait actively or sleep already', async () => {
    const graph = randomGraph(new Random(3), 6, 'int8');
    const klet = compile(graph);
    const sets = [1, 2, 3].map((seed) => randomInputs(graph, seed));
    const one = loadSync(klet);
    const two = await open(klet, { threads: 2 });
    shareAll(two);
    const expected = sets.map((inputs) => predictAll(one, graph, inputs));
    const random = new Random(11);
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 10_000; i++) {
      const pause = random.next();
      if (pause < 0.3) { for (const end = performance.now() + random.between(0, 0.06); performance.now() < end;); }
      else if (pause < 0.32) Atomics.wait(never, 0, 0, random.between(0, 0.3));
      else if (pause < 0.321) {
        await new Promise((resolve) => {
          setTimeout(resolve, 1);
        });
      }
      predictAll(two, graph, sets[i % 3]!).forEach((values, o) =>
        compare(`run ${i}`, graph.outputs[o]!.shape, expected[i % 3]![o]!, values, exact)
      );
    }
  }, 60_000);

  test('in every method that runs the model', async () => {
    const one = loadSync(digits);
    const two = await open(digits, { threads: 2 });
    const image = Float32Array.from({ length: 784 }, (_, i) => i % 7 / 7);
    const into = new Float32Array(10);
    two.predictInto(image, into);
    expect(into).toEqual(one.predict(image));
    expect(two.selfTest()).toBe(one.selfTest());
    expect(two.profile({ runs: 2 }).map(({ name }) => name)).toEqual(one.profile({ runs: 1 }).map(({ name }) => name));
    expect(two.predict(image)).toEqual(into);
  });
});

test('each thread has its own scratch, which `memory` counts', async () => {
  const one = loadSync(digits);
  const four = await open(digits, { threads: 4 });
  expect(four.memory).toMatchObject({ plan: one.memory.plan, weights: one.memory.weights, arena: one.memory.arena });
  expect(four.memory.scratch).toBeGreaterThanOrEqual(4 * one.memory.scratch);
  expect(four.memory.scratch).toBeLessThan(4 * (one.memory.scratch + 64));
});

describe('one thread runs, and info says why,', () => {
  const reasons: [string, LoadOptions, RegExp][] = [['when the script does not exist', {
    worker: new URL('nowhere.js', worker),
  }, /^the worker failed: .*nowhere\.js/], ['when the worker cannot be made', {
    worker: () => {
      throw new Error('no workers today');
    },
  }, /^no workers today$/], ['when the worker ends', { worker: () => new Worker('process.exit()', { eval: true }) },
    /^the worker ended$/], ['when the worker runs another program', {
    worker: () => new Worker('require("node:worker_threads").parentPort.postMessage("hello")', { eval: true }),
  }, /^the worker says: hello$/], ['when the memory limit allows only one', {
    maxMemory: loadSync(digits).memory.total,
  }, /bytes of memory and the limit is/], ['when the given core has no threads', {
    wasm: new Uint8Array(readFileSync(path.join(root, 'dist/core.simd.wasm'))),
  }, /core\.simd\.threads\.wasm/]];
  for (const [title, options, reason] of reasons) {
    test(title, async () => {
      const model = await load(digits, { worker, threads: title.includes('memory') ? 16 : 2, ...options });
      expect(model.info).toMatchObject({ threads: 1, singleThreadReason: expect.stringMatching(reason) as string });
      expect(model.selfTest()).toBeGreaterThan(0);
    });
  }

  test('when there is no SharedArrayBuffer', async () => {
    const there = globalThis.SharedArrayBuffer;
    Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
    try {
      expect((await load(digits, { worker, threads: 2 })).info).toMatchObject({
        threads: 1,
        singleThreadReason: 'this engine has no SharedArrayBuffer',
      });
    } finally {
      globalThis.SharedArrayBuffer = there;
    }
  });

  test('when a worker ends later', async () => {
    let made: Worker | undefined;
    const model = await load(digits, { threads: 2, worker: () => made = new Worker(worker) });
    expect(model.info.threads).toBe(2);
    await made!.terminate();
    expect(model.info).toMatchObject({ threads: 1, singleThreadReason: 'the worker ended' });
    expect(model.selfTest()).toBeGreaterThan(0);
  });

  test('but gives no reason when one was requested', async () => {
    expect((await load(digits, { threads: 1 })).info).not.toHaveProperty('singleThreadReason');
  });
});

test('a given core with threads runs on one or several', async () => {
  const wasm = new Uint8Array(readFileSync(path.join(root, 'dist/core.simd.threads.wasm')));
  expect((await open(digits, { wasm, threads: 2 })).selfTest()).toBeGreaterThan(0);
  expect(loadSync(digits, { wasm }).selfTest()).toBeGreaterThan(0);
});

test.each([0, 17, 1.5, NaN, '2'])('threads: %s is refused', async (threads) => {
  await expect(load(digits, { threads: threads as number })).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: expect.stringContaining('1 to 16') as string,
  });
});

test('an abort stops the start of the workers', async () => {
  const controller = new AbortController();
  const made: Worker[] = [];
  const loading = load(digits, {
    threads: 2,
    signal: controller.signal,
    worker: () => {
      made.push(new Worker('setInterval(() => {}, 1000)', { eval: true }));
      controller.abort();
      return made[0]!;
    },
  });
  await expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
  await new Promise((resolve) => {
    made[0]!.once('exit', resolve);
  });
});

describe('the workers of a model', () => {
  const run = async (program: string, ...flags: string[]): Promise<unknown> => {
    const head = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { load } from ${JSON.stringify(pathToFileURL(path.join(root, 'dist/index.js')).href)};
      const klet = readFileSync(${JSON.stringify(path.join(root, 'models/digits/digits.klet'))});
      const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
      const until = async (condition) => {
        for (let i = 0; i < 200 && !condition(); i++) {
          globalThis.gc?.();
          await pause(20);
        }
        return condition();
      };
      const threads = () => readdirSync('/proc/self/task').length;`;
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e',
      head + program], { timeout: 30_000 });
    return JSON.parse(stdout) as unknown;
  };

  test('do not keep the process alive, and use no CPU time while they wait', async () => {
    const spent = await run(`
      const model = await load(klet, { threads: 3 });
      model.selfTest();
      await pause(100);
      const before = process.cpuUsage();
      await pause(500);
      const { user, system } = process.cpuUsage(before);
      console.log(JSON.stringify([model.info.threads, (user + system) / 1000]));`);
    expect(spent).toEqual([3, expect.any(Number)]);
    expect((spent as number[])[1]).toBeLessThan(50);
  });

  test.skipIf(process.platform !== 'linux')('end when the model is disposed or garbage-collected', async () => {
    expect(await run(
      `
      const without = threads(), model = await load(klet, { threads: 4 }), more = threads() > without;
      model.dispose();
      const disposed = await until(() => threads() <= without);
      for (let i = 0; i < 3; i++) await load(klet, { threads: 2 });
      console.log(JSON.stringify([more, disposed, await until(() => threads() <= without)]));`,
      '--expose-gc',
    )).toEqual([true, true, true]);
  });
});
