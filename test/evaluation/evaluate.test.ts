import { describe, expect, test } from 'vitest';
import { compile, evaluate, evaluatePair, GraphBuilder, type Example } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { identity, list } from './support';

// Values of scikit-learn 1.9.1 on the same data.

const classes = 4;
const targets = list(60, 11).map((value) => Math.floor(value * classes));
const logits = targets.map((target, i) =>
  list(240, 7).slice(i * classes, (i + 1) * classes).map((value, c) => 3 * (value + (c === target ? 0.35 : 0)))
);
const softmax = (values: number[]): number[] => {
  const powers = values.map(Math.exp);
  return powers.map((value): number => value / powers.reduce((a, b) => a + b, 0));
};
const classified = (inputs: number[][]): Example[] => inputs.map((input, i) => ({ input, target: targets[i]! }));
const closeTo = (value: number, digits?: number): unknown => expect.closeTo(value, digits) as unknown;
const close = (value: number, digits = 6): unknown =>
  expect.objectContaining({ value: closeTo(value, digits) }) as unknown;

describe('classification', () => {
  const evaluation = evaluate(identity([1, classes]), classified(logits));

  test('gives the metrics of scikit-learn', () => {
    expect(evaluation.task).toBe('classify');
    expect(evaluation.examples).toBe(60);
    expect(evaluation.metrics).toEqual({
      accuracy: close(0.6333333333333333, 12),
      macroPrecision: close(0.6396493212669684, 12),
      macroRecall: close(0.6451330532212886, 12),
      macroF1: close(0.624590107348728, 12),
      weightedF1: close(0.6224281753017384, 12),
      rocAuc: close(0.8597450950594259, 6),
      logLoss: close(0.9266623924001954),
      calibrationError: close(0.12241772553251799),
    });
    expect(evaluation.classification!.confusion).toEqual([[8, 2, 4, 3], [0, 13, 3, 1], [2, 4, 6, 2], [0, 1, 0, 11]]);
    expect(evaluation.classification!.classes.map(({ f1 }) => f1))
      .toEqual([0.5925925925925926, 0.7027027027027027, 0.4444444444444444, 0.7586206896551724].map((f1) =>
        closeTo(f1)
      ));
  });

  test('is the same for probabilities, and says what the scores are', () => {
    const { metrics, notes } = evaluate(identity([1, classes]), classified(logits.map(softmax)));
    expect(notes).toEqual(['"y" has probabilities']);
    expect(evaluation.notes).toEqual([expect.stringMatching(/"y" has logits, because .* a softmax/)]);
    for (const [name, { value }] of Object.entries(metrics)) {
      expect(value, name).toBeCloseTo(evaluation.metrics[name as 'accuracy']!.value, 5);
    }
  });

  test('has intervals that hold the value and are repeatable', () => {
    for (const [name, { value, low, high }] of Object.entries(evaluation.metrics)) {
      if (name !== 'calibrationError') expect(low, name).toBeLessThan(value);
      expect(high, name).toBeGreaterThan(low!);
    }
    expect(evaluate(identity([1, classes]), classified(logits))).toEqual(evaluation);
    const other = evaluate(identity([1, classes]), classified(logits), { seed: 2 });
    expect(other.metrics.macroF1).not.toEqual(evaluation.metrics.macroF1);
    expect(other.metrics.macroF1!.low).toBeCloseTo(evaluation.metrics.macroF1!.low!, 1);
    const plain = evaluate(identity([1, classes]), classified(logits), { resamples: 0 });
    expect(plain.metrics.macroF1).toEqual({ value: evaluation.metrics.macroF1!.value });
    expect(plain.metrics.accuracy).toEqual(evaluation.metrics.accuracy);
  });

  test('does not depend on the order of the examples, up to the intervals', () => {
    const { metrics, classification } = evaluate(identity([1, classes]), classified(logits).toReversed());
    expect(metrics.rocAuc!.value).toBeCloseTo(evaluation.metrics.rocAuc!.value, 12);
    expect(classification!.confusion).toEqual(evaluation.classification!.confusion);
  });

  test('counts the best five, and names the surest mistakes', () => {
    const scores = [...Array(8).keys()].map((place) => ({ input: [8, 7, 6, 5, 4, 3, 2, 1], target: place }));
    const { metrics, classification } = evaluate(identity([1, 8]), scores);
    expect(metrics.accuracy!.value).toBe(1 / 8);
    expect(metrics.top5!.value).toBe(5 / 8);
    expect(classification!.mistakes[0]).toMatchObject({ example: 1, target: 1, predicted: 0 });
    expect(classification!.mistakes.length).toBe(7);
  });

  test('reads a single score as that of class 1', () => {
    const scores = [[0.9], [0.6], [0.4], [0.2]];
    const examples = scores.map((input, i) => ({ input, target: [true, false, true, false][i]! }));
    const { metrics, classification } = evaluate(identity([1, 1]), examples);
    expect(metrics.accuracy!.value).toBe(0.5);
    expect(metrics.rocAuc!.value).toBe(0.75);
    expect(classification!.roc!.length).toBe(5);
    const logit = evaluate(identity([1, 1]), [{ input: [3], target: true }, { input: [-2], target: false }]);
    expect(logit.metrics.accuracy!.value).toBe(1);
    expect(logit.notes[0]).toContain('a sigmoid');
  });

  test('reads the number of a class from an integer output', () => {
    const b = new GraphBuilder('best');
    const graph = b.finish([
      b.node('argmax', [b.input('x', [1, 3])], { axis: 1, kind: 'max' }, { name: 'best', dtype: 'int32', shape: [1] }),
    ]);
    const { metrics } = evaluate(graph, [{ input: [0, 1, 0], target: 1 }, { input: [0, 1, 0], target: 2 }]);
    expect(metrics.accuracy!.value).toBe(0.5);
    expect(metrics.logLoss).toBeUndefined();
  });

  test('takes graphs, files and models, and does not dispose models', () => {
    const file = compile(identity([1, classes]));
    const model = loadSync(file);
    expect(evaluate(file, classified(logits))).toEqual(evaluation);
    expect(evaluate(model, classified(logits))).toEqual(evaluation);
    expect(model.predict(new Float32Array(classes)).length).toBe(classes);
  });

  test('refuses targets that do not fit, by their number', () => {
    const wrong = [{ input: [1, 2, 3, 4], target: 0 }, { input: [1, 2, 3, 4], target: 4 }];
    expect(() => evaluate(identity([1, classes]), wrong))
      .toThrow(/^example 1: the target must be the number of a class from 0 to 3, as output "y" has them, not 4/);
    expect(() => evaluate(identity([1, classes]), [])).toThrow(/needs examples/);
    expect(() => evaluate(identity([1, classes]), wrong, { output: 'z' })).toThrow(/no output "z"; there are "y"/);
    expect(() => evaluate(identity([1, classes]), wrong, { task: 'sort' as never })).toThrow(/one of classify/);
  });
});

