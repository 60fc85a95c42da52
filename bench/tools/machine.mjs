// Describes the machine and the versions of a run, so that readers can judge its figures.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { peerVersions } from './peers.mjs';

/** Names of the instruction sets, by their flag in /proc/cpuinfo. */
const dotProductFlags = { avx_vnni: 'AVX-VNNI', avx512_vnni: 'AVX512-VNNI', asimddp: 'Arm dot products' };

const root = fileURLToPath(new URL('../..', import.meta.url));

/** @returns {string} one line for captions: the processor's model and class */
export const processorText = ({ cpu, dotProducts = 'class unknown' }) => `${cpu} (${dotProducts})`;

export function describeMachine() {
  const [{ model }] = cpus();
  return {
    cpu: model.trim(),
    dotProducts: dotProductsOf(cpuFlags()),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    load: loadavg()[0],
  };
}

/** The processor's feature flags, or undefined where the system does not list them. */
function cpuFlags() {
  try {
    const line = readFileSync('/proc/cpuinfo', 'utf8').match(/^(?:flags|Features)\s*:(.*)$/m);
    return line?.[1].trim().split(/\s+/);
  } catch {
    return undefined;
  }
}

/**
 * The processor's class: its instructions for int8 dot products, which relaxed SIMD uses. Figures
 * of the relaxed flavor are comparable between processors of one class only.
 */
function dotProductsOf(flags) {
  if (!flags) return 'int8 dot products unknown';
  const found = Object.entries(dotProductFlags).filter(([flag]) => flags.includes(flag)).map(([, name]) => name);
  if (found.length > 0) return found.join(', ');
  return arch() === 'arm64' ? 'no int8 dot products' : 'no AVX-VNNI';
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

/** The commit's hash, with "+" if the working tree differs from it. */
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
