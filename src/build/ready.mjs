// Prepares the project and skips the steps that are up to date: it installs the dependencies from
// the lockfile, compiles the core, with --dist bundles dist/, with --engines installs the other
// engine and the other library that the tests use, and with --matrix and --matrix-slow the engines
// of `npm run engines`. It needs only Node, because it runs before any package is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

process.chdir(path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..'));

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`kinglet needs Node 20 or newer to build, but this is Node ${process.version}`);
  process.exit(1);
}

function step(title, command, args) {
  console.log(`» ${title}`);
  const start = performance.now();
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(`${title} failed${error ? ` (${error.message})` : ''}`);
    process.exit(status ?? 1);
  }
  console.log(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(file).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) =>
    path.join(entry.parentPath ?? entry.path, entry.name)
  );
}

/** Runs `work` if the inputs changed since its last run, or if it has not run before. */
function once(name, inputs, exists, work) {
  const stampFile = `build/${name}.stamp`;
  const stamp = hashOf(inputs);
  if (exists && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  work();
  mkdirSync('build', { recursive: true });
  writeFileSync(stampFile, stamp);
}

const ci = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
once(
  'install',
  ['package-lock.json'],
  existsSync('node_modules/.package-lock.json'),
  () => step('installing the dependencies (npm ci)', 'npm', ci),
);
// The tests use a second engine on the platforms that have a package of it.
if (process.argv.includes('--engines') && process.platform === 'linux' && process.arch === 'x64') {
  once(
    'engines',
    ['test/engines/package-lock.json'],
    existsSync('test/engines/node_modules'),
    () => step('installing Node 24 for the tests', 'npm', [...ci, '--prefix', 'test/engines']),
  );
}
if (process.argv.includes('--engines')) {
  once(
    'switching',
    ['test/switching/package-lock.json'],
    existsSync('test/switching/node_modules'),
    () =>
      step('installing onnxruntime-web for the tests', 'npm', [...ci, '--ignore-scripts', '--prefix',
        'test/switching']),
  );
}
if (process.argv.includes('--matrix') && process.platform === 'linux' && process.arch === 'x64') {
  once(
    'matrix',
    ['test/matrix/npm/package-lock.json'],
    existsSync('test/matrix/npm/node_modules'),
    () =>
      step('installing the engines of npm run engines', 'npm', [...ci, '--ignore-scripts', '--prefix',
        'test/matrix/npm']),
  );
}
// XS is compiled when it is installed, and Node for Arm does not fit this processor.
if (process.argv.includes('--matrix-slow') && process.platform === 'linux' && process.arch === 'x64') {
  once(
    'matrix-slow',
    ['test/matrix/slow/package-lock.json'],
    existsSync('test/matrix/slow/node_modules'),
    () =>
      step('installing the slow engines of npm run engines', 'npm', [...ci, '--force', '--no-bin-links', '--prefix',
        'test/matrix/slow']),
  );
}
once(
  'core',
  [...filesIn('assembly'), 'asconfig.json', 'src/build/core.mjs', 'package-lock.json'],
  existsSync('build/core.js') && existsSync('build/extra.js'),
  () =>
    step('compiling the core (relaxed, simd and scalar, each with and without threads)', process.execPath, [
      'src/build/core.mjs',
    ]),
);
once(
  'records',
  [...filesIn('assembly'), 'src/build/records.mjs', 'src/build/chunks.mjs', 'package-lock.json'],
  existsSync('build/records.js') && existsSync('build/records.extra.js'),
  () => step('compiling the descriptions of records to JavaScript', process.execPath, ['src/build/records.mjs']),
);
once(
  'tiny',
  [...filesIn('src/js'), ...filesIn('src/tiny'), 'src/format/klet.ts', 'src/format/nibbles.ts', 'assembly/layout.ts',
    'src/build/tiny.mjs', 'package-lock.json'],
  existsSync('build/tiny.js'),
  () => step('compiling the operators of scripts', process.execPath, ['src/build/tiny.mjs']),
);
if (process.argv.includes('--dist')) {
  once(
    'dist',
    [...filesIn('src'), ...filesIn('assembly'), 'asconfig.json', 'rollup.config.mjs', 'package.json',
      'package-lock.json'],
    existsSync('dist/index.js'),
    () => {
      // Otherwise files of an earlier build would be published.
      rmSync('dist', { recursive: true, force: true });
      step('bundling dist/', process.execPath, ['node_modules/rollup/dist/bin/rollup', '-c', '--silent']);
    },
  );
}
