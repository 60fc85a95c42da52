import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LayerFinder } from '../../src/cli/layers';
import { GraphBuilder, importTflite, prunableLayerNames, type Graph } from '../../src/compiler';
import { loadSync } from '../../src/index';
import { hasShared, shared, sharedBytes } from '../helpers/shared';
import { kinglet, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();

/** A chain of fully connected layers a/0, a/1, …, with a square function after each. */
function chain(count: number, prefix = 'a/'): Graph {
  const b = new GraphBuilder('chain');
  let x = b.input('x', [1, 16]);
  for (let i = 0; i < count; i++) {
    const weights = b.constant(Float32Array.from({ length: 256 }, (_, at) => at % 7), [16, 16]);
    x = b.node('fullyConnected', [x, weights, null], { activation: 'none' }, { name: `${prefix}${i}` });
    x = b.node('unary', [x], { kind: 'square' }, { name: `square ${i}` });
  }
  return b.finish([x]);
}

const finderOf = (graph: Graph): LayerFinder =>
  new LayerFinder({
    names: prunableLayerNames(graph),
    original: graph,
    purpose: 'prune',
    lacks: 'has no weights that can be pruned',
  });

const finder = (count: number): LayerFinder => {
  const graph = chain(count);
  return finderOf(graph);
};

describe('layers of options', () => {
  it('are found by name, by pattern and by the number that inspect shows', () => {
    expect(finder(3).find('a/1')).toEqual(['a/1']);
    expect(finder(3).find('a/*')).toEqual(['a/0', 'a/1', 'a/2']);
    expect(finder(12).find('*1')).toEqual(['a/1', 'a/11']);
    expect(finder(3).find('#0')).toEqual(['a/0']);
    expect(finder(3).find('#4')).toEqual(['a/2']);
  });

  it('may have names that look like a pattern or like an expression', () => {
    const graph = chain(2, 'a*.');
    expect(finderOf(graph).find('a*.1')).toEqual(['a*.1']);
    expect(() => finder(2).find('a.*')).toThrow(/no layer/);
  });

  it('are suggested if none matches: all of them if they are few, otherwise the closest names', () => {
    expect(() => finder(2).find('b')).toThrow('there is no layer "b" to prune; there are #0 "a/0", #2 "a/1"');
    expect(() => finder(12).find('A/11x'))
      .toThrow('there is no layer "A/11x" to prune; the closest of 12 layers are #22 "a/11"');
  });

  it('must have weights, and a number that exists', () => {
    expect(() => finder(2).find('#1')).toThrow('#1, "square 0", has no weights that can be pruned; there are #0 "a/0"');
    expect(() => finder(2).find('#4')).toThrow('there is no operator #4; they are #0 to #3');
  });

  it.skipIf(!hasShared)('of a recurrent operator are both of its matrices (needs ../shared/models)', () => {
    const graph = importTflite(sharedBytes('models', 'lstm_mnist_f32.tflite'));
    const found = finderOf(graph);
    const [input] = found.find('*/input');
    const name = input!.slice(0, -'/input'.length);
    const number = Array.from({ length: 20 }, (_, i) => i).find((i) => {
      try {
        return found.find(`#${i}`)[0] === input;
      } catch {
        return false;
      }
    });
    expect(found.find(`#${number}`)).toEqual([`${name}/input`, `${name}/recurrent`]);
  });

  it.skipIf(!hasShared)('have the numbers of inspect (needs ../shared/models)', async () => {
    const network = path.join(shared, 'models/kws_dscnn_int8.tflite');
    const { out } = await kinglet('inspect', network);
    const convolutions = [...out.matchAll(/^ *(\d+) .* conv2d /gm)].map(([, number]) => `#${number}`);
    const graph = importTflite(sharedBytes('models', 'kws_dscnn_int8.tflite'));
    const pointwise = convolutions.slice(1).flatMap((number) => finderOf(graph).find(number));
    expect(new Set(pointwise).size).toBe(4);
  });

  it('are pruned and kept by number and pattern on the command line', async () => {
    const source = files.write('quadrants.tflite', quadrants('uint8'));
    const sparsityOf = async (...options: string[]): Promise<unknown> => {
      expect((await kinglet('convert', source, '-o', files.at('x.klet'), ...options)).code).toBe(0);
      return loadSync(new Uint8Array(files.read('x.klet'))).meta.provenance;
    };
    expect(await sparsityOf('--prune', '#1=0.5')).toMatchObject({ pruned: { sparsity: { logits: 0.5 } } });
    expect(await sparsityOf('--prune', 'log*=0.5', '--prune', 'logits=0.25')).toMatchObject({
      pruned: { sparsity: { logits: 0.25 } },
    });
    const { out } = await kinglet('convert', source, '-o', files.at('y.klet'), '--prune', '0.5', '--prune-keep', '#1');
    expect(out).toMatch(/pruned .* of 0 weights in 0 layers/);
  });
});
