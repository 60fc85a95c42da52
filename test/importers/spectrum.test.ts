import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importTflite } from '../../src/importers/tflite';
import { loadSync } from '../../src/index';
import type { TfliteOperator, TfliteTensor } from '../tflite/writer';
import { float, ints, network, ramp } from './networks';

const complex = (name: string, shape: number[]): TfliteTensor => ({ name, shape, type: 'COMPLEX64' });
const rfft = (x: string, lengths: string, y: string): TfliteOperator => ({
  kind: 'RFFT2D',
  inputs: [x, lengths],
  outputs: [y],
});

/** |Σ Σ x e^(−2πi(jk/rows + mn/columns))| of an image, cut or padded with zeros. */
function magnitudes(x: number[], [height, width]: [number, number], [rows, columns]: [number, number]): number[] {
  return Array.from({ length: rows * (columns / 2 + 1) }, (_, at) => {
    const [k, n] = [Math.floor(at / (columns / 2 + 1)), at % (columns / 2 + 1)];
    let [re, im] = [0, 0];
    for (let j = 0; j < Math.min(height, rows); j++) {
      for (let m = 0; m < Math.min(width, columns); m++) {
        const angle = -2 * Math.PI * (j * k / rows + m * n / columns);
        re += x[j * width + m]! * Math.cos(angle);
        im += x[j * width + m]! * Math.sin(angle);
      }
    }
    return Math.hypot(re, im);
  });
}

describe('RFFT2D', () => {
  it('gives magnitudes of the frames of a sound, through a RESHAPE of complex numbers', () => {
    const file = network([float('x', [3, 1, 16]), ints('lengths', [1, 16]), complex('f', [3, 1, 9]), ints('to', [3, 9]),
      complex('g', [3, 9]), float('y', [3, 9])], [rfft('x', 'lengths', 'f'), {
      kind: 'RESHAPE',
      inputs: ['f', 'to'],
      outputs: ['g'],
    }, { kind: 'COMPLEX_ABS', inputs: ['g'], outputs: ['y'] }]);
    const x = Array.from({ length: 48 }, (_, i) => Math.sin(i * i));
    const y = loadSync(compile(importTflite(file))).predict(Float32Array.from(x));
    [0, 1, 2].flatMap((row) => magnitudes(x.slice(row * 16, row * 16 + 16), [1, 16], [1, 16])).forEach((value, i) =>
      expect(y[i]).toBeCloseTo(value, 5)
    );
  });

  it.each([[[3, 5], [4, 8]], [[4, 8], [2, 4]], [[2, 4], [1, 4]], [[1, 4], [2, 8]]] as [[number, number],
    [number, number]][])('transforms an image %j to the lengths %j', (size, lengths) => {
      const bins = [lengths[0], lengths[1] / 2 + 1];
      const file = network([float('x', size), ints('lengths', lengths), complex('f', bins), float('y', bins)], [
        rfft('x', 'lengths', 'f'),
        { kind: 'COMPLEX_ABS', inputs: ['f'], outputs: ['y'] },
      ]);
      const x = ramp(size);
      const y = loadSync(compile(importTflite(file))).predict(Float32Array.from(x));
      magnitudes(x, size, lengths).forEach((value, i) => expect(y[i]).toBeCloseTo(value, 4));
    });

  it('gives real and imaginary parts, and complex numbers as outputs', () => {
    const file = network([float('x', [4]), ints('to', [1, 4]), float('row', [1, 4]), ints('lengths', [1, 4]),
      complex('f', [1, 3]), float('re', [1, 3]), float('im', [1, 3])], [{
      kind: 'RESHAPE',
      inputs: ['x', 'to'],
      outputs: ['row'],
    }, rfft('row', 'lengths', 'f'), { kind: 'REAL', inputs: ['f'], outputs: ['re'] }, {
      kind: 'IMAG',
      inputs: ['f'],
      outputs: ['im'],
    }], { outputs: ['re', 'im', 'f'] });
    const model = loadSync(compile(importTflite(file)));
    expect(model.outputs.map(({ shape }) => shape)).toEqual([[1, 3], [1, 3], [1, 3, 2]]);
    const { re, im, f } = model.predict(Float32Array.of(1, 2, 3, 5));
    expect([...re!, ...im!]).toEqual([11, -2, -3, 0, 3, 0].map((value): unknown => expect.closeTo(value, 6)));
    expect([...f!]).toEqual([11, 0, -2, 3, -3, 0].map((value): unknown => expect.closeTo(value, 6)));
  });

  it('has its shape where the file leaves it open', () => {
    const file = network([{ ...float('x', [1, 1, 8]), shapeSignature: [-1, 1, 8] }, ints('lengths', [1, 8]), {
      ...complex('f', [1, 1, 5]),
      shapeSignature: [-1, 1, 5],
    }, { ...float('y', [1, 1, 5]), shapeSignature: [-1, 1, 5] }], [rfft('x', 'lengths', 'f'), {
      kind: 'COMPLEX_ABS',
      inputs: ['f'],
      outputs: ['y'],
    }]);
    const graph = importTflite(file, { shapes: { x: [3, 1, 8] } });
    expect(graph.outputs[0]!.shape).toEqual([3, 1, 5]);
    expect(() => compile(graph)).not.toThrow();
  });

  it('is followed by no other operator on complex numbers', () => {
    const file = network([float('x', [1, 4]), ints('lengths', [1, 4]), complex('f', [1, 3]), complex('y', [1, 3])], [
      rfft('x', 'lengths', 'f'),
      { kind: 'MUL', inputs: ['f', 'f'], outputs: ['y'] },
    ]);
    expect(() => importTflite(file)).toThrow(/MUL of complex numbers \(1\): "y"/);
  });
});
