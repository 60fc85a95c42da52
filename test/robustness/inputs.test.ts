import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { loadSync, type Inputs, type Model } from '../../src/index';
import { single, tensor } from '../ops/suite';
import { refuses, staysUsable } from './refusal';
import { sampleFile, sampleInputs } from './sample';

const image =
  compile(single('unary', [tensor('image', [1, 4, 4, 3], 'uint8', { scale: 1 / 255, zeroPoint: -128 })], {
    kind: 'relu',
  }, tensor('out', [1, 4, 4, 3], 'uint8', { scale: 1 / 255, zeroPoint: -128 })));
const floats =
  compile(single('unary', [tensor('x', [2, 3], 'float32')], { kind: 'abs' }, tensor('y', [2, 3], 'float32')));
const whole = compile(single('cast', [tensor('n', [4], 'int64')], {}, tensor('y', [4], 'int64')));

/** Inputs that a type checker would reject. */
const wrong = (value: unknown): Inputs => value as Inputs;

describe('a model with one input', () => {
  staysUsable();

  test('refuses an image of another shape, and names the expected shape', () => {
    const model = loadSync(image);
    for (const length of [0, 1, 47, 49, 28 * 28]) {
      refuses(
        () => model.predict(new Uint8Array(length)),
        'SHAPE_MISMATCH',
        /input "image" has the shape \[1, 4, 4, 3\], that is 48 values; the array has/,
        new RegExp(`${length}$`),
      );
    }
    refuses(() => model.predict([1, 2, 3]), 'SHAPE_MISMATCH', /the array has 3/);
  });

  test('refuses arrays of another type, and names the accepted types', () => {
    for (const values of [new Int8Array(48), new Int16Array(48), new Int32Array(48), new BigInt64Array(48),
      new Uint16Array(48)])
    {
      refuses(
        () => loadSync(image).predict(wrong(values)),
        'TYPE_MISMATCH',
        /input "image" takes Uint8Array \(raw values\) or Float32Array \(real numbers\), not /,
        new RegExp(values.constructor.name),
      );
    }
    for (const values of [new Uint8Array(6), new Int8Array(6), new Int32Array(6)]) {
      refuses(
        () => loadSync(floats).predict(values),
        'TYPE_MISMATCH',
        /input "x" takes a Float32Array, not /,
        /convert pixels with imageToInput of kinglet\/tasks/,
      );
    }
    refuses(() => loadSync(whole).predict(new Float32Array(4)), 'TYPE_MISMATCH', /BigInt64Array or Int32Array/);
  });

  test('refuses values that are not arrays', () => {
    for (const value of [undefined, null, 7, 'image', true, Symbol('x'), () => 1]) {
      refuses(
        () => loadSync(floats).predict(wrong(value)),
        'TYPE_MISMATCH',
        /an array or a record of arrays by input name, not /,
      );
    }
    for (const value of [null, 7, 'abc', {}, new Map(), new ArrayBuffer(24), new DataView(new ArrayBuffer(24))]) {
      refuses(() => loadSync(floats).predict(wrong({ x: value })), 'TYPE_MISMATCH', /input "x"/);
    }
    refuses(() => loadSync(floats).predict(wrong(new DataView(new ArrayBuffer(24)))), 'TYPE_MISMATCH', /not DataView/);
  });

  test('refuses NaN and values that are not numbers, with their index', () => {
    for (const [values, found] of [[[0, 1, NaN, 3, 4, 5], 'NaN'], [[0, 1, undefined, 3, 4, 5], 'undefined'], [[0, 1,
      '2', 3, 4, 5], 'a string'], [[0, 1, null, 3, 4, 5], 'null']] as const)
    {
      refuses(
        () => loadSync(floats).predict(wrong(values)),
        'NOT_A_NUMBER',
        new RegExp(`input "x" holds ${found} at index 2 of 6`),
      );
    }
    for (const array of [Float32Array, Float64Array]) {
      refuses(() => loadSync(floats).predict(array.of(1, 2, 3, 4, 5, NaN)), 'NOT_A_NUMBER', /at index 5 of 6/);
    }
    refuses(
      () => loadSync(image).predict(new Float32Array(48).fill(NaN, 9)),
      'NOT_A_NUMBER',
      /input "image" holds NaN at index 9 of 48/,
    );
  });

  test('takes infinities, and saturates them in quantized inputs', () => {
    expect(loadSync(floats).predict([Infinity, -Infinity, 1, 2, 3, -4]))
      .toEqual(Float32Array.of(Infinity, Infinity, 1, 2, 3, 4));
    const model = loadSync(image);
    const values = new Float32Array(48).fill(Infinity, 0, 24).fill(-Infinity, 24);
    expect(model.predict(values, { output: 'raw' }))
      .toEqual(Uint8Array.from({ length: 48 }, (_, i) => (i < 24 ? 255 : 0)));
  });

  test('refuses a detached array', () => {
    const values = new Float32Array(6);
    structuredClone(values, { transfer: [values.buffer] });
    refuses(() => loadSync(floats).predict(values), 'SHAPE_MISMATCH', /the array has 0/);
  });

  test('still predicts correctly after each refusal', () => {
    const model = loadSync(floats);
    for (const value of [new Float32Array(5), null, [NaN, 1, 2, 3, 4, 5], { y: new Float32Array(6) }]) {
      expect(() => model.predict(wrong(value))).toThrow();
      expect(model.predict([-1, 2, -3, 4, -5, 6])).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    }
  });
});

