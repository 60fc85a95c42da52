/* global AudioWorkletProcessor, registerProcessor */
import { loadSync } from '/dist/browser.js';
import { outcome, outputBytes } from './probe.js';

const missing = ['TextDecoder', 'atob', 'fetch', 'URL', 'performance'].filter((name) => !(name in globalThis));

/** Loads when it is made, predicts in the audio callback. */
class Reader extends AudioWorkletProcessor {
  constructor({ processorOptions: { klet, input, flavor } }) {
    super();
    this.input = input;
    this.loaded = outcome(() => loadSync(klet, { flavor }));
  }

  process() {
    void this.loaded.then(async ({ value: model, ...error }) => {
      this.port.postMessage({ missing, ...(model ? await outcome(() => outputBytes(model, this.input)) : error) });
    });
    return false;
  }
}

registerProcessor('reader', Reader);
