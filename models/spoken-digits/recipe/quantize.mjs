/**
 * Step 2: compiles a network to int8, measures it and the float network, and writes its .klet file.
 * A float network is quantized by calibration; a network that finetune.mjs wrote has learned
 * scales. Needs kinglet built (dist/ at the top of the repository).
 *
 *     node quantize.mjs [--data FOLDER] [--network spoken-digits] [--compact]
 *
 * reads NETWORK.float.json and .bin of this folder and writes ../NETWORK.klet.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, quantize, toStream } from '../../../dist/compiler.js';
import { loadFloatNetwork } from '../../training/floatNetwork.mjs';
import { sizes } from '../../training/graph.mjs';
import { parametersOf } from '../../training/parameters.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { CLASSES, FOLDER, RATE, loadRecordings } from './data.mjs';
import { logMel, preprocessing } from './features.mjs';
import { FLOAT_NETWORK, argmax } from './float-network.mjs';
import { measure } from './measure.mjs';
import { answering, framesOf, toSequence, toStreamGraph } from './stream-network.mjs';

const FRAMES = 64; // frames per calibration sequence: about a second
const CALIBRATION_RECORDINGS = 200; // recordings of the training set
const CALIBRATION_SEED = 11;

const { data, network: name, compact } = parametersOf({ data: FOLDER, network: 'spoken-digits', compact: false });
const network = loadFloatNetwork(fileURLToPath(new URL(`${name}.float`, import.meta.url)));
const isTrained = network.input.quantization !== undefined;
const recordings = loadRecordings(data);

const about = {
  labels: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
  preprocessing,
  provenance: {
    source: 'models/spoken-digits/recipe',
    data: 'Free Spoken Digit Dataset (Zohar Jackson and others, ' +
      'github.com/Jakobovski/free-spoken-digit-dataset), CC BY-SA 4.0: four speakers to train on, two held out',
  },
};

const streams = {
  float: toStreamGraph(loadFloatNetwork(FLOAT_NETWORK)),
  int8: isTrained ? toStreamGraph(network) : toStream(calibrated(), { axis: 1 }),
};
const measured = {};
for (const [kind, stream] of Object.entries(streams)) {
  const scoresOf = await answering(compile(stream, { meta: about }));
  measured[kind] = measure(recordings, (recording) => argmax(scoresOf(recording)));
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
const bytes = compile(streams.int8, { meta: { ...about, accuracy }, golden: goldenFrames(), compact });
writeFileSync(new URL(`../${name}.klet`, import.meta.url), bytes);
console
  .log(`${name}.klet: ${bytes.length} bytes; without golden vectors and debug info ${
    sizes(streams.int8, { ...about, accuracy })
  }`);

/** The network over FRAMES frames, quantized with training recordings. */
function calibrated() {
  const chosen = shuffle(recordings.train, seeded(CALIBRATION_SEED)).slice(0, CALIBRATION_RECORDINGS);
  return quantize(toSequence(network, FRAMES), { samples: chosen.map(({ samples }) => sequenceOf(samples)) });
}

/** FRAMES frames of a recording, padded with silence. */
function sequenceOf(samples) {
  const padded = new Float32Array(FRAMES * preprocessing.hop);
  padded.set(samples.subarray(0, padded.length));
  return logMel(padded);
}

/** Frames of a sweep from 200 to 3,000 Hz, for selfTest(). */
function goldenFrames() {
  const tone = Float32Array.from(
    { length: RATE / 4 },
    (_, i) => 0.3 * Math.sin(2 * Math.PI * (200 + (1400 * 4 * i) / RATE) * (i / RATE)),
  );
  return framesOf(tone).filter((_, t) => t % 5 === 0);
}
