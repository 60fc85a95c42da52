import { describe, expect, it } from 'vitest';
import { classify } from '../../src/tasks/classify';
import { compareEmbeddings, embed, Gallery } from '../../src/tasks/embed';
import { regress } from '../../src/tasks/regress';
import { imageOf, modelOf } from './models';
import { refusal } from './refusal';

const image = imageOf(8, 8);
const three = (values: number[]) => ({ scores: [[1, 3], values] as [number[], number[]] });

describe('classify', () => {
  it('keeps probabilities as they are, also with the sum of rounded ones', () => {
    const model = modelOf(three([0.25, 0.7, 0.0625]), { labels: ['a', 'b', 'c'] });
    expect(classify(image, model).map(({ index, label }) => [index, label])).toEqual([[1, 'b'], [0, 'a'], [2, 'c']]);
    expect(classify(image, model, { topK: 1 })[0]!.score).toBeCloseTo(0.7, 6);
  });

  it('turns logits into probabilities', () => {
    const [best, second] = classify(image, modelOf(three([2, 4, -1])));
    expect(best!.index).toBe(1);
    expect(best!.score / second!.score).toBeCloseTo(Math.exp(2), 5);
    const sum = classify(image, modelOf(three([2, 4, -1]))).reduce((all, { score }) => all + score, 0);
    expect(sum).toBeCloseTo(1, 6);
  });

  it('follows the rules of the file, and options replace them one by one', () => {
    const model = modelOf(three([0.2, 0.9, 0.3]), { task: { kind: 'classify', activation: 'sigmoid', topK: 2 } });
    expect(classify(image, model).map(({ score }) => score)).toEqual([1 / (1 + Math.exp(-Math.fround(0.9))),
      1 / (1 + Math.exp(-Math.fround(0.3)))]);
    expect(classify(image, model, { activation: 'none', threshold: 0.5 }).map(({ score }) => score)).toEqual([
      Math.fround(0.9),
    ]);
  });

  it('a single score is that of the second of two classes', () => {
    const model = modelOf({ score: [[1, 1], [0.75]] }, { labels: ['no', 'yes'] });
    expect(classify(image, model)).toEqual([{ index: 1, label: 'yes', score: 0.75 }, {
      index: 0,
      label: 'no',
      score: 0.25,
    }]);
  });

  it('an output that is no class has no label', () => {
    const model = modelOf(three([0.1, 0.2, 0.7]), { labels: ['cat', 'dog'] });
    expect(refusal(() => classify(image, model)))
      .toBe('SHAPE_MISMATCH: there are 2 labels for 3 classes, so names may be wrong; if one output is no class, '
        + 'give its index as "background"');
    expect(classify(image, model, { background: 0 }).map(({ label }) => label)).toEqual(['dog', 'cat']);
  });

  it('a threshold leaves out the classes below', () => {
    expect(classify(image, modelOf(three([0.5, 0.3, 0.2])), { threshold: 0.25 }).map(({ index }) => index)).toEqual([0,
      1]);
  });

  it('refuses wrong rules, wrong options and the file of another task', () => {
    const scores = three([1, 0, 0]);
    expect(refusal(() => classify(image, modelOf(scores), { topk: 2 } as never)))
      .toBe('BAD_ARGUMENT: the options of classify() of the kind "classify" has the unknown property "topk"; it has '
        + 'kind, output, activation, background, topK, threshold, known');
    expect(refusal(() => classify(image, modelOf(scores, { task: { kind: 'classify', topK: 0 } }))))
      .toMatch(/^BAD_ARGUMENT: the task in the file of the kind "classify" needs a whole number from 1 to \d+ as topK/);
    expect(refusal(() => classify(image, modelOf(scores, { task: { kind: 'detect' } }))))
      .toBe('BAD_ARGUMENT: the file says that this network is for detect(), not for classify()');
    expect(refusal(() => classify(image, modelOf(scores), { output: 'logits' })))
      .toBe('BAD_ARGUMENT: the options of classify() names the output "logits"; the network has "scores"');
    expect(refusal(() => classify(image, {} as never))).toMatch(/^BAD_ARGUMENT: classify\(\) takes a Model/);
  });
});

describe('embed', () => {
  it('returns a vector of length 1 of its own', () => {
    const model = modelOf({ vector: [[1, 2], [3, 4]] });
    const first = embed(image, model);
    expect([...first]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    expect(embed(image, model)).not.toBe(first);
    expect([...embed(image, modelOf({ vector: [[1, 2], [0, 0]] }))]).toEqual([0, 0]);
  });

  it('compareEmbeddings is the cosine', () => {
    expect(compareEmbeddings(Float32Array.of(1, 0), Float32Array.of(0, 5))).toBe(0);
    expect(compareEmbeddings(Float32Array.of(2, 1), Float32Array.of(-4, -2))).toBeCloseTo(-1, 6);
    expect(compareEmbeddings(Float32Array.of(1, 1), Float32Array.of(1, 0))).toBeCloseTo(Math.SQRT1_2, 6);
    expect(refusal(() => compareEmbeddings(new Float32Array(2), new Float32Array(3)))).toMatch(/^SHAPE_MISMATCH/);
  });

  it('a gallery gives each label once, nearest first', () => {
    const gallery = new Gallery();
    gallery.add('east', Float32Array.of(1, 0));
    gallery.add('east', Float32Array.of(1, 1));
    gallery.add('north', Float32Array.of(0, 1));
    expect(gallery.size).toBe(3);
    const matches = gallery.nearest(Float32Array.of(1, 0.9), { count: 5 });
    expect(matches.map(({ label }) => label)).toEqual(['east', 'north']);
    expect(matches[0]!.similarity).toBeCloseTo(1.9 / Math.sqrt(2 * 1.81), 6);
    expect(gallery.nearest(Float32Array.of(1, 0.9), { count: 5, threshold: 0.9 }).length).toBe(1);
    expect(new Gallery().nearest(Float32Array.of(1))).toEqual([]);
    expect(refusal(() => gallery.add('west', Float32Array.of(1)))).toMatch(/^SHAPE_MISMATCH/);
  });

  it('a gallery keeps its own copy', () => {
    const gallery = new Gallery();
    const vector = Float32Array.of(1, 0);
    gallery.add('east', vector);
    vector.fill(-1);
    expect(gallery.nearest(Float32Array.of(1, 0))[0]!.similarity).toBe(1);
  });
});

describe('regress', () => {
  it('gives values their names, units and ranges', () => {
    const values = [{ name: 'age', unit: 'years', min: 0, max: 100, scale: 100 }, {
      name: 'weight',
      output: 'kg',
      offset: 1,
      max: 10,
    }];
    const model = modelOf({ age: [[1, 1], [0.5]], kg: [[1, 2], [12, 3]] }, {
      task: { kind: 'regress', values: [{ ...values[0]!, output: 'age' }, values[1]!] },
    });
    expect(regress(image, model)).toEqual([{ name: 'age', unit: 'years', min: 0, max: 100, value: 50, isInRange: true },
      { name: 'weight', max: 10, value: 13, isInRange: false }]);
  });

  it('without rules there is a value for each number, and a missing one is refused', () => {
    const model = modelOf({ out: [[1, 2], [3, 4]] });
    expect(regress(image, model).map(({ name, value }) => [name, value])).toEqual([['0', 3], ['1', 4]]);
    expect(refusal(() => regress(image, model, { values: [{ name: 'x', index: 2 }] })))
      .toBe('SHAPE_MISMATCH: expected an element 2 for "x"; the outputs are "out" [1, 2]');
  });
});
