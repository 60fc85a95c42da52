import type { Tensor } from '../graph/graph';
import { productNode } from '../ops/nodes';
import { compile } from './compile';
import { loadCompiled } from './runtime';

/** A matrix [rows][columns] of float32 numbers. */
export interface FloatMatrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

/** Multiply-adds from which a product by the core is faster, although a plan is compiled for it. */
const WORTH_A_PLAN = 2 ** 21;

/** aᵀ·b of two matrices with equally many rows. */
export function transposedProduct(a: FloatMatrix, b: FloatMatrix): FloatMatrix {
  return product(a, b, 'a');
}

/** a·bᵀ of two matrices with equally many columns. */
export function productWithTransposed(a: FloatMatrix, b: FloatMatrix): FloatMatrix {
  return product(a, b, 'b');
}

function product(a: FloatMatrix, b: FloatMatrix, transposed: 'a' | 'b'): FloatMatrix {
  const ofRows = transposed === 'a';
  const [rows, columns, depth] = ofRows ? [a.columns, b.columns, a.rows] : [a.rows, b.rows, a.columns];
  const values = rows * columns * depth < WORTH_A_PLAN
    ? plainProduct(a, b, ofRows)
    : coreProduct(a, b, [rows, columns], transposed);
  return { rows, columns, values };
}

function coreProduct(a: FloatMatrix, b: FloatMatrix, shape: number[], transposed: 'a' | 'b'): Float32Array {
  const float32 = (name: string, shape: number[]): Tensor => ({ name, shape, dtype: 'float32' });
  const inputs = [float32('a', [a.rows, a.columns]), float32('b', [b.rows, b.columns])] as const;
  const y = float32('product', shape);
  const nodes = [productNode(...inputs, y, transposed)];
  const model = loadCompiled(compile({ name: y.name, inputs: [...inputs], outputs: [y], nodes }, { debugInfo: false }));
  const values = model.predict({ a: a.values, b: b.values });
  model.dispose();
  return values;
}

function plainProduct(a: FloatMatrix, b: FloatMatrix, ofRows: boolean): Float32Array {
  const [rows, columns, depth] = ofRows ? [a.columns, b.columns, a.rows] : [a.rows, b.rows, a.columns];
  const [stepA, stepB] = ofRows ? [a.columns, b.columns] : [1, 1];
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      let atA = ofRows ? i : i * depth;
      let atB = ofRows ? j : j * depth;
      for (let k = 0; k < depth; k++) {
        sum += a.values[atA]! * b.values[atB]!;
        atA += stepA;
        atB += stepB;
      }
      values[i * columns + j] = sum;
    }
  }
  return values;
}
