// TensorFlow Lite with XNNPACK as the oracle: @tensorflow/tfjs-tflite in headless Chromium.
import { fileURLToPath } from 'node:url';
import { openChromium } from '../tools/chromium.mjs';
import { peersFolder } from '../tools/peers.mjs';
import { serve } from '../tools/serve.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

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
 * @property {(network: Uint8Array, inputs: Uint8Array[]) => Promise<string>} profile the
 *   interpreter's profile of the nodes that it ran; delegated nodes have the names of XNNPACK's
 *   operators
 */
export async function withOracle(use) {
  const server = await serve({ '/node_modules/': peersFolder(), '/': here });
  const browser = await openChromium();
  try {
    const log = [];
    const page = await browser.newPage();
    page.on('console', (message) => log.push(message.text()));
    const open = async () => {
      await page.goto(`${server.url}/oracle.html`);
      await page.waitForFunction('window.isReady');
    };
    await open();
    const call = async (network, cases, profile = false) => {
      log.length = 0;
      try {
        return await page.evaluate(([n, c, p]) => window.runNetwork(n, c, p), [toBase64(network), cases.map((inputs) =>
          inputs.map(toBase64)
        ), profile]);
      } catch (error) {
        // an aborted module cannot recover, so the next network gets a fresh page
        await open();
        throw new Error(`the oracle refuses the network: ${error.message.split('\n')[0]} ${log.join(' ')}`, {
          cause: error,
        });
      }
    };
    const runAll = async (network, cases) =>
      (await call(network, cases)).results.map((outputs) => outputs.map(fromBase64));
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
