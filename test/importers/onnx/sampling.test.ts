import { expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { onnx } from '../../../src/importers/onnx/index';
import { loadSync } from '../../../src/index';
import { onnxTypes, writeOnnx, type OnnxNode } from './writer';

const image = Float32Array.from({ length: 8 }, (_, i) => i);

/** A grid from AffineGrid, and the samples of an image [1, 2, 2, 2] at its points. */
function run(theta: number[], alignCorners: 0 | 1, mode: string, padding: string): number[][] {
  const nodes: OnnxNode[] = [{
    op: 'AffineGrid',
    inputs: ['theta', 'size'],
    outputs: ['grid'],
    attributes: { align_corners: alignCorners },
  }, {
    op: 'GridSample',
    inputs: ['x', 'grid'],
    outputs: ['y'],
    attributes: { align_corners: alignCorners, mode, padding_mode: padding },
  }];
  const graph = onnx.import(
    writeOnnx({
      nodes,
      inputs: [{ name: 'x', shape: [1, 2, 2, 2] }, { name: 'theta', shape: [1, 2, 3] }],
      outputs: [{ name: 'y', shape: [1, 2, 2, 3] }, { name: 'grid', shape: [1, 2, 3, 2] }],
      constants: [{ name: 'size', shape: [4], data: [1, 2, 2, 3], type: onnxTypes.int64 }],
    }, 20),
    { name: 'samples' },
  );
  const { y, grid } = loadSync(compile(graph)).predict({ x: image, theta: Float32Array.from(theta) });
  return [Array.from(y!), Array.from(grid!)];
}

test('AffineGrid makes the points, x first', () => {
  const [, aligned] = run([1, 0, 0, 0, 1, 0], 1, 'linear', 'zeros');
  expect(aligned).toEqual([-1, -1, 0, -1, 1, -1, -1, 1, 0, 1, 1, 1]);
  const [, moved] = run([0, 1, 0.25, 2, 0, 0], 0, 'linear', 'zeros');
  // x is the y of the point + 0.25, and y is twice its x
  [-0.25, -4 / 3, -0.25, 0, -0.25, 4 / 3, 0.75, -4 / 3, 0.75, 0, 0.75, 4 / 3].forEach((value, i) =>
    expect(moved![i]).toBeCloseTo(value, 6)
  );
});

test('GridSample interpolates images of channels first', () => {
  const [y] = run([1, 0, 0, 0, 1, 0], 1, 'linear', 'zeros');
  expect(y).toEqual([0, 0.5, 1, 2, 2.5, 3, 4, 4.5, 5, 6, 6.5, 7]);
  const [far] = run([1, 0, 9, 0, 1, 0], 1, 'bicubic', 'zeros');
  expect(far).toEqual(new Array(12).fill(0));
  const [right] = run([1, 0, 9, 0, 1, 0], 1, 'nearest', 'border');
  expect(right).toEqual([1, 1, 1, 3, 3, 3, 5, 5, 5, 7, 7, 7]);
  expect(() => run([1, 0, 0, 0, 1, 0], 1, 'area', 'zeros')).toThrow('the mode area');
});
