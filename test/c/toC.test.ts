import { describe, expect, test } from 'vitest';
import { toC } from '../../src/c/index';
import { structBytes } from '../../src/c/library/index';
import { floatText, identifier, initializer, stringText } from '../../src/c/text';
import { compile, GraphBuilder, KletError, readKlet, type Graph } from '../../src/compiler/index';
import { writeKlet } from '../../src/format/writeKlet';
import { single, tensor } from '../ops/suite';

/** A network that adds its input to itself. */
function twice(name: string): Graph {
  const b = new GraphBuilder(name);
  const x = b.input('x', [1, 2]);
  return b.finish([b.node('binary', [x, x], { kind: 'add', activation: 'none' }, { name: 'y' })]);
}

function refusal(action: () => unknown): KletError {
  try {
    action();
  } catch (error) {
    if (error instanceof KletError) return error;
  }
  throw new Error('it was not refused');
}

describe('toC', () => {
  test('names files and functions after the network, or as the option says', () => {
    const klet = compile(twice('My network.v2'));
    const own = toC(klet);
    expect(Object.keys(own.files)).toEqual(['my_network_v2.c', 'my_network_v2.h']);
    expect(own.files['my_network_v2.h'])
      .toContain('int kinglet_my_network_v2_predict(const float *input, float *output);');
    const given = toC(klet, { name: 'Net2' });
    expect(Object.keys(given.files)).toEqual(['Net2.c', 'Net2.h']);
    expect(given.files['Net2.c']).toContain('int kinglet_Net2_predict(');
  });

  test('refuses a name that is no identifier, and suggests one', () => {
    const error = refusal(() => toC(compile(twice('x')), { name: '2 nets' }));
    expect([error.code, error.message]).toEqual(['BAD_ARGUMENT',
      'the option "name" of toC() must be an identifier of C and no header of C, such as "network_2_nets", '
      + 'not "2 nets"']);
    expect(refusal(() => toC(compile(twice('x')), { name: 'math' })).message).toContain('such as "network_math"');
  });

  test('refuses all operators without a C form together, by name', () => {
    const b = new GraphBuilder('extra');
    const x = b.input('x', [1, 4]);
    const sum = b.node('cumsum', [x], { axis: 1, exclusive: false, reverse: false }, { name: 'running' });
    const y = b.node('cumsum', [sum], { axis: 1, exclusive: true, reverse: false }, { name: 'again' });
    const error = refusal(() => toC(compile(b.finish([y]))));
    expect(error.code).toBe('UNSUPPORTED_OP');
    expect(error.message).toMatch(/^"extra" cannot become C: 2 of its operators have no C form; /);
    expect(error.message).toContain('\n  cumsum "running": no C form\n  cumsum "again": no C form');
    const stripped = refusal(() => toC(compile(b.finish([y]), { debugInfo: false })));
    expect(stripped.message).toContain('\n  cumsum, record 0: no C form\n');
  });

  test('refuses files that are damaged', () => {
    const klet = compile(twice('x'));
    klet[klet.length - 1]! ^= 1;
    expect(refusal(() => toC(klet)).code).toBe('CORRUPT');
    expect(refusal(() => toC(new Uint8Array(8))).code).toBe('BAD_MAGIC');
  });

  test('prints only the functions that a network needs', () => {
    const text = toC(compile(twice('x'))).files['x.c']!;
    expect(text).toContain('add_f32_row(');
    for (const other of ['requantize', 'run_conv2d_i8', 'subtract_f32_row', 'SCRATCH']) {
      expect(text).not.toContain(other);
    }
  });

  test('takes files whose labels are no labels', () => {
    const parts = readKlet(compile(twice('x')));
    const meta = { ...parts.meta, labels: 'none' } as unknown as typeof parts.meta;
    const { files } = toC(writeKlet({ ...parts, meta }));
    expect(files['x.h']).not.toContain('labels');
  });

  test('counts constants and memory', () => {
    const x = tensor('x', [1, 16], 'int8', { scale: 0.5, zeroPoint: 1 });
    const y = tensor('y', [1, 16], 'int8', { scale: 1 / 256, zeroPoint: -128 });
    const { constantBytes, codeBytes, ram } = toC(compile(single('softmax', [x], { beta: 1 }, y)));
    expect(constantBytes).toBe(4 * 256 + structBytes('row_function'));
    expect(codeBytes).toBeGreaterThan(100);
    expect(ram).toEqual({ arena: 16, scratch: 0 });
  });

  test('stores equal tables once', () => {
    const b = new GraphBuilder('equal');
    const x = b.input('x', [1, 4]);
    const w = b.constant(Float32Array.from({ length: 16 }, (_, i) => i), [4, 4]);
    const layer = (input: typeof x): typeof x =>
      b.node('fullyConnected', [input, w, null], { activation: 'none' } as never);
    const text = toC(compile(b.finish([layer(layer(x))]))).files['equal.c']!;
    expect(text.match(/float weights_\d+\[/g)).toEqual(['float weights_0[']);
    expect(text.match(/\.weights = weights_0/g)).toHaveLength(2);
  });

  test('keeps the text of comments and labels inside them', () => {
    const klet = compile(twice('a */ int x; /*'), { meta: { labels: ['"quoted"', 'Zürich', 'what??/', '\ud800'] } });
    const { files } = toC(klet, { name: 'odd' });
    expect(files['odd.h']).toContain('/* a * / int x; / *: made by kinglet, do not edit. */');
    expect(files['odd.c']).toContain('"\\"quoted\\"", "Z\\303\\274rich", "what\\?\\?/", "\\357\\277\\275",');
  });
});

describe('the text of C', () => {
  test('has floats with the digits that determine them', () => {
    const cases: [number, string][] = [[0, '0.0f'], [-0, '-0.0f'], [1, '1.0f'], [Math.fround(0.1), '0.1f'], [Infinity,
      'INFINITY'], [-Infinity, '-INFINITY'], [Math.fround(1e-45), '1e-45f'], [Math.fround(3.4028234663852886e38),
      '3.4028235e+38f'], [-12582912, '-12582912.0f']];
    for (const [value, text] of cases) expect(floatText(value)).toBe(text);
  });

  test('leaves zeros out of initializers', () => {
    expect(initializer({ a: '1', b: '0', c: { d: '0.0f' }, e: { f: '-0.0f' } }))
      .toBe('{ .a = 1, .e = { .f = -0.0f } }');
    expect(initializer({ a: { '[0]': { x: '1' }, '[1]': { x: '0' } } })).toBe('{ .a = { [0] = { .x = 1 } } }');
  });

  test('has identifiers for any name', () => {
    const cases = {
      'MobileNet v1 0.25': 'mobilenet_v1_0_25',
      '1d': 'network_1d',
      '': 'network',
      'é': 'network',
      'a.b': 'a_b',
      Math: 'network_math',
      string: 'network_string',
    };
    for (const [name, own] of Object.entries(cases)) expect(identifier(name)).toBe(own);
  });

  test('has strings in ASCII', () => {
    expect(stringText('a\nb\\ü')).toBe('"a\\012b\\\\\\303\\274"');
  });
});

describe('structBytes', () => {
  test('counts fields, arrays and structs with 32-bit pointers', () => {
    expect(structBytes('range_i8')).toBe(12);
    expect(structBytes('window2d')).toBe(44);
    expect(structBytes('filling')).toBe(12);
    expect(structBytes('strided_copy')).toBe(8 + 3 * 6 * 4);
    expect(structBytes('pool2d')).toBe(8 + 44 + 16 + 8 + 8);
  });
});