describe('regression', () => {
  test('gives the metrics of scikit-learn', () => {
    const wanted = list(50, 3).map((value) => 10 * value);
    const noise = list(50, 5);
    const { task, metrics } = evaluate(
      identity([1, 1]),
      wanted.map((target, i) => ({ input: [target + 2 * noise[i]! - 1], target })),
    );
    expect(task).toBe('regress');
    expect(metrics).toEqual({
      mae: close(0.48695368218235674),
      mse: close(0.3201724746053472),
      rmse: close(Math.sqrt(0.3201724746053472)),
      r2: close(0.9550494951500763),
    });
    expect(metrics.r2!.low).toBeLessThan(metrics.r2!.value);
  });

  test('averages R² over several values', () => {
    const factors = [1, 10, 100];
    const widths = [1, 5, 20];
    const noise = list(60, 5);
    const rows = list(60, 3).map((value, i) => factors[i % 3]! * value);
    const examples = Array.from({ length: 20 }, (_, i) => {
      const target = rows.slice(3 * i, 3 * i + 3);
      return { input: target.map((value, c) => value + (noise[3 * i + c]! - 0.5) * widths[c]!), target };
    });
    const { metrics, regression } = evaluate(identity([1, 3]), examples);
    expect(metrics).toMatchObject({
      mae: close(2.266483703209087),
      mse: close(12.884421310813382, 4),
      r2: close(0.5816515897876782),
    });
    expect(regression!.columns.length).toBe(3);
  });
});

