/* global addEventListener, postMessage */
import { loadSync } from '/dist/browser.js';
import { outcome, outputBytes } from './probe.js';

addEventListener('message', async ({ data: { klet, input, flavor } }) => postMessage(await outcome(() => outputBytes(loadSync(klet, { flavor }), input))));
