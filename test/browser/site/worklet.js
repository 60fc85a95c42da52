import './bare.js';
import { load, loadSync } from '/dist/browser.js';
import { outcome, outputBytes } from './probe.js';

/** Loads in the constructor, predicts in the audio callback. */
class Reader extends AudioWorkletProcessor {
  constructor({ processorOptions: { klet, input, waiting, ...options } }) {
    super();
    this.input = input;
    this.loaded = outcome(() => (waiting ? load : loadSync)(klet, options));
  }

  process() {
    void this.loaded.then(async ({ value: model, ...error }) => {
      this.port.postMessage(model ? await outcome(() => outputBytes(model, this.input)) : error);
    });
    return false;
  }
}

registerProcessor('reader', Reader);
