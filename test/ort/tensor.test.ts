import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tensor } from '../../src/ort/index';
import { refuses } from '../robustness/refusal';

const make = (...values: unknown[]): Tensor => new Tensor(...(values as [never, never]));

describe('a tensor', () => {
  test('has the type of its array', () => {
    const arrays = {
      float32: Float32Array,
      float64: Float64Array,
      int8: Int8Array,
      uint8: Uint8Array,
      int16: Int16Array,
      uint16: Uint16Array,
      int32: Int32Array,
      uint32: Uint32Array,
      int64: BigInt64Array,
      uint64: BigUint64Array,
    };
    for (const [type, Type] of Object.entries(arrays)) {
      const data = new Type(6);
      const tensor = make(data, [2, 3]);
      expect([tensor.type, tensor.dims, tensor.size]).toEqual([type, [2, 3], 6]);
      expect(tensor.data).toBe(data);
      expect(make(type, data).dims).toEqual([6]);
    }
    expect(make(Uint8ClampedArray.of(1, 2)).type).toBe('uint8');
    expect(make([true, false]).type).toBe('bool');
  });

  test('converts lists to its type', () => {
    expect(make('float32', [1, 2.5], [2]).data).toEqual(Float32Array.of(1, 2.5));
    expect(make('int64', [1, 2n], [2]).data).toEqual(BigInt64Array.of(1n, 2n));
    expect(make('bool', [true, false, true], [3]).data).toEqual(Uint8Array.of(1, 0, 1));
    expect(make('float32', [], [0, 3]).size).toBe(0);
    expect(make('float32', [7], []).dims).toEqual([]);
  });

  test('is reshaped without a copy, and disposed', async () => {
    const tensor = make(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const other = tensor.reshape([3, 2]);
    expect(other.dims).toEqual([3, 2]);
    expect(other.data).toBe(tensor.data);
    expect(await tensor.getData(true)).toBe(tensor.data);
    tensor.dispose();
    expect([tensor.location, other.location]).toEqual(['none', 'cpu']);
    refuses(() => tensor.data, 'DISPOSED', /read its data before dispose/);
    refuses(() => tensor.reshape([6]), 'DISPOSED', /disposed/);
    await expect(tensor.getData()).rejects.toThrow(/disposed/);
  });

  test('refuses types, values and dims that do not fit', () => {
    refuses(
      () => make('float16', [1]),
      'TYPE_MISMATCH',
      /the type "float16" is not supported; the types are float32, /,
    );
    refuses(() => make('string', ['a']), 'TYPE_MISMATCH', /"string"/);
    refuses(
      () => make('float32', new Uint8Array(2)),
      'TYPE_MISMATCH',
      /takes a Float32Array or an array .* Uint8Array/,
    );
    refuses(() => make('int64', [1.5]), 'TYPE_MISMATCH', /whole numbers, not 1\.5/);
    refuses(() => make([1, 2]), 'TYPE_MISMATCH', /new Tensor\('float32', data, dims\)/);
    refuses(() => make(new Float32Array(5), [2, 3]), 'SHAPE_MISMATCH', /\[2, 3\] has 6 values; the array has 5/);
    refuses(() => make(new Float32Array(6), 6), 'SHAPE_MISMATCH', /array of whole numbers, not 6/);
    refuses(() => make(new Float32Array(6), [-2, -3]), 'SHAPE_MISMATCH', /array of whole numbers/);
  });

  test('has its size for all dims', () => {
    fc.assert(fc.property(fc.array(fc.nat(5), { maxLength: 5 }), (dims) => {
      const count = dims.reduce((a, b) => a * b, 1);
      expect(make('uint8', new Uint8Array(count), dims)).toMatchObject({ size: count, dims });
      refuses(() => make('uint8', new Uint8Array(count + 1), dims), 'SHAPE_MISMATCH', /values; the array has/);
    }));
  });

  test('names what is on the GPU or needs a canvas', () => {
    const tensor = make(new Float32Array(1)) as unknown as Record<string, () => unknown>;
    for (const name of ['texture', 'gpuBuffer', 'mlTensor']) {
      refuses(() => tensor[name], 'BAD_ARGUMENT', new RegExp(`no tensor\\.${name}: values are in tensor\\.data`));
    }
    for (const name of ['toDataURL', 'toImageData']) refuses(() => tensor[name]!(), 'BAD_ARGUMENT', /ImageData/);
    const constructor = Tensor as unknown as Record<string, () => unknown>;
    for (const name of ['fromImage', 'fromTexture', 'fromGpuBuffer', 'fromMLTensor', 'fromPinnedBuffer']) {
      refuses(() => constructor[name]!(), 'BAD_ARGUMENT', new RegExp(`no Tensor\\.${name}\\(\\)`));
    }
  });
});
