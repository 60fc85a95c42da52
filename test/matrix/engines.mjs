// The engines, where they are, and how each runs a probe.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { browsers } from './browsers.mjs';
import { installed, output, succeed } from './run.mjs';

const packages = path.join(import.meta.dirname, 'npm/node_modules');
const slowPackages = path.join(import.meta.dirname, 'slow/node_modules');
const fromPackage = (file) => path.join(packages, file);
export const packageVersion = (name) => JSON.parse(readFileSync(fromPackage(`${name}/package.json`), 'utf8')).version;

const thisNode = Number.parseInt(process.versions.node, 10);
const node = (version) => () => fromPackage(`node${version}/bin/node`);
const hermes = () => fromPackage('hermes-engine-cli/linux64-bin/hermes');
const bun = () => fromPackage('@oven/bun-linux-x64/bin/bun');

/** A program that runs module.mjs, with the given arguments before the name of the file. */
function modules(name, find, args = [], { env, ...rest } = {}) {
  const run = (folder) => output(find(), [...args, 'module.mjs'], folder, env);
  return { name, entry: 'kinglet', find, run, ...rest };
}

/** A program that runs script.js, with the given arguments before the name of the file. */
function scripts(name, find, args = [], rest = {}) {
  const run = (folder) => output(find(), [...args, 'script.js'], folder);
  return { name, entry: 'kinglet/tiny', find, run, ...rest };
}

/** A program of Debian that runs script.js. */
const debian = (name, program, apt, args) => scripts(name, installed(program), args, { apt: [apt], prints: false });

const workerd = {
  name: 'workerd',
  entry: 'kinglet',
  find: () => fromPackage('@cloudflare/workerd-linux-64/bin/workerd'),
  run(folder) {
    return output(this.find(), ['test', 'workerd.capnp'], folder);
  },
};

/**
 * An app of React Native without its user interface. Metro bundles it, and Hermes compiles it, once
 * with the compiler of current versions and once with that of the version that runs it.
 */
const reactNative = {
  name: 'Hermes, bundled by Metro',
  entry: 'kinglet',
  npm: 'hermes-engine-cli',
  find: hermes,
  async run(folder) {
    const app = path.join(folder, 'native');
    const metro = fromPackage('metro/src/cli.js');
    await succeed(
      process.execPath,
      [metro, 'build', 'index.mjs', '--platform', 'android', '--minify', 'false', '--out', 'bundle.js', '--config',
        'metro.config.cjs'],
      app,
      { PACKAGES: packages },
    );
    const compile = ['-O', '-emit-binary', '-out', 'bundle.hbc', 'bundle.js'];
    await succeed(fromPackage('hermes-compiler/hermesc/linux64-bin/hermesc'), compile, app);
    await succeed(hermes(), compile, app);
    return output(hermes(), ['bundle.hbc'], app);
  },
};

const quickjs = {
  ...scripts('QuickJS in WebAssembly', node(24), [], { npm: 'quickjs-emscripten' }),
  run(folder) {
    return output(this.find(), ['quickjs.mjs', 'script.js', `${packages}/`], folder);
  },
};

const xs = {
  ...scripts(
    'XS',
    () => path.join(slowPackages, '@agoric/xsnap/xsnap-native/xsnap/build/bin/lin/release/xsnap-worker'),
    [],
    { npm: '../../slow/node_modules/@agoric/xsnap', apt: ['gcc', 'libc6-dev', 'make'], slow: true },
  ),
  run(folder) {
    return output(process.execPath, ['xs.mjs', this.find(), 'script.js'], folder);
  },
};

/** The processors that are emulated: the first has no instructions for int8 dot products. */
export const armProcessors = ['cortex-a53', 'cortex-a76'];

/** The program that emulates an Arm processor, and its arguments before those of Node. */
export function armNode(processor) {
  const find = installed('qemu-aarch64');
  return [find, ['-L', '/usr/aarch64-linux-gnu', '-cpu', processor, path.join(slowPackages, 'node-arm/bin/node')]];
}

/** Node for Arm in an emulator of the given processor. */
function emulated(processor) {
  return modules(`V8 on emulated ${processor}`, ...armNode(processor), {
    npm: '../../slow/node_modules/node-arm',
    note: 'Emulated Arm: the time is not that of the processor, and kinglet sees the features of the host.',
    apt: ['qemu-user', 'libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross',
      'libatomic1-arm64-cross'],
    slow: true,
  });
}

/**
 * Each has a name, the entry of kinglet that it runs, a function that finds its program, and one
 * that runs it. `apt` lists the packages of Debian that it needs, `npm` the package whose version
 * it has, `prints` is false if the program does not print its version, `slow` is true if it is
 * installed and run only on demand, `note` tells what its figures mean, and `refuses` holds, by
 * flavor, the advice in the error of one that it cannot have.
 */
export const engines = [modules(`Node ${thisNode}`, () => process.execPath),
  ...[22, 24, 26].filter((version) => version !== thisNode).map((version) => modules(`Node ${version}`, node(version))),
  modules('Node 24, --jitless', node(24), ['--jitless']),
  modules('Node 24, no SSE 4.1', node(24), ['--no-enable-sse4-1']),
  modules('Deno', () => fromPackage('@deno/linux-x64-glibc/deno'), ['run', '--allow-read',
    '--node-modules-dir=manual']), modules('Bun', bun),
  modules('Bun, no JIT', bun, [], { env: { BUN_JSC_useJIT: '0' } }),
  modules('Bare', () => fromPackage('bare-runtime-linux-x64/bin/bare')), workerd, ...browsers, reactNative,
  scripts('Node 24', node(24)), scripts('Node 24, --jitless', node(24), ['--jitless']),
  scripts('Hermes', hermes, [], { npm: 'hermes-engine-cli' }), quickjs, debian('Duktape', 'duk', 'duktape'),
  debian('njs', 'njs', 'njs'), debian('SpiderMonkey', 'js102', 'libmozjs-102-dev'),
  debian('JavaScriptCore, no JIT', 'jsc', 'libjavascriptcoregtk-4.0-bin', ['--useJIT=0', '--useWasm=0']), xs,
  ...armProcessors.map(emulated)];
