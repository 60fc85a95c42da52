// The engines, where they are, and how each runs a probe.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';

const packages = path.join(import.meta.dirname, 'node_modules');
const fromPackage = (file) => path.join(packages, file);
export const packageVersion = (name) => JSON.parse(readFileSync(fromPackage(`${name}/package.json`), 'utf8')).version;
const installed = (...names) => () =>
  names.flatMap((
    name,
  ) => (path.isAbsolute(name)
    ? [name]
    : (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, name)))
  ).find(existsSync);

const TIMEOUT = 120_000;
const RESULT = /^\{.*\}$/m;
const CSP = "default-src 'self'";

/** Runs a program and returns the line of JSON that it prints. */
async function output(program, args, folder, env = {}) {
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => text += part);
  const timer = setTimeout(() => end(child), TIMEOUT);
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  const [line] = RESULT.exec(text) ?? [];
  if (line === undefined) throw new Error(text.trim().split('\n').slice(-3).join(' ').slice(0, 300) || 'no output');
  return JSON.parse(line);
}

function end({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

/** A program that runs module.mjs, with the given arguments before the name of the file. */
function modules(name, find, args = [], env = {}) {
  const run = (folder) => output(find(), [...args, 'module.mjs'], folder, env);
  return { name, entry: 'kinglet', find, run };
}

/** A program that runs script.js, with the given arguments before the name of the file. */
function scripts(name, find, { args = [], debian, npm } = {}) {
  const run = (folder) => output(find(), [...args, 'script.js'], folder);
  return { name, entry: 'kinglet/tiny', find, run, debian, npm };
}

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves the folder until a page posts a result. */
async function posted(folder, headers, open) {
  let post;
  const result = new Promise((resolve, reject) => {
    post = resolve;
    setTimeout(() => reject(new Error('the page posted no result')), TIMEOUT).unref();
  });
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.setEncoding('utf8').on('data', (part) => body += part).on('end', () => {
        response.end();
        post(JSON.parse(body));
      });
      return;
    }
    const file = path.join(folder, new URL(request.url, 'http://localhost').pathname);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': types[path.extname(file)] ?? 'application/octet-stream', ...headers });
    response.end(readFileSync(file));
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const profile = mkdtempSync(path.join(os.tmpdir(), 'kinglet-profile-'));
  const { program, args, env } = open(`http://127.0.0.1:${server.address().port}/page.html`, profile);
  const browser = spawn(program, args, {
    detached: true,
    env: { ...process.env, HOME: profile, LIBGL_ALWAYS_SOFTWARE: '1', ...env },
    stdio: 'ignore',
  });
  try {
    return await result;
  } finally {
    end(browser);
    server.close();
    server.closeAllConnections();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const chromiumFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const firefoxSettings = ['browser.shell.checkDefaultBrowser', 'datareporting.policy.dataSubmissionEnabled',
  'toolkit.telemetry.enabled', 'app.normandy.enabled', 'network.captive-portal-service.enabled'];

const browsers = [{
  name: 'Chromium',
  find: () => process.env.CHROME_PATH ?? installed('chromium', 'chromium-browser', 'google-chrome')(),
  open: (program) => (url, profile) => ({ program, args: [...chromiumFlags, `--user-data-dir=${profile}`, url] }),
}, {
  name: 'Firefox',
  find: installed('firefox-esr', 'firefox'),
  open: (program) => (url, profile) => {
    writeFileSync(
      path.join(profile, 'user.js'),
      firefoxSettings.map((name) => `user_pref("${name}", false);\n`).join(''),
    );
    return { program, args: ['--headless', '--no-remote', '--profile', profile, url] };
  },
}, {
  name: 'WebKitGTK',
  debian: 'libwebkit2gtk-4.1-0',
  find: installed('/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'),
  open: (program) => (url) => ({
    program: 'xvfb-run',
    args: ['-a', program, '--private', url],
    env: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' },
  }),
}];

function pages({ open, ...browser }) {
  const { name, find } = browser;
  const page = (title, headers) => ({
    ...browser,
    name: title,
    entry: 'browser.js',
    run: (folder) => posted(folder, headers, open(find())),
  });
  return [page(name, {}), page(`${name}, strict CSP`, { 'Content-Security-Policy': CSP })];
}

const node = (version) => () => fromPackage(`node${version}/bin/node`);
const nodes = [22, 24, 26].map((version) => modules(`Node ${version}`, node(version)));

/** Each has a name, the entry of kinglet that it runs, its program, and a function that runs it. */
export const engines = [modules('Node 20', () => process.execPath), ...nodes,
  modules('Node 24, --jitless', node(24), ['--jitless']),
  modules('Node 24, no SSE 4.1', node(24), ['--no-enable-sse4-1']),
  modules('Deno', () => fromPackage('@deno/linux-x64-glibc/deno'), ['run', '--allow-read',
    '--node-modules-dir=manual']), modules('Bun', () => fromPackage('@oven/bun-linux-x64/bin/bun')),
  modules('Bun, no JIT', () => fromPackage('@oven/bun-linux-x64/bin/bun'), [], { BUN_JSC_useJIT: '0' }),
  modules('Bare', () => fromPackage('bare-runtime-linux-x64/bin/bare')), {
  name: 'workerd',
  entry: 'kinglet',
  find: () => fromPackage('@cloudflare/workerd-linux-64/bin/workerd'),
  run(folder) {
    return output(this.find(), ['test', 'workerd.capnp'], folder);
  },
}, ...browsers.flatMap(pages), scripts('Node 24', node(24)),
  scripts('Node 24, --jitless', node(24), { args: ['--jitless'] }),
  scripts('Hermes', () => fromPackage('hermes-engine-cli/linux64-bin/hermes'), { npm: 'hermes-engine-cli' }), {
  ...scripts('QuickJS in WebAssembly', node(24), { npm: 'quickjs-emscripten' }),
  run(folder) {
    return output(this.find(), ['quickjs.mjs', 'script.js', `${packages}/`], folder);
  },
}, scripts('Duktape', installed('duk'), { debian: 'duktape' }), scripts('njs', installed('njs'), { debian: 'njs' }),
  scripts('JavaScriptCore, no JIT', installed('jsc'), {
    args: ['--useJIT=0', '--useWasm=0'],
    debian: 'libjavascriptcoregtk-4.0-bin',
  })];
