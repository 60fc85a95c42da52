// The command line of the bench: reads options, builds kinglet, installs the peers, and calls
// bench.mjs.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `npm run bench -- [options]

Times kinglet and its peers on every network of ../shared/models and of the project, interleaved, in headless Chromium.

  --kernels        single layers (bench/shapes) instead of networks
  --node           kinglet alone, in this Node
  --quantization   accuracy that quantization costs, in this Node, instead of times (--models: part of a name)
  --sections a,b   with --quantization: accuracy, networks, rungs, cost (default: all)
  --models a,b     only networks (with --kernels: shapes files) with one of these names, or whose name contains one
  --engines a,b    only columns with one of these ids, or whose id contains one: kinglet-simd, xnnpack, xnnpack-2,
                   litert, onnxruntime, tfjs, …
  --rounds n       turns of each engine on each network (default 30)
  --quick          5 rounds, and one fresh page per engine
  --json           print JSON instead of the table
  --out folder     folder for results; by default, complete runs are saved in bench/results, partial and quick runs
                   are not saved`;

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
        quantization: { type: 'boolean', default: false },
        sections: { type: 'string' },
        models: { type: 'string' },
        engines: { type: 'string' },
        rounds: { type: 'string' },
        out: { type: 'string' },
      },
    }).values;
  if (options.rounds !== undefined && !(Number(options.rounds) >= 1)) {
    throw new Error(`--rounds must be at least 1, not ${options.rounds}`);
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

// imported here, because the peers may not have been installed before
try {
  if (options.quantization) {
    const { benchQuantization } = await import('./quantization/bench.mjs');
    await benchQuantization(options);
  } else {
    const { installPeers } = await import('./tools/peers.mjs');
    installPeers();
    const { bench } = await import('./bench.mjs');
    await bench(options);
  }
} catch (error) {
  console.error(process.env.KINGLET_DEBUG ? error : error.message);
  process.exitCode = 1;
}
