// Reads handwritten digits with a layers model, one and several at once.
import * as tf from '@tensorflow/tfjs';

let model: tf.LayersModel;

function guess(pixels: number[][]): { digit: number; scores: number[] } {
  return tf.tidy(() => {
    const image = tf.tensor2d(pixels, [28, 28], 'float32');
    const input = image.div(255.0).reshape([1, 28, 28, 1]);
    const output = model.predict(input) as tf.Tensor;
    return { digit: output.argMax(-1).dataSync()[0]!, scores: Array.from(output.dataSync()) };
  });
}

async function main(): Promise<void> {
  model = await tf.loadLayersModel(process.argv[2]!);
  const digit = (seed: number): number[][] =>
    Array.from({ length: 28 }, (_, y) => Array.from({ length: 28 }, (_, x) => (x * seed + y * 13) % 256));
  const one = guess(digit(5));

  const batch = tf.tensor4d([3, 7, 11].flatMap((seed) => digit(seed).flat()), [3, 28, 28, 1]).div(255);
  const predictions = model.predict(batch, { batchSize: 2 }) as tf.Tensor2D;
  const digits = predictions.argMax(1).arraySync();
  const rows = await predictions.array();
  const { values, indices } = predictions.topk(3);
  console
    .log(JSON.stringify({
      one,
      digits,
      rows,
      shape: predictions.shape,
      top: Array.from(values.dataSync()),
      topIndices: Array.from(indices.dataSync()),
      input: model.inputs[0]!.shape,
      output: model.outputs[0]!.shape,
    }));
  tf.dispose([batch, predictions, values, indices]);
  model.dispose();
}

void main();
