/**
 * Step 2: compiles the float network to float and to int8, measures both, writes
 * ../spoken-digits.klet. Needs kinglet built (dist/ at the top of the repository). With --pruned it
 * compiles the network of prune.mjs, to ../spoken-digits-pruned.klet, compact.
 *
 *     node quantize.mjs [--data FOLDER] [--pruned]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { GraphBuilder, compile, quantize, toStream } from '../../../dist/compiler.js';
import { load } from '../../../dist/index.js';
import { loadFloatNetwork } from '../../training/floatNetwork.mjs';
import { constantsOf, sizes } from '../../training/graph.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { CLASSES, FOLDER, RATE, loadRecordings } from './data.mjs';
import { BANDS, logMel, preprocessing } from './features.mjs';
import { FLOAT_NETWORK, PRUNED_NETWORK, argmax } from './float-network.mjs';
import { measure } from './measure.mjs';

const FRAMES = 64; // frames per calibration sequence: about a second
const CALIBRATION_RECORDINGS = 200; // recordings of the training set
const CALIBRATION_SEED = 11;

const { values: options } = parseArgs({
  options: { data: { type: 'string', default: FOLDER }, pruned: { type: 'boolean', default: false } },
});
const recordings = loadRecordings(options.data);

const about = {
  labels: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
  preprocessing,
  provenance: {
    source: 'models/spoken-digits/recipe',
    data: 'Free Spoken Digit Dataset (Zohar Jackson and others, ' +
      'github.com/Jakobovski/free-spoken-digit-dataset), CC BY-SA 4.0: four speakers to train on, two held out',
  },
};

const file = options.pruned ? 'spoken-digits-pruned.klet' : 'spoken-digits.klet';
const graph = toSequence(loadFloatNetwork(options.pruned ? PRUNED_NETWORK : FLOAT_NETWORK));
const samples = shuffle(recordings.train, seeded(CALIBRATION_SEED)).slice(0, CALIBRATION_RECORDINGS).map((recording) =>
  sequenceOf(recording.samples)
);
const streams = { float: toStream(graph, { axis: 1 }), int8: toStream(quantize(graph, { samples }), { axis: 1 }) };
const measured = {};
for (const [name, stream] of Object.entries(streams)) {
  measured[name] = measure(recordings, await answering(compile(stream, { meta: about })));
}
console.table(Object.fromEntries(Object.entries(measured).map(([name, { shares }]) => [name, shares])));
console.log('strangers, int8: rows say what was spoken, columns what was heard');
console.table(measured.int8.confusion);

const { float, int8 } = Object.fromEntries(Object.entries(measured).map(([name, { shares }]) => [name, shares]));
const accuracy = {
  float: float.strangers,
  int8: int8.strangers,
  on: `${recordings.strangers.length} recordings of two speakers who were not trained on ` +
    `(of ${recordings.known.length} held-out recordings of the other four: float ${float.known}, int8 ${int8.known})`,
};
const bytes = compile(streams.int8, { meta: { ...about, accuracy }, golden: goldenFrames(), compact: options.pruned });
writeFileSync(new URL(`../${file}`, import.meta.url), bytes);
console
  .log(`${file}: ${bytes.length} bytes; without golden vectors and debug info ${
    sizes(streams.int8, { ...about, accuracy })
  }`);

/**
 * The network over FRAMES frames at once, because calibration needs realistic states of the GRU.
 */
function toSequence({ name, input, output, layers }) {
  const builder = new GraphBuilder(name);
  let x = builder.input(input.name, [1, FRAMES, ...input.shape.slice(2)], 'float32');
  const reshape = (shape, label) => {
    x = builder.node('reshape', [x], {}, { name: label, shape });
  };
  for (const layer of layers) {
    if (layer.op === 'reshape') reshape([FRAMES, ...layer.shape.slice(1)], layer.name);
    else {
      if (layer.op === 'gru') reshape([1, FRAMES, layer.weights.shape[1]], 'sequence');
      const last = layer === layers[layers.length - 1];
      x = builder.node(layer.op, [x, ...constantsOf(builder, layer)], layer.attributes, {
        name: last ? output.name : layer.name,
      });
      if (layer.op === 'gru') reshape([FRAMES, layer.recurrentWeights.shape[1]], 'frames');
    }
  }
  return builder.finish([x]);
}

/** FRAMES frames of a recording, padded with silence. */
function sequenceOf(samples) {
  const padded = new Float32Array(FRAMES * preprocessing.hop);
  padded.set(samples.subarray(0, padded.length));
  return logMel(padded);
}

/**
 * Runs a compiled network frame by frame over a recording. Returns the digit after the last frame.
 */
async function answering(bytes) {
  const stream = (await load(bytes)).createState();
  return ({ samples }) => {
    stream.reset();
    let scores;
    for (const frame of framesOf(samples)) scores = stream.predict(frame);
    return argmax(scores);
  };
}

function framesOf(samples) {
  const frames = logMel(samples);
  return Array.from({ length: frames.length / BANDS }, (_, t) => frames.subarray(t * BANDS, (t + 1) * BANDS));
}

/** Frames of a sweep from 200 to 3,000 Hz, for selfTest(). */
function goldenFrames() {
  const tone = Float32Array.from(
    { length: RATE / 4 },
    (_, i) => 0.3 * Math.sin(2 * Math.PI * (200 + (1400 * 4 * i) / RATE) * (i / RATE)),
  );
  return framesOf(tone).filter((_, t) => t % 5 === 0);
}
