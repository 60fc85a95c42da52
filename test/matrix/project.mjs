// The folder in which engines run: the packed kinglet, the models and the probes.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const here = import.meta.dirname;
export const root = path.join(here, '../..');

/** Engines of small boards take no string literals that are longer than 16 kB. */
const PIECE = 8000;

const models = ['digits', 'spoken-digits'].map((name) => {
  const bytes = readFileSync(path.join(root, `models/${name}/${name}.klet`));
  return { name, pieces: bytes.toString('hex').match(new RegExp(`.{1,${PIECE}}`, 'g')) };
});

/**
 * @param flavors that the probes try
 * @param milliseconds that each model is timed for, or 0
 * @returns the folder, and a function that removes it
 */
export function makeProject(flavors, milliseconds) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kinglet-engines-'));
  const modules = path.join(folder, 'node_modules');
  mkdirSync(modules);
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  execFileSync('tar', ['-xzf', JSON.parse(packed)[0].filename, '-C', modules], { cwd: folder });
  renameSync(path.join(modules, 'package'), path.join(modules, 'kinglet'));
  cpSync(path.join(here, 'probes'), folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(
    path.join(folder, 'models.mjs'),
    Object.entries({ models, flavors, milliseconds }).map(([name, value]) =>
      `export const ${name} = ${JSON.stringify(value)};\n`
    ).join(''),
  );
  writeFileSync(path.join(folder, 'workerd.capnp'), workerdConfig());
  writeFileSync(path.join(folder, 'script.js'), script(folder, milliseconds));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** kinglet/tiny and its probe as one script. */
function script(folder, milliseconds) {
  const text = (file) => readFileSync(path.join(folder, file), 'utf8');
  const measure = text('measure.mjs').replaceAll('export function', 'function');
  const values = `var milliseconds = ${milliseconds};\nvar models = ${JSON.stringify(models)};\n`;
  const parts = [measure, values, text('script.js')];
  return `${text('node_modules/kinglet/dist/kinglet.tiny.js')}\n(function () {\n${parts.join('')}})();\n`;
}

/** The modules of a worker, as its tools would deploy them. */
function workerdConfig() {
  const dist = 'node_modules/kinglet/dist';
  const modules = [['worker.mjs', 'esModule', 'worker.mjs'], ['probe.mjs', 'esModule', 'probe.mjs'], ['measure.mjs',
    'esModule', 'measure.mjs'], ['models.mjs', 'esModule', 'models.mjs'], ['kinglet', 'esModule', `${dist}/edge.js`],
    ...['core.simd.wasm', 'extra.simd.wasm'].map((file) => [`${file}?module`, 'wasm', `${dist}/${file}`])];
  const list = modules.map(([name, kind, file]) => `(name = "${name}", ${kind} = embed "${file}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const probes :Workerd.Config = (services = [(name = "probe", worker = (
  modules = [${list.join(', ')}],
  compatibilityDate = "2026-01-01"
))]);
`;
}
