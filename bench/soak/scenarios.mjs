import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { load, loadSync } from '../../dist/index.js';

const digits = fileURLToPath(new URL('../../models/digits/digits.klet', import.meta.url));
const spoken = fileURLToPath(new URL('../../models/spoken-digits/spoken-digits.klet', import.meta.url));
const thread = new URL('../../dist/thread.node.js', import.meta.url);
const pixels = Float32Array.from({ length: 784 }, (_, i) => (i % 7) / 7);

function same(scores, expected) {
  if (scores.every((score, i) => score === expected[i])) return;
  throw new Error(`wrong scores: ${scores.join(', ')}`);
}

/** Number of times that memory is measured. */
export const SAMPLES = 200;

/** Each opens what it needs and returns one use. */
export const scenarios = {
  disposed: {
    title: 'loadSync, predict, dispose',
    open() {
      const bytes = readFileSync(digits);
      return () => {
        const model = loadSync(bytes);
        model.predict(pixels);
        model.dispose();
      };
    },
  },
  collected: {
    title: 'loadSync, predict, without dispose',
    open() {
      const bytes = readFileSync(digits);
      return () => void loadSync(bytes).predict(pixels);
    },
  },
  files: { title: 'load of a path, dispose', open: () => async () => (await load(digits)).dispose() },
  refused: {
    title: 'loadSync of a damaged file',
    open() {
      const bytes = readFileSync(digits);
      return (i) => {
        const damaged = Uint8Array.from(bytes);
        damaged[i % bytes.length] ^= 1 + i % 255;
        try {
          loadSync(damaged).dispose();
        } catch (error) {
          if (error.name !== 'KletError') throw error;
        }
      };
    },
  },
  streams: {
    title: 'createState, predict, of one model',
    open() {
      const model = loadSync(readFileSync(spoken));
      const frame = new Float32Array(32);
      return () => void model.createState().predict(frame);
    },
  },
  killed: {
    // a lost thread takes up to 5 seconds to notice
    share: 1 / 1000,
    title: 'two threads, of which the second is ended at a random moment; 20 predictions, dispose',
    async open() {
      const expected = loadSync(readFileSync(digits)).predict(pixels);
      return async () => {
        let worker;
        const model = await load(digits, {
          threads: 2,
          worker: () => {
            worker = new Worker(thread);
            return worker;
          },
        });
        const fatal = Math.floor(Math.random() * 20);
        for (let i = 0; i < 20; i++) {
          if (i === fatal) void worker.terminate();
          same(model.predict(pixels), expected);
          if (Math.random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
        }
        model.dispose();
      };
    },
  },
};
