import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, type Graph } from '../../src/compiler/index';

/** y = a·x for a row of `n` numbers, or softmax(a·x). */
function scaled(a: number[] | number, n: number, softmax = false): Graph {
  const b = new GraphBuilder('scaled');
  const x = b.input('x', [1, n]);
  const factors = Float32Array.from({ length: n }, (_, i) => (typeof a === 'number' ? a : a[i]!));
  const y = b.node('binary', [x, b.constant(factors, [n])], { kind: 'mul', activation: 'none' }, { name: 'y' });
  return b.finish([softmax ? b.node('softmax', [y], { beta: 1 }, { name: 'shares' }) : y]);
}

/** Scores of three classes for two numbers: y = w·x, w [3][2]. */
function classifier(w: number[], softmax = false): Graph {
  const b = new GraphBuilder('classifier');
  const x = b.input('x', [1, 2]);
  const weights = b.constant(Float32Array.from(w), [3, 2]);
  const y = b.node('fullyConnected', [x, weights, null], { activation: 'none' }, { name: 'y' });
  return b.finish([softmax ? b.node('softmax', [y], { beta: 1 }, { name: 'shares' }) : y]);
}

const threeWays = [4, 0, 0, 4, -4, -4];
const collapsed = [0, 0, 0, 0, 1, 1];
/** Sample i belongs to class i mod 3 of `threeWays`. */
const inputs = (count: number): Float32Array[] =>
  Array.from({ length: count }, (_, i) => Float32Array.from([[1, 0], [0, 1], [-1, -1]][i % 3]!));

