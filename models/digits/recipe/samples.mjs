/**
 * Writes ../samples/0.png … 9.png: one digit of the test set per class, as the network's input
 * shows it (white ink on black). The float network classifies each correctly, but with a low score
 * for its class.
 *
 *     node samples.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { loadFloatNetwork, runFloatNetwork } from '../../training/floatNetwork.mjs';
import { CLASSES, SIDE, imageOf, loadDigits } from './data.mjs';
import { FLOAT_NETWORK } from './float-network.mjs';

const HARDNESS = 0.15; // share of the class with lower scores than the chosen digit
const directory = new URL('../samples/', import.meta.url);

const network = loadFloatNetwork(FLOAT_NETWORK);
const { test } = loadDigits();
mkdirSync(directory, { recursive: true });

const right = Array.from({ length: CLASSES }, () => []);
for (let i = 0; i < test.count; i++) {
  const scores = runFloatNetwork(network, imageOf(test, i));
  const label = test.labels[i];
  if (scores.indexOf(Math.max(...scores)) === label) right[label].push({ index: i, score: scores[label] });
}
right.forEach((digits, label) => {
  digits.sort((a, b) => a.score - b.score || a.index - b.index);
  const { index, score } = digits[Math.floor(HARDNESS * digits.length)];
  writeFileSync(new URL(`${label}.png`, directory), toPng(imageOf(test, index)));
  console.log(`samples/${label}.png: test digit ${index}, score ${score.toFixed(3)}`);
});

function toPng(image) {
  const png = new PNG({ width: SIDE, height: SIDE });
  image.forEach((value, i) => {
    const grey = Math.round(value * 255);
    png.data.set([grey, grey, grey, 255], i * 4);
  });
  return PNG.sync.write(png, { colorType: 0 });
}
