// The libraries that kinglet is compared with.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('..', import.meta.url));

/** The folder with the installed peers: KINGLET_PEERS, or bench/node_modules by default. */
export function peersFolder() {
  const folder = resolve(process.env.KINGLET_PEERS ?? join(bench, 'node_modules'));
  if (!existsSync(join(folder, '@tensorflow/tfjs-tflite'))) {
    const remedy = 'run `npm run bench` to install the peers, or set KINGLET_PEERS to their node_modules folder';
    throw new Error(`@tensorflow/tfjs-tflite was not found in ${folder}: ${remedy}`);
  }
  return folder;
}

/** Installs the peers from the lockfile if they are missing or older than the lockfile. */
export function installPeers() {
  if (process.env.KINGLET_PEERS) return;
  const installed = join(bench, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(bench, 'package-lock.json')).mtimeMs) {
    return;
  }
  console.error('» installing the peers (npm ci, in bench)');
  // --legacy-peer-deps, because tfjs-tflite declares a peer that it does not need at run time
  const { status } = spawnSync('npm', ['ci', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund',
    '--loglevel=error'], { cwd: bench, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
  if (status !== 0) throw new Error('npm ci failed in bench/, so the peers are not installed');
}

/** Versions of the peers, by package. */
export function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(join(bench, 'package.json'), 'utf8'));
  const versionOf = (name) => JSON.parse(readFileSync(join(peersFolder(), name, 'package.json'), 'utf8')).version;
  return Object.fromEntries(Object.keys(dependencies).map((name) => [name, versionOf(name)]));
}