describe('compare', () => {
  test('finds no difference between a network and itself, as a graph or as a file', () => {
    const graph = classifier(threeWays, true);
    for (const after of [graph, compile(graph)]) {
      expect(compare(graph, after, inputs(6))).toEqual({
        samples: 6,
        verdict: 'close',
        outputs: [{ name: 'shares', agreement: 1, sqnr: Infinity, cosine: 1, maxError: 0, verdict: 'close' }],
      });
    }
  });

  test('measures the ratio of signal to error in decibels, and the largest error', () => {
    const samples = [[1, 2], [3, 4]];
    const { outputs: [tenth] } = compare(scaled(1, 2), scaled(1.1, 2), samples);
    expect(tenth!.sqnr).toBeCloseTo(20, 4);
    expect(tenth!.maxError).toBeCloseTo(0.4, 5);
    // error power (2·0.5)² + (4·0.5)² = 5 of a signal of 1 + 4 + 9 + 16 = 30
    expect(compare(scaled(1, 2), scaled([1, 0.5], 2), samples).outputs[0]!.sqnr).toBeCloseTo(10 * Math.log10(6), 4);
    expect(compare(scaled(0, 2), scaled(1, 2), samples).outputs[0]!.sqnr).toBe(-Infinity);
  });

  test('calls values ruined whose error has more than a tenth of the power of the signal', () => {
    const verdict = (factor: number): string => compare(scaled(1, 2), scaled(factor, 2), [[1, 2]]).verdict;
    expect([verdict(1), verdict(0.69), verdict(0.68), verdict(-1)]).toEqual(['close', 'close', 'ruined', 'ruined']);
  });

  test('does not take a reconstruction of the input for scores of classes', () => {
    expect(compare(scaled(1, 4, true), scaled(1, 4, true), [[1, 2, 3, 4]]).outputs[0]).not.toHaveProperty('agreement');
    expect(compare(classifier(threeWays), classifier(threeWays), inputs(3)).outputs[0]!.agreement).toBe(1);
  });

  test('counts the samples with the same best class', () => {
    // class 2 is the best of every sample with x ≥ 0
    const { outputs: [shares], samples } = compare(
      classifier(threeWays, true),
      classifier(collapsed, true),
      inputs(12),
    );
    expect([samples, shares!.agreement]).toEqual([12, 0]);
    const half = compare(classifier(threeWays, true), classifier([4, 0, 4, 0, -4, -4], true), inputs(12));
    expect(half.outputs[0]!.agreement).toBeCloseTo(2 / 3, 12);
  });

  test('needs evidence to call class scores ruined: 95 % confidence that less than 80 % agree', () => {
    const good = classifier(threeWays, true);
    const bad = classifier(collapsed, true);
    expect(compare(good, bad, inputs(1)).verdict).toBe('uncertain'); // by chance with probability 0.2
    expect(compare(good, bad, inputs(2)).verdict).toBe('ruined'); // 0.04
    // two of three agree: of 21 and less by chance with at least 0.109, of 48 with 0.021
    const third = classifier([4, 0, 4, 0, -4, -4], true);
    expect(compare(good, third, inputs(21)).verdict).toBe('uncertain');
    expect(compare(good, third, inputs(48)).verdict).toBe('ruined');
    expect(compare(good, third, inputs(3000)).verdict).toBe('ruined');
  });

  test('calls a vector that may be an embedding ruined only if its error is large too', () => {
    // the two largest scores change places, with an error of 2 · 0.1² of 2.1
    const close = compare(classifier([1, 0, 0.9, 0, 0.5, 0]), classifier([0.9, 0, 1, 0, 0.5, 0]), [[1, 0], [1, 0], [2,
      0]]);
    expect(close.outputs[0]).toMatchObject({ agreement: 0, verdict: 'close' });
    const far = compare(classifier([1, 0, 0.9, 0, 0.5, 0]), classifier([0, 0, 1, 0, 0.5, 0]), [[1, 0], [1, 0], [2, 0]]);
    expect(far.outputs[0]).toMatchObject({ agreement: 0, verdict: 'ruined' });
  });

  test('compares integers by equality', () => {
    const largest = (shift: number): Graph => {
      const b = new GraphBuilder('largest');
      const x = b.node('binary', [b.input('x', [2, 3]), b.constant(Float32Array.of(shift, 0, 0), [3])], {
        kind: 'add',
        activation: 'none',
      });
      return b.finish([b.node('argmax', [x], { axis: 1, kind: 'max' }, { name: 'i', dtype: 'int32', shape: [2] })]);
    };
    const { outputs } = compare(largest(0), largest(5), [[0, 1, 0, 9, 1, 1]]);
    expect(outputs).toEqual([{ name: 'i', agreement: 0.5, maxError: 1, verdict: 'uncertain' }]);
  });

  test('a value that is not a number is an infinite error, unless both networks give it', () => {
    const root = (sign: number): Graph => {
      const b = new GraphBuilder('root');
      const x = b.input('x', [1, 2]);
      const y = b.node('binary', [x, b.constant(Float32Array.of(sign), [1])], { kind: 'mul', activation: 'none' });
      return b.finish([b.node('unary', [y], { kind: 'sqrt' }, { name: 'r' })]);
    };
    expect(compare(root(1), root(-1), [[1, 4]])).toMatchObject({
      verdict: 'ruined',
      outputs: [{ sqnr: -Infinity, maxError: Infinity }],
    });
    expect(compare(root(1), root(1), [[-1, 4]])).toMatchObject({ verdict: 'close', outputs: [{ sqnr: Infinity }] });
  });

  test('gives the worst verdict of several outputs', () => {
    const two = (factor: number): Graph => {
      const b = new GraphBuilder('two');
      const x = b.input('x', [1, 2]);
      const times = (by: number, name: string) =>
        b.node('binary', [x, b.constant(Float32Array.of(by), [1])], { kind: 'mul', activation: 'none' }, { name });
      return b.finish([times(1, 'same'), times(factor, 'other')]);
    };
    const { verdict, outputs } = compare(two(1), two(0), [[1, 2]]);
    expect(verdict).toBe('ruined');
    expect(outputs.map((output) => [output.name, output.verdict])).toEqual([['same', 'close'], ['other', 'ruined']]);
  });

  test('runs consecutive inputs of a network with state from its initial state', () => {
    const running = (decay: number): Graph => {
      const b = new GraphBuilder('running');
      const x = b.input('x', [1, 2]);
      const state = { name: 'sum', shape: [1, 2], dtype: 'float32' as const };
      const faded = b.node('binary', [state, b.constant(Float32Array.of(decay), [1])], {
        kind: 'mul',
        activation: 'none',
      });
      const next = b.node('binary', [faded, x], { kind: 'add', activation: 'none' }, { name: 'next' });
      return { ...b.finish([next]), states: [{ value: state, next, initial: new Float32Array(2) }] };
    };
    const once = compare(running(1), running(0), [[[1, 1]], [[1, 1]]]);
    expect(once.outputs[0]!.sqnr).toBe(Infinity);
    // 1, 2, 3 and 1, 1, 1: errors 0, 1, 2
    const thrice = compare(running(1), running(0), [[[1, 1], [1, 1], [1, 1]]]);
    expect(thrice.samples).toBe(1);
    expect(thrice.outputs[0]!.sqnr).toBeCloseTo(10 * Math.log10(14 / 5), 6);
  });

  test('refuses networks of other outputs, and no samples', () => {
    expect(() => compare(scaled(1, 2), classifier(threeWays), [[1, 2]]))
      .toThrow(/outputs of the same shapes: the first has "y" \[1, 2\], the second "y" \[1, 3\]/);
    expect(() => compare(scaled(1, 2), scaled(1, 2), [])).toThrow(/needs samples/);
  });
});
