/** The network as a graph of kinglet, and how it answers recordings frame by frame. */
import { GraphBuilder, compile, toStream } from '../../../dist/compiler.js';
import { load } from '../../../dist/index.js';
import { addLayer, inputOf } from '../../training/graph.mjs';
import { BANDS, logMel } from './features.mjs';
import { argmax } from './float-network.mjs';

/**
 * The network over `count` frames at once, because calibration needs realistic states of the GRU.
 */
export function toSequence({ name, input, output, layers }, count) {
  const builder = new GraphBuilder(name);
  let x = inputOf(builder, input, [1, count, ...input.shape.slice(2)]);
  const reshape = (shape, label) => {
    x = addLayer(builder, { op: 'reshape', attributes: {} }, x, { name: label, shape });
  };
  for (const layer of layers) {
    if (layer.op === 'reshape') reshape([count, ...layer.shape.slice(1)], layer.name);
    else {
      if (layer.op === 'gru') reshape([1, count, layer.weights.shape[1]], 'sequence');
      const last = layer === layers[layers.length - 1];
      x = addLayer(builder, layer, x, last ? { name: output.name } : {});
      if (layer.op === 'gru') reshape([count, layer.recurrentWeights.shape[1]], 'frames');
    }
  }
  return builder.finish([x]);
}

/** The network frame by frame. */
export function toStreamGraph(network) {
  return toStream(toSequence(network, 2), { axis: 1 });
}

/** @returns a function (recording) → scores after its last frame, computed by a compiled network */
export async function answering(bytes) {
  const stream = (await load(bytes)).createState();
  return ({ samples }) => {
    stream.reset();
    let scores;
    for (const frame of framesOf(samples)) scores = stream.predict(frame);
    return scores;
  };
}

/** The frames of a recording, f32 [BANDS] each. */
export function framesOf(samples) {
  const frames = logMel(samples);
  return Array.from({ length: frames.length / BANDS }, (_, t) => frames.subarray(t * BANDS, (t + 1) * BANDS));
}

/**
 * Measures a streaming graph at the ends of recordings.
 *
 * @returns { accuracy, loss, bytes }: share of correct answers, mean cross entropy, and bytes of
 *   the compact file without golden vectors and debug info
 */
export async function measureStream(graph, recordings) {
  const scoresOf = await answering(compile(graph));
  let right = 0;
  let loss = 0;
  for (const recording of recordings) {
    const scores = scoresOf(recording);
    if (argmax(scores) === recording.digit) right++;
    loss -= Math.log(Math.max(scores[recording.digit], 1 / 512)) / recordings.length; // half a step of the scores
  }
  const bytes = compile(graph, { debugInfo: false, compact: true }).length;
  return { accuracy: right / recordings.length, loss: Number(loss.toFixed(4)), bytes };
}
