// Builds the playground into build/playground/, a folder that any web server serves from any path:
// the page, the built entries of dist/ that it uses, and example networks. With --serve, it then
// serves the folder on this machine: node src/build/playground.mjs --serve [--port 8080]
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { LINE, textOfPackage } from './licenseText.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const source = path.join(root, 'examples/playground');
const target = path.join(root, 'build/playground');

/** Entries of dist/ that take the place of their sources. */
const entries = {
  browser: 'browser.js',
  'compiler/index': 'compiler.browser.js',
  'audio/index': 'audio.js',
  'tasks/index': 'tasks.js',
  'tasks/sound/index': 'tasks.sound.js',
};
/** What the entries fetch when they need it. */
const fetched = ['browser.plain.js', 'browser.plain.extra.js', 'core.scalar.wasm', 'extra.simd.wasm', 'extra.wasm',
  'worklet.js'];
const models = ['digits/digits', 'spoken-digits/spoken-digits', 'gestures/gestures'];

const builtEntries = {
  name: 'built-entries',
  setup({ onResolve }) {
    onResolve(
      { filter: /\/src\/(browser|(compiler|audio|tasks|tasks\/sound)\/index)$/ },
      ({ path: source }) => ({ path: `./kinglet/${entries[source.replace(/.*\/src\//, '')]}`, external: true }),
    );
  },
};

/** Builds the page. @returns the folder */
export async function buildPlayground(folder = target) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'kinglet'), { recursive: true });
  mkdirSync(path.join(folder, 'models'));
  const { metafile } = await build({
    entryPoints: ['main', 'worker'].map((name) => path.join(source, `src/${name}.ts`)),
    outdir: folder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    logLevel: 'warning',
    metafile: true,
    plugins: [builtEntries],
  });
  for (const file of [...Object.values(entries), ...fetched]) {
    cpSync(path.join(root, 'dist', file), path.join(folder, 'kinglet', file));
  }
  for (const model of models) {
    cpSync(path.join(root, `models/${model}.klet`), path.join(folder, `models/${path.basename(model)}.klet`));
  }
  writeFileSync(path.join(folder, 'THIRD-PARTY.txt'), licensesOf(metafile));
  cpSync(path.join(root, 'examples/page.css'), path.join(folder, 'page.css'));
  for (const file of ['index.html', 'style.css']) cpSync(path.join(source, file), path.join(folder, file));
  writeServiceWorker(folder);
  return folder;
}

/** The packages in the entries of dist/ and in the page, with their licences. */
function licensesOf({ inputs }) {
  const packages = Object.keys(inputs).map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const own = [...new Set(packages)].filter(Boolean).map((one) => textOfPackage(path.resolve(one)));
  const listed = readFileSync(path.join(root, 'dist/THIRD-PARTY.txt'), 'utf8');
  return [listed, ...own.filter((text) => !listed.includes(text.split('\n')[0]))].join(LINE);
}

/** The list of files and a hash of them, which changes when one of them does. */
function writeServiceWorker(folder) {
  const files = filesOf(folder);
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(path.join(folder, file)));
  const text = readFileSync(path.join(source, 'serviceWorker.js'), 'utf8');
  const listed = ['./', ...files].map((file) => `'${file}'`).join(', ');
  writeFileSync(
    path.join(folder, 'serviceWorker.js'),
    text.replace("'__FILES__'", listed).replace('__VERSION__', hash.digest('hex').slice(0, 16)),
  );
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) =>
    path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/')
  ).sort();
}

/** Builds the page and serves it on this machine. @returns its URL, and what ends the server */
export async function servePlayground(port) {
  const folder = await buildPlayground();
  const { serve } = await import('../../examples/digits/serve.mjs');
  const page = '/playground/';
  const files = Object.fromEntries(filesOf(folder).map((file) => [page + file, path.join(folder, file)]));
  return serve(port, { page, files: { ...files, [page]: path.join(folder, 'index.html') } });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { serve: { type: 'boolean' }, port: { type: 'string', default: '8080' } } });
  if (values.serve) {
    const { url } = await servePlayground(Number(values.port));
    console.log(`\n  The playground is at ${url}   (Ctrl+C stops)\n`);
  } else console.log(`built ${path.relative(process.cwd(), await buildPlayground())}`);
}
