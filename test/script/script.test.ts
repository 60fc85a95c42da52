import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, quantize, repack, toScript } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { load, type Values } from '../../src/tiny/index';
import { loadScript } from '../helpers/tiny';
import { refuses } from '../robustness/refusal';

// kinglet/tiny and the scripts of one network, on whole networks. test/ops compares them operator
// by operator.

const root = path.resolve(import.meta.dirname, '../..');
const fileOf = (name: string): Uint8Array => new Uint8Array(readFileSync(path.join(root, 'models', name)));
const models = ['digits/digits', 'digits/digits-4bit', 'digits/digits-pruned', 'spoken-digits/spoken-digits',
  'spoken-digits/spoken-digits-4bit', 'spoken-digits/spoken-digits-pruned'];

/** A small int8 network. */
function small(): Uint8Array {
  const b = new GraphBuilder('small network');
  const x = b.input('x', [1, 4]);
  const w = b.constant(new Float32Array([1, 2, 3, 4, -1, -2, -3, -4]), [2, 4]);
  const graph = b.finish([b.node('fullyConnected', [x, w, null], { activation: 'relu' }, { name: 'y' })]);
  const samples = [[0, 1, 2, 3], [3, 2, 1, 0], [-1, -2, 0, 1]].map((values) => new Float32Array(values));
  return compile(quantize(graph, { samples }));
}

describe('a script of one network', () => {
  for (const name of models) {
    test(`${name} passes its self-test, with the weights inside and apart`, () => {
      const klet = fileOf(`${name}.klet`);
      const cases = loadSync(klet).selfTest();
      expect(cases).toBeGreaterThan(0);
      expect(loadScript(klet, 'inside').selfTest()).toBe(cases);
      expect(loadScript(klet, 'apart').selfTest()).toBe(cases);
    });
  }

  test('has only the operators that the network needs', () => {
    const one = toScript(small());
    expect(one.name).toBe('small_network');
    expect(one.codeBytes).toBeLessThan(8000);
    expect(toScript(fileOf('spoken-digits/spoken-digits.klet')).codeBytes).toBeGreaterThan(one.codeBytes);
  });

  test('keeps literals short and is ECMAScript 5 without features that small engines lack', () => {
    const { code } = toScript(fileOf('spoken-digits/spoken-digits.klet'));
    const longest = Math.max(...(code.match(/"[^"]*"/g) ?? []).map(({ length }) => length));
    expect(longest).toBeLessThanOrEqual(16_002);
    const plain = code.replace(/"[^"]*"/g, '""');
    expect(plain).not.toMatch(/=>|`|\.\.\.|\b(let|const|class|of|async|yield|Map|Set|Symbol|Promise)\b/);
    expect(plain).not.toMatch(/\bMath\.(imul|fround|trunc)\b|\.set\(/);
  });

  test('continues a state until reset', () => {
    const klet = fileOf('spoken-digits/spoken-digits.klet');
    const script = loadScript(klet, 'inside');
    const model = loadSync(klet);
    const frame = (seed: number): Int8Array =>
      new Int8Array(model.inputs[0]!.shape.reduce((a, b) => a * b)).map((_, i) => i * seed);
    const run = (): number[][] => [1, 2, 3].map((seed) => [...script.predict(frame(seed)) as Int8Array]);
    const first = run();
    expect(first).toEqual([1, 2, 3].map((seed) => [...model.predict(frame(seed), { output: 'raw' })]));
    expect(run()).not.toEqual(first);
    script.reset();
    expect(run()).toEqual(first);
  });

  test('takes another name, and refuses one that is no identifier', () => {
    expect(toScript(small(), { name: 'gesture' }).code).toContain('var gesture=');
    refuses(() => toScript(small(), { name: 'a-b' }), 'BAD_ARGUMENT', /identifier such as "digits", not "a-b"/);
    refuses(() => toScript(small(), { weights: 'beside' as 'apart' }), 'BAD_ARGUMENT', /inside or apart/);
  });

  test('holds names and labels of any text', () => {
    const labels = ['</script><script>alert(1)</script>', '*/ " \\\n\r\u2028\u2029\x7f', '<!--'];
    const klet = repack(small(), { meta: { name: '</script>\u2028 class', labels } });
    const { code, name } = toScript(klet);
    expect(name).toBe('script_class');
    expect(code).toMatch(/^[\n -~]*$/);
    expect(code).not.toMatch(/<\/|<!--/);
    expect(loadScript(klet, 'inside').labels).toEqual(labels);
  });

  test('has no name that a variable cannot have', () => {
    for (const word of ['class', 'int', 'module', 'Function']) {
      expect(toScript(repack(small(), { meta: { name: word } })).name).toBe(`network_${word.toLowerCase()}`);
    }
    refuses(() => toScript(small(), { name: 'delete' }), 'BAD_ARGUMENT', /identifier/);
  });

  test('refuses float32 networks and lists their records', () => {
    const b = new GraphBuilder('floats');
    const x = b.input('x', [1, 4]);
    const y = b.node('unary', [x], { kind: 'relu' }, { name: 'positive' });
    const z = b.node('softmax', [y], { beta: 1 }, { name: 'shares' });
    refuses(
      () => toScript(compile(b.finish([z]))),
      'UNSUPPORTED_OP',
      /--int8.*\n {2}positive \(relu, float32\)\n {2}shares \(softmax, float32\)/,
    );
  });
});

describe('kinglet/tiny', () => {
  test('quantizes real numbers as predict does', () => {
    const klet = small();
    const model = loadSync(klet);
    for (const values of [[0.5, 1.25, -3, 100], new Float32Array([1, -1, 0.125, 3])]) {
      expect([...load(klet).predict(values as Values) as Int8Array]).toEqual([
        ...model.predict(values, { output: 'raw' }),
      ]);
    }
  });

  test('takes bytes at any address, and an ArrayBuffer', () => {
    const klet = small();
    const moved = new Uint8Array(klet.length + 3);
    moved.set(klet, 3);
    expect(load(moved.subarray(3)).inputs).toEqual(load(klet.slice().buffer).inputs);
  });

  test('says what is wrong with a file', () => {
    const klet = small();
    const damaged = klet.slice();
    damaged[klet.length - 1]! ^= 1;
    expect(() => load(damaged)).toThrow(/damaged/);
    expect(() => load(klet.subarray(0, 40))).toThrow(/damaged/);
    expect(() => load(klet.subarray(0, 6))).toThrow(/damaged/);
    expect(() => load(new Uint8Array(8))).toThrow(/not a \.klet file/);
    expect(() => load(fileOf('digits/digits-pruned.klet'))).toThrow(/compact/);
    expect(() => load(repack(klet, {})).predict([1, 2, 3])).toThrow(/"x" takes 4 values, not 3/);
    expect(() => load(klet).predict([1, 2, NaN, 3])).toThrow(/value 2 .* not a number/);
  });
});
