// Recognizes a spoken command in a spectrogram, with a recurrent layers model.
import * as tf from '@tensorflow/tfjs';

const COMMANDS = ['yes', 'no', 'up', 'down'];

function normalize(spectrogram: Float32Array): tf.Tensor4D {
  return tf.tidy(() => {
    const x = tf.tensor4d(Array.from(spectrogram), [1, 12, 8, 1]);
    const mean = x.mean();
    const largest = x.sub(mean).max();
    return x.sub(mean).div(largest);
  });
}

const model = await tf.loadLayersModel(process.argv[2]!);
const [, frames, bins] = model.inputs[0]!.shape as [null, number, number];
const results: object[] = [];
for (let t = 1; t <= 3; t++) {
  tf.engine().startScope();
  const input = normalize(Float32Array.from({ length: frames * bins }, (_, i) => -40 + ((i * 17 * t) % 50)));
  const output = model.predict(input);
  const scores = Array.isArray(output) ? output[0]! : output;
  const values = Array.from(await scores.data());
  results.push({ command: COMMANDS[values.indexOf(Math.max(...values))], values, size: scores.size });
  tf.engine().endScope();
}
console.log(JSON.stringify({ results, frames, bins }));
