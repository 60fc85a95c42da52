// Times visits to a page in Chromium, from the start of the navigation to the first answer: the
// first visit, and later ones, for which the browser has cached files and compiled code.
//
//   node bench/visits.mjs [--rounds 5] [--model file.klet] [--calm 0] [way …]
//
// V8 writes optimized code to its cache when it has optimized nothing more for two seconds. With
// --calm, a visit goes on for so many milliseconds after a second of predictions.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { chromium } from 'playwright-core';
import { findChromium, flags } from './tools/chromium.mjs';
import { describeMachine, processorText } from './tools/machine.mjs';
import { summarize } from './tools/statistics.mjs';

const root = path.join(import.meta.dirname, '..');
const { values: { rounds, model: klet, calm }, positionals: chosen } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    model: { type: 'string', default: path.join(root, 'models/digits/digits.klet') },
    calm: { type: 'string', default: '0' },
  },
  allowPositionals: true,
});
const CORE = '/dist/core.simd.wasm';

const VISITS = 4;
/** Duration of the predictions before a calm, in which V8 optimizes the core. */
const WORK_MS = 1000;

/** A page that sets `window.visit`, and `window.work` for more predictions. */
function page(start, links = []) {
  const tags = links.map(([rel, href]) =>
    `<link rel="${rel}" href="${href}"${rel === 'preload' ? ' as="fetch" crossorigin' : ''}>`
  );
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${tags.join('')}
<script type="module">${start}
const imported = performance.now();
const model = await loading();
const [{ shape }] = model.inputs;
const input = new Float32Array(shape.reduce((a, b) => a * b));
const loaded = performance.now();
model.predict(input);
const answered = performance.now();
window.work = (ms) => { for (const end = performance.now() + ms; performance.now() < end;) model.predict(input); };
window.visit = { answer: answered, load: loaded - imported, run: answered - loaded, flavor: model.info.flavor };
</script>`;
}

const slim = "import { load } from '/dist/slim.js';";
const streamed = `WebAssembly.compileStreaming(fetch('${CORE}'))`;
const preloads = [['modulepreload', '/dist/slim.js'], ['preload', CORE], ['preload', '/network.klet']];
const ways = {
  'browser.js': page("import { load } from '/dist/browser.js';\nconst loading = () => load('/network.klet');"),
  'browser.js, preloaded': page(
    "import { load } from '/dist/browser.js';\nconst loading = () => load('/network.klet');",
    [['modulepreload', '/dist/browser.js'], ['preload', '/network.klet']],
  ),
  'slim.js, core as bytes': page(`${slim}\nconst loading = () => load('/network.klet', { wasm: '${CORE}' });`),
  'slim.js, core streamed':
    page(`${slim}\nconst loading = async () => load('/network.klet', { wasm: await ${streamed} });`),
  'slim.js, core streamed, preloaded': page(
    `${slim}\nconst loading = async () => load('/network.klet', { wasm: await ${streamed} });`,
    preloads,
  ),
  'slim.js, core streamed and started before the import, preloaded': page(
    `const core = ${streamed};\nconst file = fetch('/network.klet');\nconst { load } = await import('/dist/slim.js');
const loading = async () => load(file, { wasm: await core });`,
    preloads,
  ),
};

const types = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const names = Object.keys(ways).filter((name) => chosen.length === 0 || chosen.includes(name));

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const headers = (type) => ({
    'Content-Type': type,
    'Cache-Control': type === 'text/html' ? 'no-cache' : 'public, max-age=31536000, immutable',
    // for timers with a resolution of 5 µs
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  });
  if (pathname === '/') return response.writeHead(200, headers('text/html')).end(ways[searchParams.get('way')]);
  const file = pathname === '/network.klet' ? klet : path.join(root, 'dist', path.basename(pathname));
  response.writeHead(200, headers(types[path.extname(file)] ?? 'application/octet-stream')).end(readFileSync(file));
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const address = `http://127.0.0.1:${server.address().port}/?way=`;

const visits = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const name of names) visits[name].push(await visitsOf(name));
}
server.close();
print();

/** Visits in a fresh profile. */
async function visitsOf(name) {
  const profile = mkdtempSync(path.join(tmpdir(), 'kinglet-visits-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath: findChromium(), args: flags });
  const [tab] = context.pages();
  const found = [];
  try {
    while (found.length < VISITS) {
      await tab.goto(address + encodeURIComponent(name));
      await tab.waitForFunction('window.visit');
      found.push(await tab.evaluate('window.visit'));
      if (Number(calm) > 0) {
        await tab.evaluate(`work(${WORK_MS})`);
        await tab.waitForTimeout(Number(calm));
      }
      await tab.goto('about:blank');
    }
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
  return found;
}

function print() {
  const style = { head: [], border: [], compact: true };
  const parts = ['answer', 'load', 'run'];
  const table = new Table({ head: ['ms: median (minimum)', 'visit', ...parts], style });
  for (const name of names) {
    for (const [label, pick] of [['first', (all) => all.slice(0, 1)], ['later', (all) => all.slice(2)]]) {
      const cells = parts.map((part) => {
        const { median, min } = summarize(visits[name].flatMap(pick).map((visit) => visit[part]));
        return `${median.toFixed(1)} (${min.toFixed(1)})`;
      });
      table.push([name, label, ...cells]);
    }
  }
  console.log(`${processorText(describeMachine())}, ${path.basename(klet)}, ${rounds} rounds\n${table}`);
}
