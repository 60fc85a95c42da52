// Describes the machine and the versions of a run.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { peerVersions } from './peers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

export function describeMachine() {
  const [{ model }] = cpus();
  return {
    cpu: model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    load: loadavg()[0],
  };
}

/** @param {import('./stands.mjs').Place} place */
export function describeVersions(place, withPeers) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    kinglet: version,
    commit: commit(),
    engine: place.name,
    node: process.version,
    ...(withPeers && peerVersions()),
  };
}

/** The commit, with "+" if files were modified. */
function commit() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--', 'src', 'assembly', 'bench') ? '+' : '');
  } catch {
    return 'unknown';
  }
}
