import type { Tensor } from '../graph/graph';
import { transposedProductNode } from '../ops/nodes';
import { compile } from './compile';
import { loadSync } from './runtime';

/** A matrix [rows][columns] of float32 numbers. */
export interface FloatMatrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

/** aᵀ·b of two matrices with equally many rows, computed by the core. */
export function transposedProduct(a: FloatMatrix, b: FloatMatrix): FloatMatrix {
  const float32 = (name: string, shape: number[]): Tensor => ({ name, shape, dtype: 'float32' });
  const inputs = [float32('a', [a.rows, a.columns]), float32('b', [b.rows, b.columns])] as const;
  const y = float32('products', [a.columns, b.columns]);
  const nodes = [transposedProductNode(...inputs, y)];
  const model = loadSync(compile({ name: y.name, inputs: [...inputs], outputs: [y], nodes }, { debugInfo: false }));
  const values = model.predict({ a: a.values, b: b.values }).slice() as unknown as Float32Array;
  model.dispose();
  return { rows: a.columns, columns: b.columns, values };
}
