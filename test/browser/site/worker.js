import { load, loadSync } from '/dist/browser.js';
import { outcome, outputBytes } from './probe.js';

addEventListener(
  'message',
  async ({ data: { klet, input, waiting, ...options } }) =>
    postMessage(await outcome(async () => outputBytes(await (waiting ? load : loadSync)(klet, options), input))),
);
