import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSync } from '../../src/index';
import { upTo, withClassifier } from '../../src/learn/file';
import { Learner, type Embedder } from '../../src/learn/index';
import { fitSoftmax, lossOf, type Batch } from '../../src/learn/softmaxRegression';
import { Random } from '../helpers/random';

/** An embedder whose inputs are the embeddings. */
const identity: Embedder = { predict: (inputs) => Float32Array.from(inputs as number[]) };

/** Normal deviates by the polar form of Box and Muller. */
function normal(random: Random): number {
  for (;;) {
    const [x, y] = [random.next() * 2 - 1, random.next() * 2 - 1];
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt(-2 * Math.log(square) / square);
  }
}

/** Points around the centers of classes. */
function clouds(random: Random, classes: number, each: number, width: number, spread: number): number[][][] {
  return Array.from({ length: classes }, () => {
    const center = Array.from({ length: width }, () => normal(random) * 3);
    return Array.from({ length: each }, () => center.map((x) => x + spread * normal(random)));
  });
}

function learnerOf(data: number[][][], options = {}): Learner {
  const learner = new Learner(identity, options);
  data.forEach((rows, c) => rows.forEach((row) => learner.add(row, `class ${c}`)));
  return learner;
}

function batchOf(random: Random, rows: number, width: number, classes: number): Batch {
  return {
    rows: Float32Array.from({ length: rows * width }, () => normal(random)),
    width,
    classes: Array.from({ length: rows }, () => random.int(0, classes - 1)),
    shares: Array.from({ length: rows }, () => 1 / rows),
  };
}

describe('softmax regression', () => {
  test('has the gradient of its loss, for any number of rows and classes', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 2, max: 6 }),
        (seed, rows, width, classes) => {
          const random = new Random(seed);
          const batch = batchOf(random, rows, width, classes);
          const at = Float32Array.from({ length: classes * (width + 1) }, () => normal(random));
          const gradient = new Float32Array(at.length);
          lossOf(batch, classes, 0.1, at, gradient);
          for (let i = 0; i < at.length; i++) {
            const [above, below] = [1, -1].map((sign) => at.map((x, j) => (i === j ? x + sign / 128 : x)));
            const slope = 64 * (lossOf(batch, classes, 0.1, above!) - lossOf(batch, classes, 0.1, below!));
            expect(Math.abs(slope - gradient[i]!)).toBeLessThan(2e-3);
          }
        },
      ),
      { numRuns: 60, seed: 2 },
    );
  });

  test('finds the minimum, where the gradient is 0 and every direction goes up', () => {
    const random = new Random(4);
    const batch = batchOf(random, 60, 8, 5);
    const { parameters } = fitSoftmax(batch, 5, 0.05, 200);
    const gradient = new Float32Array(parameters.length);
    const least = lossOf(batch, 5, 0.05, parameters, gradient);
    expect(Math.hypot(...gradient)).toBeLessThan(0.01);
    for (let i = 0; i < 50; i++) {
      expect(lossOf(batch, 5, 0.05, parameters.map((x) => x + 0.2 * normal(random)))).toBeGreaterThan(least);
    }
  });
});

