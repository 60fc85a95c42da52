import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, readKlet, repack } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';

const random = new Random(5);

/**
 * A fully connected layer of 64 inputs and 64 outputs, with weights that entropy coding shortens.
 */
function layer(options = {}): Uint8Array {
  const b = new GraphBuilder('layer');
  const weights = Float32Array.from({ length: 4096 }, () => random.int(-2, 2));
  const x = b.input('x', [1, 64]);
  return compile(
    b.finish([
      b.node('fullyConnected', [x, b.constant(weights, [64, 64]), null], { activation: 'none' }, { name: 'y' }),
    ]),
    options,
  );
}

const input = Float32Array.from({ length: 64 }, () => random.between(-1, 1));
const answer = (file: Uint8Array): number[] => Array.from(loadSync(file).predict(input));

describe('repack', () => {
  test('adds and replaces metadata, and keeps all else', () => {
    const file = layer({ meta: { labels: ['a'], provenance: { source: 'x.tflite' } }, golden: [input] });
    const changed = repack(file, { meta: { labels: ['b', 'c'], name: 'renamed' } });
    const [before, after] = [readKlet(file), readKlet(changed)];
    expect(after.meta).toEqual({ ...before.meta, labels: ['b', 'c'], name: 'renamed' });
    expect({ ...after, meta: before.meta }).toEqual(before);
    expect(loadSync(changed).selfTest()).toBe(1);
  });

  test('gives the same file if nothing changes, also of a compact file', () => {
    for (const compact of [false, true]) {
      const file = layer({ compact });
      expect(Buffer.from(repack(file, {})).equals(file)).toBe(true);
    }
  });

  test('makes a file compact, nearly as small as compile does, with the same answers', () => {
    const [plain, compact] = [layer(), layer({ compact: true })];
    const packed = repack(plain, { compact: true });
    expect(readKlet(packed).coded).toBe(true);
    expect(packed.length).toBeLessThan(0.5 * plain.length);
    expect(packed.length).toBeLessThan(1.15 * compact.length);
    expect(answer(packed)).toEqual(answer(plain));
  });

  test('leaves the weights plain if coding does not shorten them', () => {
    const b = new GraphBuilder('one');
    const x = b.input('x', [1, 1]);
    const file = compile(b.finish([b.node('unary', [x], { kind: 'square' }, { name: 'y' })]));
    expect(readKlet(repack(file, { compact: true })).coded).toBeUndefined();
  });

  test('stores golden cases, and drops names', () => {
    const changed = repack(layer(), { golden: [input, input], debugInfo: false });
    expect(loadSync(changed).selfTest()).toBe(2);
    expect(readKlet(changed).debugInfo).toBeUndefined();
    expect(readKlet(repack(layer(), {})).debugInfo).toBeDefined();
  });

  test('keeps the state of a network with state', () => {
    const b = new GraphBuilder('running');
    const x = b.input('x', [1, 2]);
    const state = { name: 'sum', shape: [1, 2], dtype: 'float32' as const };
    const next = b.node('binary', [state, x], { kind: 'add', activation: 'none' }, { name: 'next' });
    const file = compile({ ...b.finish([next]), states: [{ value: state, next, initial: Float32Array.of(5, 6) }] });
    const model = loadSync(repack(file, { meta: { name: 'new' }, compact: true }));
    model.predict([1, 1]);
    expect(Array.from(model.predict([1, 1]))).toEqual([7, 8]);
  });

  test('refuses a damaged file', () => {
    const file = layer();
    file[file.length - 1]! ^= 1;
    expect(() => repack(file, { compact: true })).toThrow(/checksum/);
  });
});
