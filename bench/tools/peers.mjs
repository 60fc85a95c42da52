// The libraries that kinglet is compared with, in bench/node_modules.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('..', import.meta.url));

/**
 * The folder with the peers: `bench/node_modules`, or the folder named by KINGLET_PEERS.
 */
export function peersFolder() {
  const folder = resolve(process.env.KINGLET_PEERS ?? join(bench, 'node_modules'));
  if (!existsSync(join(folder, '@tensorflow/tfjs-tflite'))) {
    throw new Error(`no @tensorflow/tfjs-tflite in ${folder}: run \`npm run bench\` once, which installs the peers, or set KINGLET_PEERS to their node_modules`);
  }
  return folder;
}

/** Installs the peers from the lockfile if they are missing or outdated. */
export function installPeers() {
  if (process.env.KINGLET_PEERS) return;
  const installed = join(bench, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(bench, 'package-lock.json')).mtimeMs) {
    return;
  }
  console.error('» installing the peers (npm ci, in bench)');
  // legacy-peer-deps, because tfjs-tflite requires a peer that it does not need at run time
  const { status } = spawnSync('npm', ['ci', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund',
    '--loglevel=error'], { cwd: bench, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
  if (status !== 0) throw new Error('the peers could not be installed (npm ci in bench)');
}

/** Versions of the compared packages. */
export function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8'));
  return Object
    .fromEntries(Object.keys(dependencies).map((
      name,
    ) => [name, JSON.parse(readFileSync(join(peersFolder(), name, 'package.json'), 'utf8')).version]));
}
