// Classifies the frames of a camera with a graph model, in a loop.
import * as tf from '@tensorflow/tfjs';

const LABELS = ['rock', 'paper', 'scissors'];

async function loop(model: tf.GraphModel): Promise<object[]> {
  const answers: object[] = [];
  for (let t = 0; t < 3; t++) {
    const frame = {
      width: 40,
      height: 30,
      data: Uint8Array.from({ length: 40 * 30 * 4 }, (_, i) => (i * (7 + 4 * t) + t) % 256),
    };
    const logits = tf.tidy(() => {
      const image = tf.browser.fromPixels(frame, 3);
      const resized = tf.image.resizeBilinear(image, [16, 16]);
      const input = resized.toFloat().div(tf.scalar(127.5)).sub(tf.scalar(1)).expandDims(0);
      return model.predict(input) as tf.Tensor2D;
    });
    const probabilities = await tf.softmax(logits).data();
    const best = logits.argMax(1).dataSync()[0]!;
    answers.push({ label: LABELS[best], probabilities: Array.from(probabilities), shape: logits.shape });
    logits.dispose();
    await tf.nextFrame();
  }
  return answers;
}

await tf.ready();
const model = await tf.loadGraphModel(process.argv[2]!);
const warmup = model.predict(tf.zeros([1, 16, 16, 3])) as tf.Tensor;
warmup.dispose();
const before = tf.memory().numTensors;
const answers = await loop(model);
const leaked = tf.memory().numTensors - before;
console.log(JSON.stringify({ answers, leaked, input: model.inputs[0]!.name, dtype: model.inputs[0]!.dtype }));
model.dispose();
