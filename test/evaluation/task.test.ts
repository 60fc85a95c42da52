import { describe, expect, test } from 'vitest';
import { compile, evaluate, type Evaluation, type Target } from '../../src/compiler/index';
import type { TaskRules } from '../../src/format/task';
import { loadSync } from '../../src/index';
import { identity } from './support';

// The task in META says how outputs are read. Each network gives its input as its output.

/** Evaluates the identity on examples, with a task in its file. */
function evaluated(shape: number[], examples: [input: number[], target: Target][], task?: TaskRules): Evaluation {
  const klet = compile(identity(shape), { meta: task ? { task } : {} });
  return evaluate(klet, examples.map(([input, target]) => ({ input, target })));
}

describe('the task in META', () => {
  test('leaves out the background of a classifier', () => {
    const examples: [number[], number][] = [[[0.8, 0.1, 0.1], 0], [[0.5, 0.2, 0.3], 1]];
    const { metrics, task } = evaluated([1, 3], examples, { kind: 'classify', background: 0 });
    expect(task).toBe('classify');
    expect(metrics.accuracy!.value).toBe(1);
    // 0.5 and 0.6 are the probabilities without the background
    expect(metrics.logLoss!.value).toBeCloseTo(-(Math.log(0.5) + Math.log(0.6)) / 2, 6);
    expect(evaluated([1, 3], examples).metrics.accuracy!.value).toBe(0.5);
  });

  test('says what makes probabilities of scores', () => {
    // in range with the sum 1, so without the task they are probabilities
    const examples: [number[], number][] = [[[0.75, 0.25], 0]];
    const { metrics, notes } = evaluated([1, 2], examples, { kind: 'classify', activation: 'softmax' });
    expect(metrics.logLoss!.value).toBeCloseTo(Math.log(1 + Math.exp(-0.5)), 6);
    expect(notes).toEqual(['a softmax makes probabilities of "y", as the task in the file says']);
    expect(evaluated([1, 2], examples).metrics.logLoss!.value).toBeCloseTo(-Math.log(0.75), 6);
  });

  test('names, scales and shifts values', () => {
    const values = [{ name: 'second', index: 1, scale: 10, offset: 1 }];
    const { metrics, task } = evaluated([1, 2], [[[7, 0.5], 6], [[7, 0.7], 7]], { kind: 'regress', values });
    expect(task).toBe('regress');
    expect(metrics.mae!.value).toBeCloseTo(0.5, 5);
  });

  test('has the threshold and the activation of a mask', () => {
    const target = Int32Array.of(0, 1, 1, 1);
    const example: [number[], Target] = [[0.2, 0.35, 0.45, 0.9], target];
    const shape = [1, 2, 2, 1];
    expect(evaluated(shape, [example], { kind: 'segment', threshold: 0.3 }).metrics.pixelAccuracy!.value).toBe(1);
    expect(evaluated(shape, [example]).metrics.pixelAccuracy!.value).toBe(0.5);
    // the logistic function of all is above 0.5
    const logits = evaluated(shape, [example], { kind: 'segment', activation: 'sigmoid' });
    expect(logits.metrics.pixelAccuracy!.value).toBe(0.75);
  });

  test('describes boxes whose layout the shapes do not tell', () => {
    const box = [0.1, 0.2, 0.5, 0.6] as const;
    // y first, and class 0 is the background; the file's threshold does not cut the curve
    const row = [0.2, 0.1, 0.6, 0.5, 0.3, 2];
    const rules: TaskRules = { kind: 'detect', decoder: 'rows', order: 'yx', background: 0, threshold: 0.9 };
    const { metrics, task, notes } = evaluated([1, 1, 6], [[row, [{ class: 1, box }]]], rules);
    expect(task).toBe('detect');
    expect(metrics.map!.value).toBe(1);
    expect(notes).toEqual(['a row is (x0, y0, x1, y1, score, class)']);
    expect(evaluated([1, 1, 6], [[row, [{ class: 1, box }]]]).metrics.map!.value).toBe(0);
  });

  test('gives way to the option, and is ignored where it has no metrics', () => {
    const klet = compile(identity([1, 2]), { meta: { task: { kind: 'regress' } } });
    const examples = [{ input: [0.75, 0.25], target: 0 }];
    expect(evaluate(klet, examples, { task: 'classify' }).metrics.accuracy!.value).toBe(1);
    const embedding = compile(identity([1, 2]), { meta: { task: { kind: 'embed' } } });
    expect(evaluate(loadSync(embedding), examples).task).toBe('classify');
  });
});
