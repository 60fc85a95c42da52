// Runs one scenario and prints samples of the resident memory as JSON.
import { SAMPLES, scenarios } from './scenarios.mjs';

const [name, count, minutes] = process.argv.slice(2);
const end = performance.now() + Number(minutes) * 60_000;
const use = await scenarios[name].open();
const repetitions = Math.ceil(Number(count) * (scenarios[name].share ?? 1));
const every = Math.max(1, Math.ceil(repetitions / SAMPLES));
const samples = [];
for (let i = 0; i <= repetitions && performance.now() < end; i++) {
  await use(i);
  if (i % every !== 0) continue;
  // finalizers of collected memories run in later tasks
  for (let pass = 0; pass < 2; pass++) {
    globalThis.gc();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  samples.push([i, process.memoryUsage().rss]);
}
console.log(JSON.stringify(samples));
process.exit();
