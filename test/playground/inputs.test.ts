import { expect, test } from 'vitest';
import { npyValues } from '../../examples/playground/src/inputs';

/** A NumPy file of version 1, as numpy.save writes it. */
function npyFile(descr: string, order: 'True' | 'False'): ArrayBuffer {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (2, 2), }`.padEnd(117) + '\n';
  const text = `\u0093NUMPY\u0001\u0000${String.fromCharCode(header.length)}\u0000${header}`;
  const bytes = new Uint8Array(text.length + 16);
  bytes.set(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  bytes.set(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), text.length);
  return bytes.buffer;
}

test('samples in NumPy files are float32 values in C order', () => {
  expect(npyValues('a.npy', npyFile('<f4', 'False'))).toEqual(Float32Array.of(1, 2, 3, 4));
  const wanted = 'a.npy must be a NumPy file (.npy) of little-endian float32 values (<f4) in C order';
  // in Fortran order the values of different samples alternate
  expect(() => npyValues('a.npy', npyFile('<f4', 'True'))).toThrow(wanted);
  expect(() => npyValues('a.npy', npyFile('<i4', 'False'))).toThrow(wanted);
  expect(() => npyValues('a.npy', new ArrayBuffer(8))).toThrow(wanted);
});
