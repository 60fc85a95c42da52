// TensorFlow Lite with XNNPACK as the oracle: @tensorflow/tfjs-tflite in headless Chromium.
import { existsSync, createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('.', import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** The folder that the peers are installed in: `bench/node_modules`, or what KINGLET_PEERS names. */
export function peersFolder() {
  const folder = resolve(process.env.KINGLET_PEERS ?? join(here, '../node_modules'));
  if (!existsSync(join(folder, '@tensorflow/tfjs-tflite'))) {
    throw new Error(`no @tensorflow/tfjs-tflite in ${folder}: install the peers (npm install --legacy-peer-deps --ignore-scripts, in bench) or set KINGLET_PEERS to their node_modules`);
  }
  return folder;
}

/** @param {Record<string, string>} roots folders by the prefix of the paths that they answer */
function serve(roots) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const prefix = Object.keys(roots).find((root) => path.startsWith(root));
    const file = prefix && join(roots[prefix], path.slice(prefix.length));
    if (!file || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.writeHead(200, {
      'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      // these two headers make SharedArrayBuffer available and timers fine
      'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    createReadStream(file).pipe(response);
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

/**
 * Starts the oracle, calls `use` with it, and stops it.
 *
 * @template T
 * @param {(oracle: Oracle) => Promise<T>} use
 * @returns {Promise<T>}
 *
 * @typedef {object} Oracle
 * @property {(network: Uint8Array, inputs: Uint8Array[]) => Promise<Uint8Array[]>} run
 *   the outputs of a .tflite file, tensors as their bytes
 * @property {(network: Uint8Array, cases: Uint8Array[][]) => Promise<Uint8Array[][]>} runAll
 *   the same for several lists of inputs, loading the file once
 * @property {(network: Uint8Array, inputs: Uint8Array[]) => Promise<string>} profile
 *   the interpreter's own account of the nodes that it ran: delegated ones are named after XNNPACK's operators
 */
export async function withOracle(use) {
  const server = await serve({ '/node_modules/': peersFolder(), '/': here });
  const browser = await chromium.launch({
    executablePath: process.env.CHROME_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const log = [];
    const page = await browser.newPage();
    page.on('console', (message) => log.push(message.text()));
    const open = async () => {
      await page.goto(`http://127.0.0.1:${server.address().port}/oracle.html`);
      await page.waitForFunction('window.isReady');
    };
    await open();
    const call = async (network, cases, profile = false) => {
      log.length = 0;
      try {
        return await page.evaluate(
          ([n, c, p]) => window.runNetwork(n, c, p),
          [toBase64(network), cases.map((inputs) => inputs.map(toBase64)), profile],
        );
      } catch (error) {
        // an aborted module does not recover, so the next network gets a fresh page
        await open();
        throw new Error(`the oracle refuses the network: ${error.message.split('\n')[0]} ${log.join(' ')}`, { cause: error });
      }
    };
    const runAll = async (network, cases) => (await call(network, cases)).results.map((outputs) => outputs.map(fromBase64));
    return await use({
      runAll,
      run: async (network, inputs) => (await runAll(network, [inputs]))[0],
      profile: async (network, inputs) => (await call(network, [inputs], true)).profile,
    });
  } finally {
    await browser.close();
    server.close();
  }
}

const toBase64 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const fromBase64 = (text) => new Uint8Array(Buffer.from(text, 'base64'));
