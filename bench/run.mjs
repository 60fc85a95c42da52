// Measures the speed of kinglet and of its alternatives. Prepares everything, then runs bench.mjs.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `npm run bench -- [options]

Times kinglet and its peers on every network of ../shared/models and of the project, interleaved, in headless Chromium.

  --kernels        single layers (bench/shapes) instead of networks
  --node           in this Node, where kinglet is alone
  --models a,b     only networks (or, with --kernels, shapes files) of these names, or whose names contain one
  --engines a,b    only columns with such ids, or ids that contain one: kinglet-simd, xnnpack, xnnpack-2, litert, onnxruntime, tfjs, …
  --rounds n       turns of each engine on each network (default 30)
  --quick          5 rounds, and one fresh page each
  --json           the numbers instead of the table
  --out folder     where results go; unless told, bench/results for whole runs, and nowhere for partial or quick ones`;

let options;
try {
  options =
    parseArgs({
      options: {
        kernels: { type: 'boolean', default: false },
        node: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        models: { type: 'string' },
        engines: { type: 'string' },
        rounds: { type: 'string' },
        out: { type: 'string' },
      },
    }).values;
  if (options.rounds !== undefined && !(Number(options.rounds) >= 1)) {
    throw new Error(`--rounds takes a number above 0, not ${options.rounds}`);
  }
} catch (error) {
  console.error(`${error.message}\n\n${usage}`);
  process.exit(2);
}
if (options.help) {
  console.log(usage);
  process.exit();
}

const ready = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('../src/build/ready.mjs', import.meta.url)), '--dist'],
  { stdio: ['ignore', options.json ? 2 : 'inherit', 'inherit'] },
);
if (ready.status !== 0) process.exit(ready.status ?? 1);

// imported late, because their dependencies may just have been installed
try {
  const { installPeers } = await import('./tools/peers.mjs');
  installPeers();
  const { bench } = await import('./bench.mjs');
  await bench(options);
} catch (error) {
  console.error(process.env.KINGLET_DEBUG ? error : error.message);
  process.exitCode = 1;
}
