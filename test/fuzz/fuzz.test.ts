import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadSync } from '../../src/index';
import { sampleFile } from '../robustness/sample';
import { bundle, program } from './bundle.mjs';
import { minimize } from './minimize';
import { judgeModel } from './models';
import { Failure, shapeOf } from './oracles';
import { plantedTargets } from './planted';
import { fuzz } from './runner';
import { judge, search } from './search';
import { targets } from './targets/index';

// A short run of every target, and proof that the oracles and the watchdog find what is planted.

/** Cases of each target, so that all of them take a few seconds. */
const CASES: Readonly<Record<string, number>> = {
  klet: 40,
  plans: 40,
  graphs: 40,
  tflite: 40,
  onnx: 60,
  tfjs: 60,
  keras: 60,
  api: 150,
  cli: 40,
};

describe('a short run finds no failure:', () => {
  beforeAll(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined));
  afterAll(() => void vi.restoreAllMocks());

  test.each(targets)('$name', async (target) => {
    const reached = new Set<string>();
    await search(target, { seed: 20261130, cases: CASES[target.name]! }, {
      reached: (key) => reached.add(key),
      failed: (failure, { bytes }) => {
        throw new Error(`${failure.kind}: ${failure.message} (${bytes.length} bytes)`, { cause: failure });
      },
    });
    expect(reached.size).toBeGreaterThan(CASES[target.name]! / 15);
  });
});

test('the same seed gives the same cases and outcomes', async () => {
  const keys = async (): Promise<string[]> => {
    const reached: string[] = [];
    await search(targets[1]!, { seed: 5, cases: 12 }, {
      reached: (key) => void reached.push(key),
      failed: (failure) => {
        throw failure;
      },
    });
    return reached;
  };
  const first = await keys();
  expect(first.length).toBeGreaterThan(3);
  expect(await keys()).toEqual(first);
});

describe('the oracles find', () => {
  const bad = new Uint8Array(64).fill(255);

  test.each(plantedTargets.filter(({ name }) => !/ (?:hang|crash)$/.test(name)))('$name', async (target) => {
    expect(await judge(target, new Uint8Array(64))).toBe('fine');
    const result = await judge(target, bad.slice());
    expect(result).toBeInstanceOf(Failure);
    expect(target.name).toBe(`planted ${(result as Failure).kind}`);
  });

  test('a flavor that differs, one that accepts more, and one that throws something else', () => {
    const file = sampleFile();
    expect(judgeModel(file)).toBeUndefined();
    const kindOf = (load: Parameters<typeof judgeModel>[1]): string => {
      try {
        return String(judgeModel(file, load));
      } catch (error) {
        return (error as Failure).kind;
      }
    };
    expect(kindOf((bytes, flavor) => {
      if (flavor !== 'scalar') return loadSync(bytes, { flavor });
      const model = loadSync(bytes, { flavor });
      const state = model.createState.bind(model);
      const predict = model.predict.bind(model);
      // one bit of the first output
      const wrong = (...given: Parameters<typeof predict>): unknown => {
        const result = structuredClone(predict(...given)) as unknown as Record<string, Float32Array>;
        Object.values(result)[0]![0]! += 1;
        return result;
      };
      return Object.assign(model, { predict: wrong, createState: () => Object.assign(state(), { predict: wrong }) });
    })).toBe('different answers');
    expect(kindOf((bytes, flavor) => loadSync(flavor === 'scalar' ? bytes.subarray(0, 40) : bytes, { flavor })))
      .toBe('different answers');
    expect(kindOf(() => {
      throw new RangeError('x');
    })).toBe('wrong error');
  });
});

describe('a process that judges', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'kinglet-fuzz-'));
    await bundle();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([['hang', 1], ['crash', 2]])(
    'is ended or replaced after a %s, and the search goes on',
    async (name, cases) => {
      const found: string[] = [];
      const outcome = await fuzz({
        target: `planted ${name}`,
        seed: 3,
        cases,
        program,
        hangSeconds: 4,
        minimizeSeconds: 0,
        write: (_target, why) => (found.push(why), 'file'),
      });
      expect(outcome.cases).toBe(cases);
      expect(outcome.failures).toHaveLength(1);
      expect(found[0]).toMatch(name === 'hang' ? /^no end after 4 s/ : /^exit SIGABRT/);
    },
    60_000,
  );
});

describe('the minimizer', () => {
  test('keeps only the changed bytes that matter', async () => {
    const base = new Uint8Array(64);
    const bytes = base.slice().fill(3, 10, 40);
    bytes[50] = 255;
    const small = await minimize(plantedTargets[0]!, { base, bytes }, (file) => Promise.resolve(file.includes(255)), 5);
    expect([...small.entries()].filter(([, byte]) => byte !== 0)).toEqual([[50, 255]]);
  });

  test('cuts inputs of another length', async () => {
    const bytes = new Uint8Array(100).fill(1);
    bytes[70] = 255;
    const tried = { base: new Uint8Array(64), bytes };
    const small = await minimize(plantedTargets[0]!, tried, (file) => Promise.resolve(file.includes(255)), 5);
    expect([...small]).toEqual([255]);
  });
});

test('messages with other numbers and names have the same shape', () => {
  expect(shapeOf('record 3 ("a \\" b") at 0x1f needs 1,024 bytes'))
    .toBe(shapeOf('record 12 ("c") at 0x2 needs 7 bytes'));
  expect(shapeOf('no file')).not.toBe(shapeOf('no record'));
});
