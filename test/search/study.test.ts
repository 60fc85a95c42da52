import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KletError, Study, type ParameterValues, type SearchSpace, type StudyOptions } from '../../src/compiler/index';
import { gridValues } from '../../src/search/space';

const space: SearchSpace = {
  kind: { choices: ['a', 'b'] },
  x: { min: -1, max: 1 },
  n: { min: 2, max: 10, step: 2 },
  rate: { min: 1e-4, max: 1, log: true, when: { kind: ['b'] } },
  tiny: { min: 3, max: 3 },
};
const one: StudyOptions = { measures: { loss: { goal: 'minimize' } } };
const samplers = ['tpe', 'random', 'grid'] as const;

/** Runs trials one after the other. */
function run(study: Study, count: number, measure: (values: ParameterValues) => Record<string, number>): Study {
  for (let i = 0; i < count; i++) {
    const trial = study.ask();
    if (!trial) break;
    study.tell(trial.number, measure(trial.parameters));
  }
  return study;
}

const lossOf = ({ kind, x, n, rate = 0 }: ParameterValues): Record<string, number> => ({
  loss: Number(x) ** 2 + Number(n) + Number(rate) + Number(kind === 'a'),
});

describe.each(samplers)('trials of %s', (sampler) => {
  test('have values of the space, and parameters only where their condition holds', () => {
    const { trials } = run(new Study(space, { ...one, sampler }), 60, lossOf);
    expect(trials).toHaveLength(60);
    for (const { parameters: { kind, x, n, rate, tiny } } of trials) {
      expect(['a', 'b']).toContain(kind);
      expect(Math.abs(x as number)).toBeLessThanOrEqual(1);
      expect([2, 4, 6, 8, 10]).toContain(n);
      expect(tiny).toBe(3);
      if (kind === 'a') expect(rate).toBeUndefined();
      else expect(rate as number >= 1e-4 && rate as number <= 1).toBe(true);
    }
  });

  test('are the same for the same seed, others for another, and never the same twice', () => {
    const parametersOf = (seed: number): ParameterValues[] =>
      run(new Study(space, { ...one, sampler, seed }), 40, lossOf).trials.map(({ parameters }) => parameters);
    expect(parametersOf(5)).toEqual(parametersOf(5));
    expect(parametersOf(5)).not.toEqual(parametersOf(6));
    expect(new Set(parametersOf(5).map((values) => JSON.stringify(values))).size).toBe(40);
  });

  test('do not depend on which of several running ones ends first', () => {
    const parametersOf = (order: 'first' | 'last'): ParameterValues[] => {
      const study = new Study(space, { ...one, sampler, parallel: 3 });
      const running: number[] = [];
      while (study.trials.length < 30 || running.length > 0) {
        const trial = study.trials.length < 30 ? study.ask() : undefined;
        if (trial) running.push(trial.number);
        else {
          const number = order === 'first' ? running.shift()! : running.pop()!;
          study.tell(number, lossOf(study.trials[number]!.parameters));
        }
      }
      return study.trials.map(({ parameters }) => parameters);
    };
    expect(parametersOf('last')).toEqual(parametersOf('first'));
  });

  test('end when every combination was tried', () => {
    const small: SearchSpace = {
      a: { choices: [1, 2, 3] },
      b: { min: 0, max: 1, step: 0.5, when: { a: [2, 3] } },
      c: { choices: [true, false], when: { b: [0.5] } },
    };
    const { trials } = run(new Study(small, { ...one, sampler }), 100, () => ({ loss: 1 }));
    expect(trials).toHaveLength(1 + 2 * 4);
  });
});

describe('grid search', () => {
  test('takes all values of choices and steps, and five of a range', () => {
    expect(gridValues({ min: 0.1, max: 0.4, step: 0.1 })).toEqual([0.1, 0.2, 0.3, 0.4]);
    expect(gridValues({ min: 1, max: 10000, log: true })).toEqual([1, 10, 100, 1000, 10000]);
    const axes: SearchSpace = { x: { min: 0, max: 4 }, y: { choices: ['p', 'q'] }, z: { min: 1, max: 7, step: 3 } };
    const { trials } = run(new Study(axes, { ...one, sampler: 'grid' }), 1000, () => ({ loss: 0 }));
    const tried = new Set(trials.map(({ parameters: { x, y, z } }) => [x, y, z].join()));
    expect([...tried].sort())
      .toEqual([0, 1, 2, 3, 4].flatMap((x) => ['p', 'q'].flatMap((y) => [1, 4, 7].map((z) => [x, y, z].join())))
        .sort());
  });
});

