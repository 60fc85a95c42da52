import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { averagePrecisions, calibrationError, classReport, mcNemar, rocAuc, wilson,
  type DetectedImage } from '../../src/compiler/index';
import { list, numbers } from './support';

// Values of scikit-learn 1.9.1, SciPy 1.17.1 and pycocotools 2.0.11 on the same data.

describe('intervals and tests', () => {
  test.each([[751, 1000, 0.7232715438085464, 0.7768074234317048], [0, 10, 0, 0.27753279986288926], [10, 10,
    0.7224672001371109, 1], [3, 8, 0.13684428582359737, 0.6942576053973728]])(
      'wilson(%i, %i) equals SciPy',
      (hits, examples, low, high) => {
        const interval = wilson(hits, examples);
        expect(interval.value).toBe(hits / examples);
        expect(interval.low).toBeCloseTo(low, 10);
        expect(interval.high).toBeCloseTo(high, 10);
      },
    );

  test.each([[12, 2, 0.012939453125], [7, 6, 1], [0, 5, 0.0625], [7, 3, 0.34375], [450, 550, 0.0017305360849763027], [
    40,
    21,
    0.0204147137996349,
  ], [0, 0, 1]])('mcNemar(%i, %i) equals the binomial test of SciPy', (a, b, p) => {
    expect(mcNemar(a, b).p).toBeCloseTo(p, 10);
    expect(mcNemar(b, a).p).toBe(mcNemar(a, b).p);
  });

  test('the intervals hold the fraction, and shrink with more examples', () => {
    fc.assert(fc.property(fc.nat(200), fc.integer({ min: 1, max: 200 }), (hits, rest) => {
      const [few, many] = [wilson(hits, hits + rest), wilson(hits * 10, (hits + rest) * 10)];
      expect(few.low).toBeLessThanOrEqual(few.value);
      expect(few.high).toBeGreaterThanOrEqual(few.value);
      expect(many.high - many.low).toBeLessThan(few.high - few.low);
    }));
  });
});

describe('the area under the ROC curve', () => {
  const positives = list(40, 13).map((value) => value > 0.6);
  const scores = list(40, 17).map((value, i) => Math.round(10 * (value + (positives[i] ? 0.3 : 0))) / 10);

  test("equals scikit-learn with ties, and DeLong's interval", () => {
    const { value, low, high } = rocAuc(scores, positives);
    expect(value).toBeCloseTo(0.6826666666666666, 12);
    // the estimator of the variance differs in terms of 1/n
    expect((high! - low!) / (2 * 1.959964)).toBeCloseTo(0.08557, 2);
  });

  test('stays the same if the scores change by a rising function, and flips with the classes', () => {
    const row = fc.record({ score: fc.integer({ min: -20, max: 20 }), isPositive: fc.boolean() });
    const rows = fc.array(row, { minLength: 2 }).filter((all) => new Set(all.map((one) => one.isPositive)).size === 2);
    fc.assert(fc.property(rows, (all) => {
      const flags = all.map(({ isPositive }) => isPositive);
      const area = rocAuc(all.map(({ score }) => score), flags).value;
      expect(rocAuc(all.map(({ score }) => Math.exp(score / 5) + 3), flags).value).toBeCloseTo(area, 12);
      expect(rocAuc(all.map(({ score }) => score), flags.map((flag) => !flag)).value).toBeCloseTo(1 - area, 12);
      const pairs = all.filter((one) => one.isPositive).flatMap((one) =>
        all.filter((other) => !other.isPositive).map((other) => (Math.sign(one.score - other.score) + 1) / 2)
      );
      expect(area).toBeCloseTo(pairs.reduce((a, b) => a + b, 0) / pairs.length, 12);
    }));
  });

  test('refuses examples of one kind', () => {
    expect(() => rocAuc([1, 2], [true, true])).toThrow(/examples of the class and others/);
    expect(() => rocAuc([1, NaN], [true, false])).toThrow(/scores\[1\] must be a number, not NaN/);
    expect(() => rocAuc([1], [true, false])).toThrow(/1 scores for 2 examples/);
  });
});

