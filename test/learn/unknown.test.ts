import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { load as loadPlain } from '../../src/plain';
import { isNear } from '../../src/format/known';
import { loadSync, type Model } from '../../src/index';
import { upTo, withClassifier } from '../../src/learn/file';
import { Learner, type Metric } from '../../src/learn/index';
import { classify, isKnown } from '../../src/tasks/index';
import { Random } from '../helpers/random';

// A saved file refuses the inputs that the learner refused.

const models = path.resolve(import.meta.dirname, '../../models');
const embedder = upTo(new Uint8Array(readFileSync(path.join(models, 'digits/digits.klet'))), 'pool');
const SIDE = 28;

/** An image with bytes of 0..255, which `classify` takes. */
interface Picture {
  width: number;
  height: number;
  channels: 1;
  data: Uint8Array;
}

/** A cross or a ring or a slope, at a random place and size. */
function drawing(kind: 'cross' | 'ring' | 'slope', random: Random): Picture {
  const [x0, y0, size] = [random.between(12, 16), random.between(12, 16), random.between(7, 10)];
  const data = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [dx, dy] = [(x - x0) / size, (y - y0) / size];
      const distance = {
        cross: Math.min(Math.abs(dx), Math.abs(dy)) + Math.max(0, Math.hypot(dx, dy) - 1),
        ring: Math.abs(Math.hypot(dx, dy) - 0.9),
        slope: Math.abs(dx - dy) / 2 + Math.max(0, Math.hypot(dx, dy) - 1),
      };
      if (distance[kind] < 0.17) data[y * SIDE + x] = 255;
    }
  }
  return { width: SIDE, height: SIDE, channels: 1, data };
}

const inputOf = ({ data }: Picture): Float32Array => Float32Array.from(data, (byte) => byte / 255);

describe.each(['cosine', 'euclidean'] as const)('a file learned with the distance %s', (metric: Metric) => {
  const random = new Random(4);
  const learner = new Learner(loadSync(embedder), { metric });
  const pictures = Array.from(
    { length: 150 },
    (_, i) => drawing((['cross', 'ring', 'slope'] as const)[i % 3]!, random),
  );
  let file: Uint8Array;
  let model: Model;

  beforeAll(async () => {
    for (let i = 0; i < 20; i++) {
      learner.add(inputOf(drawing('cross', random)), 'cross');
      learner.add(inputOf(drawing('ring', random)), 'ring');
    }
    learner.fit();
    file = withClassifier(embedder, learner.classifier);
    model = await loadPlain(file);
  });

  test('refuses what the learner refuses, without WebAssembly', () => {
    const known = pictures.map((picture) => learner.predict(inputOf(picture)).isKnown);
    const answers = pictures.map((picture) => classify(picture, model));
    const same = answers.filter((answer, i) => (answer.length > 0) === known[i]);
    // the rules have rounded numbers
    expect(same.length).toBeGreaterThanOrEqual(147);
    const accepted = (kind: number): number =>
      answers.filter((answer, i) => i % 3 === kind && answer.length > 0).length;
    expect(accepted(0) + accepted(1)).toBeGreaterThan(80);
    expect(accepted(2)).toBeLessThan(10);
    answers.forEach(([best], i) => {
      if (best && known[i]) expect(best.label).toBe(learner.predict(inputOf(pictures[i]!)).label);
    });
  });

  test('says the same by isKnown, for answers of predict', () => {
    const simd = loadSync(file);
    for (const picture of pictures.slice(0, 30)) {
      expect(isKnown(simd.predict(inputOf(picture)), simd)).toBe(classify(picture, model).length > 0);
    }
    const digits = loadSync(new Uint8Array(readFileSync(path.join(models, 'digits/digits.klet'))));
    expect(isKnown(digits.predict(new Float32Array(784)), digits)).toBe(true);
    expect(() => isKnown({ embedding: new Float32Array(3) }, simd)).toThrow(/96 numbers in "embedding"/);
  });

  test('has rules that classify takes as an option, and refuses if they are incomplete', () => {
    const { known } = learner.classifier;
    const slope = pictures[2]!;
    expect(classify(slope, model)).toEqual([]);
    const lenient = { ...known!, thresholds: known!.thresholds.map(() => 1e9) };
    expect(classify(slope, model, { known: lenient })).toHaveLength(2);
    const short = { ...known!, thresholds: [1] };
    expect(() => classify(slope, model, { known: short })).toThrow(/needs .*thresholds.* of equal lengths as known/);
    const elsewhere = { ...known!, output: 'pool' };
    expect(() => classify(slope, model, { known: elsewhere })).toThrow(/names the output "pool"; the network has/);
    const scores = { ...known!, output: 'probabilities' };
    expect(() => classify(slope, model, { known: scores })).toThrow(/an embedding of 96 numbers in "probabilities"/);
  });
});

test.each(['cosine', 'euclidean'] as const)('rules keep small differences of large numbers (%s)', (metric) => {
  const random = new Random(2);
  const near = (center: number): Float32Array =>
    Float32Array.from(
      { length: 16 },
      (_, k) => 1000 + 0.01 * (k % 2 === 0 ? center : -center) + random.between(0, 0.01),
    );
  const learner = new Learner(undefined, { metric });
  for (let i = 0; i < 20; i++) {
    learner.add(near(1), 'rising');
    learner.add(near(-1), 'falling');
  }
  const rules = learner.classifier.known!;
  const inputs = Array.from({ length: 100 }, (_, i) => near([1, -1, 0, 4][i % 4]!));
  const same = inputs.filter((input) => isNear(rules, input) === learner.predict(input).isKnown);
  expect(same.length).toBeGreaterThanOrEqual(95);
});

test('with one example of each class, nothing is unknown', () => {
  const random = new Random(1);
  const learner = new Learner(loadSync(embedder));
  learner.add(inputOf(drawing('cross', random)), 'cross');
  learner.add(inputOf(drawing('ring', random)), 'ring');
  const model = loadSync(withClassifier(embedder, learner.classifier));
  expect(model.meta.task).toEqual({ kind: 'classify', output: 'probabilities' });
  expect(classify(drawing('slope', random), model)).toHaveLength(2);
});
