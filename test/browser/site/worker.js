/* global onmessage:writable, postMessage */
import { loadSync } from '/dist/browser.js';
import { outcome, outputBytes } from './probe.js';

onmessage = async ({ data: { klet, input, flavor } }) => postMessage(await outcome(() => outputBytes(loadSync(klet, { flavor }), input)));
