// Whether memory grows with use: node bench/soak/soak.mjs [--count n] [--minutes n] [--out file]
// Each scenario runs in a process of its own, or in a page of Chromium, and repeats one use of
// kinglet. The slope of the resident memory over the second half of the repetitions is what a use
// leaves behind, in bytes. A leaked model would leave at least 65,536.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { linearRegression } from 'simple-statistics';
import { describeMachine, processorText } from '../tools/machine.mjs';
import { soakPage } from './page.mjs';
import { scenarios } from './scenarios.mjs';

const positive = (text) => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`"${text}" must be a number above 0`);
  return value;
};
const program = new Command('soak')
  .description('Repeats uses of kinglet and measures what each leaves in memory. Needs dist/ (npm run build).').option(
    '--count <n>',
    'repetitions of each scenario',
    positive,
    100_000,
  ).option('--minutes <n>', 'at most so long for each scenario', positive, 10).option(
    '--only <names>',
    `some of ${[...Object.keys(scenarios), 'page'].join(', ')}`,
  ).option('--out <file>', 'writes the table to a file, too').parse();
const { count, minutes, only, out } = program.opts();
const wanted = only?.split(',');

/** Runs a scenario in a process of its own. @returns its samples: [repetitions, bytes] */
function soakProcess(name) {
  const script = fileURLToPath(new URL('process.mjs', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', script, name, String(count), String(minutes)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
    });
    child.on('exit', (code) => {
      if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`the scenario "${name}" failed with exit code ${code}`));
    });
  });
}

const MIB = 2 ** 20;
const rows = [];
for (const name of [...Object.keys(scenarios), 'page'].filter((one) => wanted?.includes(one) ?? true)) {
  const start = performance.now();
  const samples = name === 'page' ? await soakPage(count, minutes) : await soakProcess(name);
  const half = samples.slice(samples.length >> 1);
  const { m: slope } = linearRegression(half);
  const [repetitions] = samples.at(-1);
  const title = name === 'page' ? 'load and dispose of, in a page of Chromium' : scenarios[name].title;
  const row = [title, repetitions, `${slope.toFixed(2)}`, `${(half[0][1] / MIB).toFixed(1)}`,
    `${(samples.at(-1)[1] / MIB).toFixed(1)}`, `${((performance.now() - start) / 1000).toFixed(0)}`];
  console.error(row.join(' | '));
  rows.push(row);
}
const head = ['scenario', 'repetitions', 'slope, bytes each', 'RSS at half, MiB', 'RSS at the end, MiB', 'seconds'];
const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const text = `# Soak\n\n\`node bench/soak/soak.mjs\`, Node ${process.version}, ${processorText(describeMachine())}, ${
  new Date().toISOString().slice(0, 10)
}.\n\n${table}\n`;
console.log(text);
if (out) writeFileSync(out, text);
