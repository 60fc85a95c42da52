/**
 * Times predictions of several networks, interleaved in one process:
 *
 *     node compare.mjs ../digits/digits.klet ../digits/digits-pruned.klet
 */
import { readFileSync } from 'node:fs';
import { load } from '../../dist/index.js';

const ROUNDS = 2000;
const PREDICTIONS = 5; // per timed sample

const runs = [];
for (const file of process.argv.slice(2)) {
  const model = await load(readFileSync(file));
  const { shape } = model.inputs[0];
  const input = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37 % 101) / 101);
  runs.push({ file, model, input, least: Infinity });
}
for (let round = 0; round < ROUNDS; round++) {
  for (const run of runs) {
    const from = performance.now();
    for (let i = 0; i < PREDICTIONS; i++) run.model.predict(run.input);
    run.least = Math.min(run.least, (performance.now() - from) / PREDICTIONS);
  }
}
for (const { file, least } of runs) console.log(`${file}: ${(least * 1000).toFixed(2)} µs`);