describe('segmentation', () => {
  const labels = [0, 1, 2, 2, 2, 1, 0, 255];
  const chosen = [0, 0, 2, 2, 1, 1, 0, 1];

  test('gives the mean IoU of scikit-learn, without ignored pixels, in both orders', () => {
    const last = chosen.flatMap((index) => [0, 1, 2].map((c) => Number(c === index)));
    const first = [0, 1, 2].flatMap((c) => chosen.map((index) => Number(c === index)));
    for (const [shape, input] of [[[1, 2, 4, 3], last], [[1, 3, 2, 4], first]] as const) {
      const { task, metrics, segmentation } = evaluate(identity([...shape]), [{ input, target: labels }]);
      expect(task).toBe('segment');
      expect(metrics.meanIou!.value).toBeCloseTo(0.5555555555555555, 12);
      expect(metrics.pixelAccuracy!.value).toBeCloseTo(5 / 7, 12);
      expect(segmentation!.classes.map(({ pixels }) => pixels)).toEqual([2, 2, 3]);
    }
  });

  test('reads one score a pixel, as a probability or a logit', () => {
    const target = Uint8Array.of(0, 1, 1, 0);
    const probability = evaluate(identity([1, 2, 2, 1]), [{ input: [0.2, 0.9, 0.4, 0.1], target }]);
    expect(probability.metrics.meanIou!.value).toBeCloseTo((2 / 3 + 1 / 2) / 2, 12);
    const logit = evaluate(identity([1, 2, 2, 1]), [{ input: [-2, 3, 0.4, -1], target }]);
    expect(logit.metrics.meanIou!.value).toBe(1);
    expect(logit.notes[0]).toContain('logits');
  });

  test('refuses labels that no class has', () => {
    expect(() => evaluate(identity([1, 2, 1, 2]), [{ input: [1, 0, 0, 1], target: [0, 3] }], { task: 'segment' }))
      .toThrow(/classes from 0 to 1, or 255 for pixels that do not count, not 3/);
  });
});

describe('anomalies', () => {
  test('are told by the error of the reconstruction, the mean over the inputs of an example', () => {
    const b = new GraphBuilder('clip');
    const graph = b.finish([b.node('unary', [b.input('x', [1, 2])], { kind: 'relu' }, { name: 'y' })]);
    const examples: Example[] = [{ input: [[1, 2], [3, -1]], target: false }, { input: [[-1, 0], [-3, 0]], target: 1 },
      { input: [[1, 1]], target: false }];
    const { task, metrics, anomaly } = evaluate(graph, examples);
    expect(task).toBe('anomaly');
    expect(metrics.rocAuc!.value).toBe(1);
    expect(anomaly!.threshold).toEqual({ score: 2.5, precision: 1, recall: 1, f1: 1 });
  });

  test('have the average precision of scikit-learn', () => {
    const flags = list(40, 13).map((value) => value > 0.6);
    const scores = list(40, 17).map((value, i) => Math.round(10 * (value + (flags[i] ? 0.3 : 0))) / 10);
    const examples = scores.map((score, i) => ({ input: [score], target: flags[i]! }));
    const { metrics } = evaluate(identity([1, 1]), examples, { task: 'anomaly' });
    expect(metrics.rocAuc!.value).toBeCloseTo(0.6826666666666666, 6);
    expect(metrics.averagePrecision!.value).toBeCloseTo(0.5941750841750841, 6);
  });

  test('need both kinds of examples', () => {
    expect(() => evaluate(identity([1, 1]), [{ input: [1], target: true }], { task: 'anomaly' }))
      .toThrow(/an anomaly for some examples and not for others/);
  });
});