describe('Learner', () => {
  test.each(['cosine', 'euclidean'] as const)('finds the nearest mean from one example a class on (%s)', (metric) => {
    const data = clouds(new Random(1), 4, 30, 16, 1);
    const learner = learnerOf(data.map((rows) => rows.slice(0, 1)), { metric });
    const right = data.flatMap((rows, c) => rows.slice(1).map((row) => learner.predict(row).label === `class ${c}`));
    expect(right.filter(Boolean).length / right.length).toBeGreaterThan(0.95);
    expect(learner.isFitted).toBe(false);
  });

  test('knows inputs like its examples, and refuses others, also with a single class', () => {
    for (const classes of [1, 3]) {
      const data = clouds(new Random(7), classes, 60, 12, 0.5);
      const learner = learnerOf(data.map((rows) => rows.slice(0, 40)));
      const known = data.flatMap((rows) => rows.slice(40).map((row) => learner.predict(row).isKnown));
      expect(known.filter(Boolean).length / known.length).toBeGreaterThan(0.8);
      const strange = clouds(new Random(99), 40, 1, 12, 0.5).flat().map((row) => learner.predict(row).isKnown);
      expect(strange.filter(Boolean).length / strange.length).toBeLessThan(0.2);
    }
  });

  test('takes the threshold from leave-one-out distances', () => {
    const data = clouds(new Random(3), 3, 25, 6, 1);
    const learner = learnerOf(data, { metric: 'euclidean', quantile: 0.8 });
    // of each class as if it were new, in the space of all examples, 80 % are within the threshold
    const inside = data.map((rows) => rows.filter((row) => learner.predict(row).isKnown).length / rows.length);
    for (const share of inside) expect(share).toBeGreaterThanOrEqual(0.8);
    const strict = learnerOf(data, { metric: 'euclidean', quantile: 0.2 });
    const known = data.flat().filter((row) => strict.predict(row).isKnown).length / 75;
    expect(known).toBeGreaterThan(0.15);
    expect(known).toBeLessThan(0.45);
  });

  test('gives probabilities that add up to 1, in the order of the labels', () => {
    const learner = learnerOf(clouds(new Random(5), 5, 8, 10, 1));
    for (const fitted of [false, true]) {
      if (fitted) learner.fit();
      const { label, probabilities } = learner.predict(Array.from({ length: 10 }, (_, i) => i - 5));
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
      expect(learner.labels[probabilities.indexOf(Math.max(...probabilities))]).toBe(label);
    }
  });

  test('adds and removes classes and examples, which discards the classifier', () => {
    const data = clouds(new Random(8), 3, 6, 4, 1);
    const learner = learnerOf(data);
    learner.fit();
    expect([learner.isFitted, learner.counts]).toEqual([true, { 'class 0': 6, 'class 1': 6, 'class 2': 6 }]);
    expect(learner.remove('class 1')).toBe(6);
    expect([learner.isFitted, learner.labels]).toEqual([false, ['class 0', 'class 2']]);
    expect(data[1]!.some((row) => learner.predict(row).label === 'class 1')).toBe(false);
    learner.fit();
    expect(learner.remove('class 2', 'last')).toBe(1);
    expect([learner.isFitted, learner.counts]).toEqual([false, { 'class 0': 6, 'class 2': 5 }]);
    learner.fit();
    expect(learner.remove('class 9')).toBe(0);
    expect(learner.isFitted).toBe(true);
    learner.add(data[1]![0]!, 'again');
    expect(learner.labels).toEqual(['class 0', 'class 2', 'again']);
    expect(() => {
      learner.add([1, 2], 'short');
    }).toThrow(/an embedding has 4 numbers, not 2/);
    for (const label of learner.labels) learner.remove(label);
    learner.add([1, 2], 'short');
    expect(learner.counts).toEqual({ short: 1 });
  });

  test('is the same for the same seed, and reports the accuracy on examples that it held out', () => {
    const data = clouds(new Random(2), 4, 40, 8, 3);
    const [first, second, other] = [1, 1, 2].map((seed) => {
      const learner = learnerOf(data);
      return { report: learner.fit({ seed }), classifier: learner.classifier };
    });
    expect(second).toEqual(first);
    expect(other!.report).not.toEqual(first!.report);
    expect(first!.report.heldOut).toBe(32);
    expect(first!.report.accuracy).toBeGreaterThan(0.6);
    expect(learnerOf(data.map((rows) => rows.slice(0, 3))).fit()).not.toHaveProperty('accuracy');
  });

  test('gives a rare class its share', () => {
    const random = new Random(6);
    const [often, seldom] = clouds(random, 2, 400, 2, 4) as [number[][], number[][]];
    const recall = (balance: boolean): number => {
      const learner = learnerOf([often.slice(0, 200), seldom.slice(0, 8)]);
      learner.fit({ balance, holdout: 0 });
      return seldom.slice(200).filter((row) => learner.predict(row).label === 'class 1').length / 200;
    };
    expect(recall(true)).toBeGreaterThan(recall(false) + 0.05);
  });

  test('without an embedder takes embeddings, and copies them', () => {
    const learner = new Learner();
    const row = Float32Array.of(1, 0);
    learner.add(row, 'x');
    row.set([0, 1]);
    learner.add(row, 'y');
    expect([[1, 0.1], [0.1, 1]].map((embedding) => learner.predict(embedding).label)).toEqual(['x', 'y']);
    expect(() => learner.add({ image: row }, 'x')).toThrow(/without an embedder takes arrays of numbers/);
  });

  test('makes a file of classes that are far apart', () => {
    const digits = path.resolve(import.meta.dirname, '../../models/digits/digits.klet');
    const embedder = upTo(new Uint8Array(readFileSync(digits)), 'pool');
    const learner = new Learner(identity);
    const rows = [-100, 100].map((x) => new Float32Array(96).fill(x));
    rows.forEach((row, c) => {
      for (let i = 0; i < 20; i++) learner.add(row.map((x, k) => x + ((k + i) % 3)), `${c}`);
    });
    learner.fit({ l2: 0 });
    const { range: [low] } = learner.classifier;
    expect(low).toBeGreaterThan(0);
    expect(loadSync(withClassifier(embedder, learner.classifier)).outputs).toHaveLength(2);
  });

  test('refuses what it cannot use', () => {
    const learner = new Learner(identity);
    expect(() => learner.predict([1])).toThrow(/no examples/);
    expect(() => learner.add([1, 2], '')).toThrow(/label/);
    learner.add([1, 2], 'a');
    expect(() => learner.fit()).toThrow(/at least two classes; there are 1/);
    expect(() => learner.add([NaN, 2], 'b')).toThrow(/not finite/);
    expect(() => learner.add([1, 2, 3], 'b')).toThrow(/has 2 numbers, not 3/);
    expect(() => learner.fit({ epochs: 3 } as never)).toThrow(/no option "epochs"; it has l2, iterations/);
    expect(() => learner.fit({ holdout: 0.9 })).toThrow(/"holdout" is a number from 0 to 0.5, not 0.9/);
    expect(() => learner.remove('a', 'first' as never)).toThrow(/"all" or "last", not first/);
    expect(() => new Learner(identity, { metric: 'l1' as never })).toThrow(/one of cosine, euclidean, not "l1"/);
    expect(() => new Learner({ predict: () => ({}) as never }).add([1], 'a')).toThrow(/one output/);
  });
});
