/**
 * Shared by both trainings: makes batches of streams, sets the target of each frame, counts correct
 * answers.
 */
import { shuffle } from '../../training/random.mjs';
import { tf } from '../../training/tensorflow.mjs';
import { makeStream } from './augment.mjs';
import { CLASSES } from './data.mjs';
import { BANDS, logMel } from './features.mjs';
import { argmax, runStream } from './float-network.mjs';
import { scaled } from './operators.mjs';

const STREAMS = 8; // of a batch
const SECOND_WORD = 0.4; // share of streams with two words
const SMOOTHING = 0.1; // label smoothing
const EVEN = 0.1; // weight of the frames before a word, where the scores should be uniform
const WORD = 25; // frames in a typical word
const GUESS = 0.3; // weight of the second half of a word, where the answer may come early
const LAST_FRAMES = 40; // frames of a word and after it that count
const EVALUATED = 100; // recordings at a time

/** Streams of one or two words, in batches of similar lengths. */
export function batchesOf(recordings, random) {
  const streams = [];
  while (recordings.length > 0) streams.push(makeStream(recordings.splice(0, random() < SECOND_WORD ? 2 : 1), random));
  streams.length -= streams.length % STREAMS;
  streams.sort((a, b) => a.count - b.count);
  return shuffle(
    Array.from({ length: streams.length / STREAMS }, (_, i) => streams.slice(i * STREAMS, (i + 1) * STREAMS)),
    random,
  );
}

/**
 * @returns frames T and batch B of the streams, x [T·B][BANDS], labels [T·B][10] and the weight of
 *   each row, weights [T·B][1]
 */
export function lessonOf(streams) {
  const frames = Math.max(...streams.map(({ count }) => count));
  const batch = streams.length;
  const labels = new Float32Array(frames * batch * CLASSES).fill(1 / CLASSES);
  const weights = new Float32Array(frames * batch);
  streams.forEach(({ words }, b) => {
    let before = 0;
    for (const { digit, middle, from, to } of words) {
      const end = Math.min(to, from + LAST_FRAMES);
      if (before === 0) { for (let t = 0; t < from - WORD; t++) weights[t * batch + b] = EVEN / (from - WORD); }
      for (let t = middle; t < end; t++) {
        weights[t * batch + b] = t < from ? GUESS / (from - middle) : 1 / (end - from);
        const row = (t * batch + b) * CLASSES;
        labels.fill(SMOOTHING / CLASSES, row, row + CLASSES);
        labels[row + digit] += 1 - SMOOTHING;
      }
      before = to;
    }
  });
  for (let i = 0; i < weights.length; i++) weights[i] /= batch;
  return {
    frames,
    batch,
    x: tf.tensor2d(interleave(streams, frames, batch), [frames * batch, BANDS]),
    labels: tf.tensor2d(labels, [frames * batch, CLASSES]),
    weights: tf.tensor2d(weights, [frames * batch, 1]),
  };
}

/** [frames][batch][BANDS], zeros where a stream has ended */
function interleave(streams, frames, batch) {
  const x = new Float32Array(frames * batch * BANDS);
  streams.forEach(({ frames: from, count }, b) => {
    for (let t = 0; t < count; t++) x.set(from.subarray(t * BANDS, (t + 1) * BANDS), (t * batch + b) * BANDS);
  });
  return x;
}

/** Dropout with one mask for all frames of a stream. */
export function dropout(share, frames, batch, random) {
  return (y) => {
    const width = y.shape[1];
    const mask = Float32Array.from({ length: batch * width }, () => (random() < share ? 0 : 1 / (1 - share)));
    return tf.reshape(scaled(tf.reshape(y, [frames, batch, width]), tf.tensor3d(mask, [1, batch, width])), [-1, width]);
  };
}

/**
 * Counts correct answers by the scores after the last frame of each recording. @param logits (x,
 * frames, batch) →
 * [T·B][10]
 */
export function countRight(recordings, logits) {
  let right = 0;
  for (let from = 0; from < recordings.length; from += EVALUATED) {
    const batch = recordings.slice(from, from + EVALUATED);
    const heard = logitsOfEach(batch, logits);
    batch.forEach(({ digit }, b) => {
      if (argmax(heard[b].slice(-CLASSES)) === digit) right++;
    });
  }
  return right;
}

/** @returns f32 [frames][10] for each recording */
function logitsOfEach(recordings, logits) {
  const streams = recordings.map(({ samples }) => {
    const frames = logMel(samples);
    return { frames, count: frames.length / BANDS };
  });
  const batch = Math.ceil(streams.length / 4) * 4;
  const frames = Math.max(...streams.map(({ count }) => count));
  const all = tf.tidy(() =>
    logits(tf.tensor2d(interleave(streams, frames, batch), [frames * batch, BANDS]), frames, batch).dataSync()
  );
  return streams.map(({ count }, b) =>
    Float32Array.from(
      { length: count * CLASSES },
      (_, i) => all[(Math.floor(i / CLASSES) * batch + b) * CLASSES + (i % CLASSES)],
    )
  );
}

/** Checks that the saved file, run frame by frame with plain loops, equals TensorFlow. */
export function checkAgainstTensorflow(saved, recordings, logits) {
  let largest = 0;
  logitsOfEach(recordings, logits).forEach((values, i) => {
    const expected = tf.tidy(() => tf.softmax(tf.tensor2d(values, [values.length / CLASSES, CLASSES])).dataSync());
    runStream(saved, logMel(recordings[i].samples), (scores, t) =>
      scores.forEach((score, j) => {
        largest = Math.max(largest, Math.abs(score - expected[t * CLASSES + j]));
      }));
  });
  console
    .log(`largest difference between the saved network and TensorFlow over ${recordings.length} recordings: ${
      largest.toExponential(2)
    }`);
  if (!(largest < 1e-4)) {
    throw new Error(`the saved network differs from TensorFlow by ${largest}, expected less than 1e-4`);
  }
}
