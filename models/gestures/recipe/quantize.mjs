/**
 * Step 2: compiles the network to int8, measures it on the windows of people it has not seen, and
 * writes its .klet file. Needs a build of kinglet (dist/ at the top of the repository).
 *
 *     node quantize.mjs [--network gestures]
 *
 * reads NETWORK.float.json and .bin of this folder and writes ../NETWORK.klet.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, quantize } from '../../../dist/compiler.js';
import { loadFloatNetwork } from '../../training/floatNetwork.mjs';
import { sizes, toGraph } from '../../training/graph.mjs';
import { parametersOf } from '../../training/parameters.mjs';
import { LABELS, SIZE, loadGestures, windowOf } from './data.mjs';
import { measureWindows } from './measure.mjs';
import { COUNTS, COUNTS_PER_STEP, RATE } from './simulator.mjs';

const CALIBRATION_WINDOWS = 400;
const GOLDEN_WINDOWS = 3; // from the test set, as golden vectors for selfTest()
const STEP = COUNTS_PER_STEP / COUNTS; // g

const { network: name } = parametersOf({ network: 'gestures' });
const network = loadFloatNetwork(fileURLToPath(new URL(`${name}.float`, import.meta.url)));
const train = loadGestures('train');
const test = loadGestures('test');

// the sensor's largest values decide the scale of the input, so that its bytes are the input's
const fullScale = Float32Array.from({ length: SIZE }, (_, i) => (i % 2 === 0 ? -128 : 127) * STEP);
const every = Math.floor(train.count / CALIBRATION_WINDOWS);
const samples = Array.from({ length: CALIBRATION_WINDOWS }, (_, i) => windowOf(train, i * every));
const float = toGraph(network);
const graph = quantize(float, { samples: [fullScale, ...samples], calibration: 'minMax' });
checkInput(graph.inputs[0].quantization);

const about = {
  labels: LABELS,
  provenance: {
    source: 'models/gestures/recipe',
    data: `simulated: ${train.count} windows to train on, ${test.count} of other people to test`,
  },
};
const accuracy = {
  float: shareOf(float),
  int8: shareOf(graph),
  on: `${test.count} simulated windows of people not trained on, at ${RATE} samples a second`,
};
console.log(accuracy);
const meta = { ...about, accuracy };
const golden = Array.from({ length: GOLDEN_WINDOWS }, (_, i) => windowOf(test, i * 10));
const bytes = compile(graph, { meta, golden, debugInfo: false });
writeFileSync(new URL(`../${name}.klet`, import.meta.url), bytes);
console.log(`${name}.klet: ${bytes.length} bytes; without golden vectors ${sizes(graph, meta)}`);

/** Accuracy on the test set, rounded to four decimals. */
function shareOf(graph) {
  return Math.round(measureWindows(compile(graph), test).value * 1e4) / 1e4;
}

/** The values of the input must be the sensor's bytes. */
function checkInput({ scale, zeroPoint }) {
  if (Math.abs(scale[0] / STEP - 1) > 1e-6 || zeroPoint[0] !== 0) {
    throw new Error(`the input has the scale ${scale[0]} and the zero point ${zeroPoint[0]}, not ${STEP} and 0`);
  }
}