describe('a model with several inputs and outputs', () => {
  staysUsable();
  const load = (): Model => loadSync(sampleFile());
  const inputs = sampleInputs();

  test('refuses a single array, and names the inputs', () => {
    refuses(
      () => load().predict(inputs.x!),
      'MISSING_INPUT',
      /the model has 2 inputs: pass a record of arrays by name \("x", "y"\)/,
    );
  });

  test('refuses a record with a missing or an unknown input', () => {
    refuses(() => load().predict({ x: inputs.x! }), 'MISSING_INPUT', /input "y" is missing; the model takes "x", "y"/);
    refuses(() => load().predict({}), 'MISSING_INPUT', /input "x" is missing/);
    refuses(
      () => load().predict({ ...inputs, z: inputs.x! }),
      'MISSING_INPUT',
      /the model has no input "z"; it has "x", "y"/,
    );
  });

  test('names the input that is invalid', () => {
    refuses(
      () => load().predict({ x: inputs.x!, y: new Float32Array(3) }),
      'SHAPE_MISMATCH',
      /input "y" has the shape \[2, 3, 4, 2\]/,
    );
    refuses(
      () => load().predict({ x: new Uint8Array(60), y: inputs.y! }),
      'TYPE_MISMATCH',
      /input "x" takes Int8Array/,
    );
  });

  test('refuses output arrays of another length or type', () => {
    const model = load();
    refuses(
      () => model.predictInto(inputs, { softmax: new Float32Array(3) }),
      'SHAPE_MISMATCH',
      /output "softmax" has the shape \[9, 6\], that is 54 values; the array has 3/,
    );
    refuses(
      () => model.predictInto(inputs, { softmax: new Uint8Array(54) }),
      'TYPE_MISMATCH',
      /output "softmax" is written into Int8Array/,
    );
    refuses(
      () => model.predictInto(inputs, new Float32Array(54)),
      'MISSING_INPUT',
      new RegExp(`the model has ${model.outputs.length} outputs: pass a record`),
    );
    refuses(
      () => model.predictInto(inputs, { nobody: new Float32Array(54) }),
      'BAD_ARGUMENT',
      new RegExp(`the model has no output "nobody"; it has "${model.outputs[0]!.name}", `),
    );
    refuses(() => model.predictInto(inputs, null as never), 'TYPE_MISMATCH', /outputs?/);
  });

  test('refuses invalid options of profile()', () => {
    for (const runs of [0, -1, 1.5, NaN, '3' as never]) {
      refuses(() => load().profile({ runs }), 'BAD_ARGUMENT', /runs must be an integer above 0/);
    }
    refuses(() => load().profile({ inputs: { x: inputs.x! } }), 'MISSING_INPUT', /input "y" is missing/);
  });
});

describe('a disposed model', () => {
  staysUsable();

  test('refuses every use with its name, and may be disposed again', () => {
    const model = loadSync(sampleFile());
    const inputs = sampleInputs();
    model.dispose();
    model.dispose();
    const uses: (() => unknown)[] = [() => model.predict(inputs), () => model.predict(null as never),
      () => model.predictInto(inputs, {}), () => model.selfTest(), () => model.profile()];
    for (const use of uses) refuses(use, 'DISPOSED', /the model "every operator" was disposed; load it again/);
    expect(model.inputs.map(({ name }) => name)).toEqual(['x', 'y']);
  });

  test('does not affect other models', () => {
    const [a, b] = [loadSync(floats), loadSync(floats)];
    a.dispose();
    expect(b.predict([-1, 0, 0, 0, 0, 0])[0]).toBe(1);
  });
});
