/**
 * Training operators for sound: a convolution along frequency and a GRU over time, both with custom
 * gradients.
 *
 * Letters: M = rows (frames × streams), S = bands, C = channels, T = frames, B = streams, H =
 * units.
 */
import { loadKernels } from '../../training/kernels.mjs';
import { tf } from '../../training/tensorflow.mjs';

const kernels = await loadKernels(new URL('kernels.ts', import.meta.url));

/** x [M][K] · w [K][N] + bias [N] → [M][N]; M is a multiple of 4, K and N of 8 */
export const dense = tf.customGrad((x, w, bias, save) => {
  const [rows] = x.shape;
  const [k, n] = w.shape;
  const values = x.dataSync();
  save([w]);
  return {
    value: tf.tensor2d(product(values, w.dataSync(), bias.dataSync(), rows, k, n), [rows, n]),
    gradFunc: (dy, [w]) => {
      const d = dy.dataSync();
      return [tf.tensor2d(inputGradient(d, w, rows), x.shape), ...weightGradients(values, d, rows, k, n)];
    },
  };
});

/**
 * relu6 of a convolution along frequency with padding SAME: x [M][S][C], w [K·C][Co], bias [Co] →
 * [M][S / stride][Co]; S / stride is a multiple of 4, Co of 8. K·C is a multiple of 8 too, except
 * in the first layer, whose input needs no gradient.
 */
export function bandConvolution(x, w, bias, kernel, stride, isFirst) {
  return tf.customGrad((x, w, bias, save) => {
    const [rows, bands, channels] = x.shape;
    const [k, n] = w.shape;
    const out = Math.ceil(bands / stride);
    const reach = (out - 1) * stride + kernel;
    const before = (reach - bands) >> 1;
    const [padded, y] = kernels.run(
      'convolution',
      x.dataSync(),
      w.dataSync(),
      bias.dataSync(),
      rows,
      bands,
      channels,
      before,
      reach,
      out,
      kernel,
      stride,
      n,
      kernels.output(rows * reach * channels),
      kernels.output(rows * out * n),
    );
    save([w]);
    const gradFunc = (dy, [w]) => {
      const [, , dw, dBias, dPadded] = kernels.run(
        'convolutionGradients',
        dy.dataSync(),
        y,
        padded,
        tf.transpose(w).dataSync(),
        +!isFirst,
        new Float32Array(k),
        rows,
        channels,
        reach,
        out,
        kernel,
        stride,
        n,
        kernels.output(out * n),
        kernels.output(out * k),
        kernels.output(k * n),
        kernels.output(n),
        kernels.output(isFirst ? 0 : rows * reach * channels),
      );
      const dx = isFirst
        ? tf.zeros([1])
        : tf.slice(tf.tensor3d(dPadded, [rows, reach, channels]), [0, before, 0], [rows, bands, channels]);
      return [dx, tf.tensor2d(dw, [k, n]), tf.tensor1d(dBias)];
    };
    return { value: tf.tensor3d(y, [rows, out, n]), gradFunc };
  })(x, w, bias);
}

/** x [M][K] · w [K][N] + bias [N], all as arrays, → [M][N] */
function product(x, w, bias, rows, k, n) {
  return kernels.run('dense', x, w, bias, rows, k, n, kernels.output(rows * n))[0];
}

/** dy [M][N] · wᵀ → [M][K] */
function inputGradient(dy, w, rows) {
  const [k, n] = w.shape;
  return product(dy, tf.transpose(w).dataSync(), new Float32Array(k), rows, n, k);
}

/** x [M][K], dy [M][N] → the gradients of weights [K][N] and bias [N] */
function weightGradients(x, dy, rows, k, n) {
  const [dw, dBias] = kernels.run('weightGradients', x, dy, rows, k, n, kernels.output(k * n), kernels.output(n));
  return [tf.tensor2d(dw, [k, n]), tf.tensor1d(dBias)];
}

/**
 * A GRU layer from zero state, reset after the product as in Keras and cuDNN, gates z, r, n.
 * gx [T·B][3H] = x·W + b, u [H][3H], c [3H] → h [T·B][H]
 */
export function gru(gx, u, c, frames, batch) {
  return tf.customGrad((gx, u, c, save) => {
    const units = u.shape[0];
    const rows = frames * batch;
    const [h, gates, gu] = kernels.run(
      'gru',
      gx.dataSync(),
      u.dataSync(),
      c.dataSync(),
      frames,
      batch,
      units,
      kernels.output((rows + batch) * units),
      kernels.output(rows * 3 * units),
      kernels.output(rows * 3 * units),
    );
    save([u]);
    const gradFunc = (dy, [u]) => {
      const [, dgx, dgu] = kernels.run(
        'gruGradients',
        dy.dataSync(),
        h,
        gates,
        gu,
        tf.transpose(u).dataSync(),
        frames,
        batch,
        units,
        kernels.output(batch * units),
        kernels.output(rows * 3 * units),
        kernels.output(rows * 3 * units),
      );
      return [tf.tensor2d(dgx, [rows, 3 * units]),
        ...weightGradients(h.subarray(0, rows * units), dgu, rows, units, 3 * units)];
    };
    return { value: tf.tensor2d(h.slice(batch * units), [rows, units]), gradFunc };
  })(gx, u, c);
}

/** y · factors, which are constant and broadcast. */
export function scaled(y, factors) {
  return tf.customGrad((y, save) => {
    save([factors]);
    return { value: tf.mul(y, factors), gradFunc: (dy, [factors]) => tf.mul(dy, factors) };
  })(y);
}
