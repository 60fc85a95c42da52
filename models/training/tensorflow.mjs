/**
 * TensorFlow.js on its WebAssembly backend, and the training operators that every recipe uses.
 * Their gradients are written here, because the built-in ones use slow paths (matrix products with
 * a transposed operand, sums over leading dimensions).
 *
 * Letters: M = rows, K and N = inner and outer size of a matrix product.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

export { tf };

export async function startTensorflow() {
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json');
  setWasmPaths(`${dirname(entry)}/wasm-out/`);
  tf.registerGradient({
    kernelName: 'Reshape',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.reshape(dy, x.shape) }),
  });
  await tf.setBackend('wasm');
  await tf.ready();
}

/** x [M][K] · w [K][N] → [M][N] */
export const product = tf.customGrad((x, w, save) => {
  save([x, w]);
  return {
    value: tf.matMul(x, w),
    gradFunc: (dy, [x, w]) => [tf.matMul(dy, tf.transpose(w)), tf.matMul(tf.transpose(x), dy)],
  };
});

/** x [M][K] · w [K][N] + bias [N] → [M][N] */
export const dense = tf.customGrad((x, w, bias, save) => {
  save([x, w]);
  return {
    value: tf.add(tf.matMul(x, w), bias),
    gradFunc: (dy, [x, w]) => [tf.matMul(dy, tf.transpose(w)), tf.matMul(tf.transpose(x), dy), tf.sum(dy, 0)],
  };
});

/**
 * The weighted sum of the rows' cross entropy between labels [M][N] and softmax(logits [M][N]) →
 * scalar
 *
 * @param weights a number or [M][1]; the default gives the mean
 */
export function crossEntropy(labels, logits, weights = 1 / logits.shape[0]) {
  return tf.customGrad((logits, save) => {
    const shares = tf.softmax(logits);
    save([shares]);
    return {
      value: tf.neg(tf.sum(tf.mul(tf.mul(labels, tf.log(tf.add(shares, 1e-9))), weights))),
      gradFunc: (dy, [shares]) => tf.mul(tf.mul(tf.sub(shares, labels), weights), dy),
    };
  })(logits);
}