describe('the tree-structured Parzen estimator', () => {
  /** A valley in eight dimensions, of numbers on three kinds of scale and of choices. */
  const valley: SearchSpace = {
    x: { min: -5, max: 5 },
    y: { min: -5, max: 5 },
    rate: { min: 1e-5, max: 1, log: true },
    n: { min: 0, max: 20, step: 1 },
    ...Object.fromEntries(['p', 'q', 'r', 's'].map((name) => [name, { choices: ['u', 'v', 'w'] }])),
  };
  const depth = ({ x, y, rate, n, ...choices }: ParameterValues): number =>
    (Number(x) - 2) ** 2 + (Number(y) + 1) ** 2 + 2 * Math.log10(Number(rate) / 1e-3) ** 2 + (Number(n) - 7) ** 2 / 10
    + 3 * Object.values(choices).filter((choice) => choice !== 'v').length;
  const seeds = Array.from({ length: 10 }, (_, i) => i + 1);
  const mean = (sampler: 'tpe' | 'random', trials: number): number => {
    const found = seeds.map((seed) => {
      const study = run(new Study(valley, { ...one, sampler, seed }), trials, (values) => ({ loss: depth(values) }));
      return study.best()!.values!.loss!;
    });
    return found.reduce((sum, value) => sum + value, 0) / found.length;
  };

  test('finds more in 60 trials than random search in 240', () => {
    expect(mean('tpe', 60)).toBeLessThan(mean('random', 240));
  });

  test('goes toward the limit, and finds the best within it', () => {
    const limited: SearchSpace = { x: { min: 0, max: 1 }, y: { min: 0, max: 1 } };
    const within = seeds.map((seed) => {
      const study = new Study(limited, { measures: { quality: { goal: 'maximize' }, size: { atMost: 0.1 } }, seed });
      run(study, 60, ({ x, y }) => ({ quality: Number(x), size: Number(x) * Number(y) }));
      return study.best()!.values!;
    });
    for (const { size } of within) expect(size).toBeLessThanOrEqual(0.1);
    expect(within.filter(({ quality }) => quality! > 0.9).length).toBeGreaterThanOrEqual(8);
  });
});

describe('the front', () => {
  const number = fc.integer({ min: 0, max: 6 });

  test('has exactly the trials within the limits that no other is superior to', () => {
    fc.assert(fc.property(fc.array(fc.tuple(number, number, number), { minLength: 1, maxLength: 30 }), (results) => {
      const study = new Study({ x: { min: 0, max: 1 } }, {
        measures: { cost: { goal: 'minimize' }, gain: { goal: 'maximize' }, size: { atMost: 4, atLeast: 1 } },
        sampler: 'random',
      });
      for (const [cost, gain, size] of results) study.tell(study.ask()!.number, { cost, gain, size });
      const within = results.filter(([, , size]) => size >= 1 && size <= 4);
      const isBest = ([cost, gain]: readonly number[]): boolean =>
        !within.some(([c, g]) => c <= cost! && g >= gain! && (c < cost! || g > gain!));
      const expected = new Set(within.filter(isBest).map(([cost, gain]) => `${cost} ${gain}`));
      const front = study.front().map(({ values }) => `${values!.cost} ${values!.gain}`);
      expect(front.length).toBe(expected.size);
      expect(new Set(front)).toEqual(expected);
      expect(study.best()).toEqual(study.front()[0]);
      const costs = study.front().map(({ values }) => values!.cost!);
      expect(costs).toEqual([...costs].sort((a, b) => a - b));
    }));
  });

  test('has neither failed trials nor those that were stopped early', () => {
    const study = new Study({ x: { min: 0, max: 1 } }, {
      measures: { loss: { goal: 'minimize' }, size: { atMost: 1 } },
    });
    study.fail(study.ask()!.number, 'out of memory');
    study.tell(study.ask()!.number, { size: 0.5 });
    study.tell(study.ask()!.number, { loss: 1, size: 2 });
    expect(study.front()).toEqual([]);
    study.tell(study.ask()!.number, { loss: 7, size: 1 });
    expect(study.best()).toMatchObject({ number: 3, values: { loss: 7, size: 1 } });
    expect(study.trials[0]).toMatchObject({ failure: 'out of memory' });
  });
});

describe('first trials', () => {
  test('come before proposals, completed and without repetitions', () => {
    const study = new Study(space, { ...one, first: [{ kind: 'b' }, { kind: 'b', rate: 1e-4 }, { x: 0.5 }] });
    expect(study.ask()!.parameters).toEqual({ kind: 'b', x: -1, n: 2, rate: 1e-4, tiny: 3 });
    expect(study.ask()!.parameters).toEqual({ kind: 'a', x: 0.5, n: 2, tiny: 3 });
    expect(study.isWaiting).toBe(true);
    expect(study.ask()).toBeUndefined();
  });
});

describe('errors say what is wrong', () => {
  const refused = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      expect(error).toBeInstanceOf(KletError);
      return (error as Error).message;
    }
    return 'nothing was refused';
  };

  test.each<[string, SearchSpace]>([['has no parameters', {}], ['needs choices', { x: { choices: [] } }], [
    'the same choice twice',
    { x: { choices: [1, 1] } },
  ], ['min ≤ max', { x: { min: 2, max: 1 } }], ['min must be above 0', { x: { min: 0, max: 1, log: true } }], [
    'a step above 0',
    { x: { min: 0, max: 1, step: 0 } },
  ], ['must be a parameter before it', { x: { choices: [1], when: { y: [1] } }, y: { choices: [1] } }], [
    'has no property "values"',
    { x: { min: 0, max: 1, values: [1] } as never },
  ]])('a space that %s', (text, wrong) => {
    expect(refused(() => new Study(wrong, one))).toContain(text);
  });

  test('options and results', () => {
    expect(refused(() => new Study(space, { measures: { size: { atMost: 1 } } })))
      .toContain('needs a measure with a goal');
    expect(refused(() => new Study(space, { ...one, first: [{ z: 1 }] }))).toContain('no parameter "z"');
    expect(refused(() => new Study(space, { ...one, first: [{ x: 2 }] })))
      .toContain('2 is no value of the parameter "x"');
    const study = new Study(space, one);
    expect(refused(() => study.tell(0, { loss: 1 }))).toContain('trial 0 was not asked for');
    study.ask();
    expect(refused(() => study.tell(0, { loss: NaN }))).toContain('"loss" must be a number, not NaN');
    study.tell(0, { loss: 1 });
    expect(refused(() => study.fail(0, 'late'))).toContain('trial 0 has a result already');
  });
});
