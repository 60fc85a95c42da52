/**
 * Runs the float network frame by frame in plain loops. Its files spoken-digits.float.json and .bin
 * have the format of models/training/floatNetwork.mjs.
 */
import { fileURLToPath } from 'node:url';
import { operators } from '../../training/floatNetwork.mjs';
import { BANDS } from './features.mjs';

/** Path of the network's files, without the extensions .json and .bin. */
export const FLOAT_NETWORK = fileURLToPath(new URL('spoken-digits.float', import.meta.url));

/**
 * @param frames f32 [T][BANDS]
 * @param onScores called with (scores f32 [10], t) after every frame
 */
export function runStream(network, frames, onScores) {
  let state = new Float32Array(network.layers.find(({ op }) => op === 'gru').recurrentWeights.shape[1]);
  const ops = {
    ...operators,
    gru(x, layer) {
      state = step(layer, x.data, state);
      return { shape: [1, state.length], data: state };
    },
  };
  for (let t = 0; t < frames.length / BANDS; t++) {
    let value = { shape: network.input.shape, data: frames.subarray(t * BANDS, (t + 1) * BANDS) };
    for (const layer of network.layers) value = ops[layer.op](value, layer);
    onScores(value.data, t);
  }
}

/** The scores after the last frame. */
export function lastScores(network, frames) {
  let last;
  runStream(network, frames, (scores) => {
    last = scores;
  });
  return last;
}

export function argmax(scores) {
  return scores.indexOf(Math.max(...scores));
}

/** h' = z · h + (1 − z) · n, with the reset gate applied after the product */
function step({ weights, bias, recurrentWeights, recurrentBias }, x, h) {
  const units = h.length;
  const sum = (w, b, row, values) =>
    values.reduce((total, value, k) => total + w.data[row * values.length + k] * value, b.data[row]);
  const logistic = (value) => 1 / (1 + Math.exp(-value));
  return h.map((before, i) => {
    const [z, r] = [i, units + i].map((row) =>
      logistic(sum(weights, bias, row, x) + sum(recurrentWeights, recurrentBias, row, h))
    );
    const n = Math
      .tanh(sum(weights, bias, 2 * units + i, x) + r * sum(recurrentWeights, recurrentBias, 2 * units + i, h));
    return z * before + (1 - z) * n;
  });
}