describe('detection', () => {
  const boxes = [{ class: 1, box: [0.1, 0.1, 0.5, 0.5] as const }];

  test('reads rows in relative units and in pixels', () => {
    for (const scale of [1, 8]) {
      const b = new GraphBuilder('rows');
      const image = b.input('image', [1, 8, 8, 1]);
      const rows = b.node('slice', [b.node('reshape', [image], {}, { shape: [1, 64], name: 'flat' })], {
        begin: [0, 0],
        stride: [1, 1],
      }, { shape: [1, 12], name: 'few' });
      const graph = b.finish([b.node('reshape', [rows], {}, { shape: [1, 2, 6], name: 'found' })]);
      const input = new Float32Array(64);
      input.set([0.1, 0.1, 0.5, 0.5].map((edge) => edge * scale));
      input.set([0.9, 1], 4);
      const { task, metrics, notes, detection } = evaluate(graph, [{ input, target: boxes }]);
      expect(task).toBe('detect');
      expect(metrics.map!.value).toBe(1);
      expect(detection!.detections).toBe(1);
      expect(notes.length).toBe(scale === 1 ? 1 : 2);
    }
  });

  test('reads the grid of YOLO v8, and suppresses what overlaps', () => {
    const planes = [[0.3, 0.31, 0.7], [0.3, 0.3, 0.7], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0, 0, 0.3], [0.9, 0.8, 0]];
    const grid = planes.map((plane) => [...plane, ...Array<number>(5).fill(0)]);
    const { metrics, detection } = evaluate(identity([1, 6, 8]), [{ input: grid.flat(), target: boxes }], {
      classes: 2,
    });
    expect(metrics.map!.value).toBe(1);
    expect(detection!.detections).toBe(2);
  });

  test('takes a decoder, and refuses what it cannot read', () => {
    const decode = (): never => [{ class: 1, box: [0.1, 0.1, 0.5, 0.5], score: 1 }] as never;
    const examples = [{ input: [1, 2, 3], target: boxes }];
    expect(evaluate(identity([1, 3]), examples, { decode }).metrics.map50!.value).toBe(1);
    expect(() => evaluate(identity([1, 3]), examples))
      .toThrow(/expected the outputs of a detector: .*; the outputs are "y" \[1, 3\]\. Give .*"decode"/);
    expect(() => evaluate(identity([1, 3]), examples, { decode: () => [1] as never }))
      .toThrow(/"decode" .* must return/);
  });
});

describe('two networks', () => {
  test('are compared example by example', () => {
    const b = new GraphBuilder('biased');
    const x = b.input('x', [1, classes]);
    const bias = b.constant(Float32Array.of(1, 0, 0, 0), [1, classes]);
    const biased = b.finish([b.node('binary', [x, bias], { kind: 'add', activation: 'none' }, { name: 'y' })]);
    const { first, second, differences, mcNemar, agreement, verdict } = evaluatePair(
      identity([1, classes]),
      biased,
      classified(logits),
    );
    const { accuracy } = differences;
    expect(first.metrics.accuracy!.value - second.metrics.accuracy!.value).toBeCloseTo(accuracy!.value, 12);
    expect((mcNemar!.onlyFirst - mcNemar!.onlySecond) / 60).toBeCloseTo(accuracy!.value, 12);
    expect(accuracy!.p).toBe(mcNemar!.p);
    expect(agreement).toBeLessThan(1);
    expect(accuracy!.low).toBeLessThanOrEqual(accuracy!.value);
    expect(verdict).toMatch(/points in accuracy/);
    for (const name of Object.keys(first.metrics)) expect(differences).toHaveProperty(name);
  });

  test('have no difference if they are the same', () => {
    const { verdict, differences, agreement } = evaluatePair(
      identity([1, classes]),
      identity([1, classes]),
      classified(logits),
    );
    expect(verdict).toBe('no difference in accuracy (60 examples)');
    expect(agreement).toBe(1);
    for (const difference of Object.values(differences)) {
      expect(difference).toEqual({ value: 0, low: 0, high: 0, p: 1 });
    }
  });
});