describe('reports of classes', () => {
  test('equal scikit-learn, with a class that is never a target', () => {
    const report = classReport([0, 1, 2, 2, 2], [0, 0, 2, 2, 1]);
    expect(report.macroPrecision).toBeCloseTo(0.5, 12);
    expect(report.macroRecall).toBeCloseTo(0.5555555555555555, 12);
    expect(report.macroF1).toBeCloseTo(0.4888888888888889, 12);
    expect(classReport([0, 0], [0, 7]).classes.map(({ index, support, predicted }) => [index, support, predicted]))
      .toEqual([[0, 2, 1], [7, 0, 1]]);
  });

  test('do not depend on the order of the examples, and sums fit', () => {
    const pairs = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 1 });
    fc.assert(fc.property(pairs, (all) => {
      const [targets, answers] = [all.map(([target]) => target), all.map(([, answer]) => answer)];
      const report = classReport(targets, answers);
      expect(classReport(targets.toReversed(), answers.toReversed())).toEqual(report);
      report.classes.forEach(({ support, predicted }, i) => {
        expect(report.confusion[i]!.reduce((a, b) => a + b, 0)).toBe(support);
        expect(report.confusion.reduce((sum, row) => sum + row[i]!, 0)).toBe(predicted);
      });
    }));
  });
});

describe('the calibration error', () => {
  test('is 0 if the confidence is the accuracy of each bin, and 1 for certain wrong answers', () => {
    expect(calibrationError([0.5, 0.5, 1], [1, 0, 1])).toBe(0);
    expect(calibrationError([1, 1], [false, false])).toBe(1);
    expect(calibrationError([0], [true])).toBe(1);
  });

  test('refuses what is no probability', () => {
    expect(() => calibrationError([1.5], [true])).toThrow(/confidences\[0\] is 1\.5/);
    expect(() => calibrationError([], [])).toThrow(/0 confidences/);
  });
});

type Corners = [number, number, number, number];

/** Twelve images with crowds, shifted and confused boxes. */
function images(): DetectedImage[] {
  const next = numbers(2024);
  const whole = (limit: number): number => Math.floor(next() * limit);
  const corners = ([x, y, width, height]: number[]): Corners => [x!, y!, x! + width!, y! + height!];
  const place = (): number[] => [next() * 60, next() * 60, 10 + next() * 30, 10 + next() * 30];
  const round = (value: number): number => Math.round(value * 100) / 100;
  return Array.from({ length: 12 }, () => {
    const image = { boxes: [] as object[], detections: [] as object[] };
    for (let k = whole(5); k > 0; k--) {
      const index = whole(3);
      const own = place();
      image.boxes.push({ class: index, box: corners(own), ignore: next() > 0.9 });
      for (let m = whole(3); m > 0; m--) {
        const near = [own[0]! + next() * 8 - 4, own[1]! + next() * 8 - 4, own[2]! * (0.8 + 0.4 * next()),
          own[3]! * (0.8 + 0.4 * next())];
        const found = next() < 0.85 ? index : whole(3);
        image.detections.push({ class: found, box: corners(near), score: round(next()) });
      }
    }
    for (let k = whole(3); k > 0; k--) {
      image.detections.push({ class: whole(3), box: corners(place()), score: round(next() * 0.7) });
    }
    return image as unknown as DetectedImage;
  });
}

describe('the average precision of boxes', () => {
  test('equals pycocotools, with crowds', () => {
    const { map, map50, map75, classes } = averagePrecisions(images());
    expect(images().flatMap(({ boxes }) => boxes).length).toBe(20);
    expect(images().flatMap(({ detections }) => detections).length).toBe(28);
    expect(map).toBeCloseTo(0.12989549, 7);
    expect(map50).toBeCloseTo(0.3459846, 7);
    expect(map75).toBeCloseTo(0.0819582, 7);
    expect(classes.map(({ ap }) => ap)).toEqual([expect.closeTo(0.07665016501650164, 12),
      expect.closeTo(0.27937293729372936, 12), expect.closeTo(0.033663366336633666, 12)]);
    expect(classes.map(({ ap50 }) => ap50)).toEqual([expect.closeTo(0.38778877887788776, 12),
      expect.closeTo(0.48184818481848174, 12), expect.closeTo(0.16831683168316833, 12)]);
  });

  test('is 1 for the boxes themselves, in any scale', () => {
    const edges = fc.tuple(fc.nat(50), fc.nat(50), fc.integer({ min: 51, max: 99 }), fc.integer({ min: 51, max: 99 }));
    const box = fc.record({ class: fc.nat(3), box: edges });
    fc.assert(fc.property(
      fc.array(fc.uniqueArray(box, { selector: ({ box }) => box.join(), minLength: 1 }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.constantFrom(0.01, 1, 640),
      (all, scale) => {
        const scaled = all.map((boxes) => boxes.map((own) => ({ ...own, box: own.box.map((edge) => edge * scale) })));
        const perfect = scaled.map((boxes) => ({ boxes, detections: boxes.map((own) => ({ ...own, score: 0.5 })) }));
        expect(averagePrecisions(perfect as never).map).toBeCloseTo(1, 12);
      },
    ));
  });
});
