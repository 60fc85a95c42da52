// The browsers: a server, pages that post what they computed, and how each browser opens them.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { end, installed, TIMEOUT } from './run.mjs';

const strictPolicy = { 'Content-Security-Policy': "default-src 'self'" };

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves the folder until a page posts a result. */
async function posted(folder, { page = 'page.html', headers = {} }, open) {
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
  const origin = `http://127.0.0.1:${server.address().port}`;
  writeFileSync(path.join(folder, 'server.mjs'), `export const server = '${origin}/';\n`);
  const profile = mkdtempSync(path.join(os.tmpdir(), 'kinglet-profile-'));
  const { program, args, env } = open(`${origin}/${page}`, profile, folder);
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

const chromium = {
  name: 'Chromium',
  apt: ['chromium'],
  find: () => process.env.CHROME_PATH ?? installed('chromium', 'chromium-browser', 'google-chrome')(),
  open: (program) => (url, profile) => ({ program, args: [...chromiumFlags, `--user-data-dir=${profile}`, url] }),
};

/** The folder is an extension, whose own page runs. */
const extension = {
  ...chromium,
  open: (program) => (_, profile, folder) => ({
    program,
    args: [...chromiumFlags, `--user-data-dir=${profile}`, `--load-extension=${folder}`,
      '--disable-features=DisableLoadExtensionCommandLineSwitch'],
  }),
};

const firefox = {
  name: 'Firefox',
  apt: ['firefox-esr'],
  find: installed('firefox-esr', 'firefox'),
  open: (program) => (url, profile) => {
    writeFileSync(
      path.join(profile, 'user.js'),
      firefoxSettings.map((name) => `user_pref("${name}", false);\n`).join(''),
    );
    return { program, args: ['--headless', '--no-remote', '--profile', profile, url] };
  },
};

const webkit = {
  name: 'WebKitGTK',
  apt: ['libwebkit2gtk-4.1-0', 'xvfb', 'xauth'],
  prints: false,
  find: () => installed('xvfb-run')() && installed('/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser')(),
  open: (program) => (url) => ({
    program: 'xvfb-run',
    args: ['-a', program, '--private', url],
    env: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' },
  }),
};

/** A browser with one kind of page. */
function lane({ open, ...browser }, kind, { entry = 'kinglet', refuses, ...options } = {}) {
  const name = kind ? `${browser.name}, ${kind}` : browser.name;
  return { ...browser, name, entry, refuses, run: (folder) => posted(folder, options, open(browser.find())) };
}

/** As in engines.mjs. */
export const browsers = [lane(chromium), lane(chromium, 'strict CSP', { headers: strictPolicy }),
  lane(chromium, 'service worker', { page: 'service.html', refuses: { js: 'import kinglet/js' } }),
  lane(chromium, 'service worker, strict CSP', {
    page: 'plainService.html',
    headers: strictPolicy,
    entry: 'kinglet/js',
  }), lane(extension, 'extension'),
  ...[firefox, webkit].flatMap((browser) => [lane(browser), lane(browser, 'strict CSP', { headers: strictPolicy })])];
