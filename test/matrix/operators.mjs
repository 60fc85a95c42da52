// Runs what the operators' tests compute on emulated Arm processors. The tests themselves would
// take hours there, so they run here and record networks, inputs and outputs
// (test/helpers/cases.ts), which Node for Arm repeats with both compilers of V8. Exits with 1 if a
// bit differs.
//
//   node test/matrix/operators.mjs [one in so many cases, default 8] [test files, default all]
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle } from '../../bench/tools/typescript.mjs';
import { armNode, armProcessors } from './engines.mjs';

const [share = '8', ...files] = process.argv.slice(2);
const root = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-operators-'));
const cases = path.join(folder, 'cases');
const replay = path.join(folder, 'replay.mjs');

try {
  mkdirSync(cases);
  run(process.execPath, ['src/build/ready.mjs', '--matrix-slow']);
  const tests = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'operators', '--reporter', 'dot'];
  run(process.execPath, [...tests, ...(files.length > 0 ? files : ['test/ops'])], { KINGLET_CASES: cases });
  await bundle(new URL('replay.ts', import.meta.url), replay, 'node');
  for (const processor of armProcessors) {
    const [find, args] = armNode(processor);
    for (const compiler of ['liftoff-only', 'no-liftoff']) {
      for (const flavor of ['simd', 'relaxed']) {
        console.log(`${processor}, ${flavor}, --${compiler}`);
        // the emulator takes long for the guard pages of a memory
        run(find() ?? 'qemu-aarch64', [...args, '--disable-wasm-trap-handler', `--${compiler}`, replay, cases, flavor,
          share]);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

function run(program, args, env = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 'inherit'],
  });
  if (error) console.error(`${error.message}; install the packages that test/matrix/cli.mjs --all --packages names`);
  if (status !== 0) process.exitCode = 1;
}
