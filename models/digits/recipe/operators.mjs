/**
 * Training operators for images, with gradients of their own: TensorFlow.js's WebAssembly backend
 * has no kernels for filter gradients of convolutions, and reaches others by slow paths.
 *
 * Letters: M = rows (batch × height × width), C = channels.
 */
import { loadKernels } from '../../training/kernels.mjs';
import { tf } from '../../training/tensorflow.mjs';

const kernels = await loadKernels(new URL('kernels.ts', import.meta.url));

/**
 * The first layer, without an input gradient because x is data. x [N][H][W][Ci], w
 * [KH][KW][Ci][Co], padding SAME
 */
export function firstConvolution(x, w, stride) {
  return tf.customGrad((w, save) => {
    save([w]);
    const gradFunc = (dy) => {
      const info = tf.backend_util.computeConv2DInfo(x.shape, w.shape, stride, 1, 'same');
      const dw = convolutionFilterGradient(x.dataSync(), dy.dataSync(), info);
      return tf.tensor(dw, w.shape);
    };
    return { value: tf.conv2d(x, w, stride, 'same'), gradFunc };
  })(w);
}

/** x [N][H][W][C], w [3][3][C][1], padding SAME → [N][OH][OW][C] */
export function depthwiseConvolution(x, w, stride) {
  return tf.customGrad((x, w, save) => {
    save([x, w]);
    const gradFunc = (dy, [x, w]) => {
      const [batch, height, width, channels] = x.shape;
      const { outHeight, outWidth, padInfo } = tf.backend_util.computeConv2DInfo(
        x.shape,
        w.shape,
        stride,
        1,
        'same',
        undefined,
        true,
      );
      const [dx, dw] = kernels.run(
        'depthwiseGradients',
        x.dataSync(),
        w.dataSync(),
        dy.dataSync(),
        batch,
        height,
        width,
        outHeight,
        outWidth,
        channels,
        stride,
        padInfo.top,
        padInfo.left,
        kernels.output(x.size),
        kernels.output(w.size),
      );
      return [tf.tensor(dx, x.shape), tf.tensor(dw, w.shape)];
    };
    return { value: tf.depthwiseConv2d(x, w, stride, 'same'), gradFunc };
  })(x, w);
}

/** x [N][S][S][C] → [N][C] */
export const globalAverage = tf.customGrad((x, save) => {
  const [batch, height, width, channels] = x.shape;
  save([]);
  return {
    value: tf.reshape(tf.avgPool(x, [height, width], 1, 'valid'), [batch, channels]),
    gradFunc: (dy) =>
      tf.tile(tf.reshape(tf.mul(dy, 1 / (height * width)), [batch, 1, 1, channels]), [1, height, width, 1]),
  };
});

/** relu6(x + bias). x [M][C], bias [C] → [M][C] */
export const biasRelu6 = tf.customGrad((x, bias, save) => {
  const [, channels] = x.shape;
  const y = tf.clipByValue(tf.add(x, bias), 0, 6);
  save([y]);
  const gradFunc = (dy, [y]) => {
    const values = y.dataSync();
    const dx = dy.dataSync().slice();
    const sums = new Float32Array(channels);
    for (let i = 0, c = 0; i < dx.length; i++, c = c + 1 === channels ? 0 : c + 1) {
      if (values[i] > 0 && values[i] < 6) sums[c] += dx[i];
      else dx[i] = 0;
    }
    return [tf.tensor2d(dx, x.shape), tf.tensor1d(sums)];
  };
  return { value: y, gradFunc };
});

/**
 * relu6(batchNorm(x)) with the statistics of the batch. x [M][C], gamma [C], beta [C] → [M][C]
 *
 * @param running { mean: f32 [C], variance: f32 [C], momentum }: running statistics, which the
 *   batch's statistics update
 */
export function batchNormRelu6(x, gamma, beta, running, epsilon) {
  return tf.customGrad((x, gamma, beta, save) => {
    const [rows, channels] = x.shape;
    const perChannel = kernels.output(channels);
    const values = x.dataSync();
    const scale = gamma.dataSync();
    const [out, mean, variance, inverse] = kernels.run(
      'normalizeRelu6',
      values,
      rows,
      channels,
      scale,
      beta.dataSync(),
      epsilon,
      kernels.output(x.size),
      perChannel,
      perChannel,
      perChannel,
    );
    follow(running.mean, mean, running.momentum);
    follow(running.variance, variance, running.momentum);
    save([]);
    const gradFunc = (dy) => {
      const [dx, dGamma, dBeta] = kernels.run(
        'normalizeRelu6Gradients',
        dy.dataSync(),
        values,
        out,
        rows,
        channels,
        mean,
        inverse,
        scale,
        kernels.output(x.size),
        perChannel,
        perChannel,
      );
      return [tf.tensor(dx, x.shape), tf.tensor1d(dGamma), tf.tensor1d(dBeta)];
    };
    return { value: tf.tensor(out, x.shape), gradFunc };
  })(x, gamma, beta);
}

function follow(running, current, momentum) {
  current.forEach((value, c) => {
    running[c] += (1 - momentum) * (value - running[c]);
  });
}

/** dw [KH][KW][Ci][Co] = Σ over output pixels of x ⊗ dy, in plain loops */
function convolutionFilterGradient(x, dy, info) {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const dw = new Float32Array(filterHeight * filterWidth * inChannels * outChannels);
  for (let n = 0; n < batchSize; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const fromY = ((n * outHeight + oy) * outWidth + ox) * outChannels;
        for (let ky = 0; ky < filterHeight; ky++) {
          const iy = oy * strideHeight + ky - padInfo.top;
          if (iy < 0 || iy >= inHeight) continue;
          for (let kx = 0; kx < filterWidth; kx++) {
            const ix = ox * strideWidth + kx - padInfo.left;
            if (ix < 0 || ix >= inWidth) continue;
            for (let ci = 0; ci < inChannels; ci++) {
              const value = x[((n * inHeight + iy) * inWidth + ix) * inChannels + ci];
              if (value === 0) continue; // most pixels of a digit's image are background
              const row = ((ky * filterWidth + kx) * inChannels + ci) * outChannels;
              for (let co = 0; co < outChannels; co++) dw[row + co] += value * dy[fromY + co];
            }
          }
        }
      }
    }
  }
  return dw;
}
