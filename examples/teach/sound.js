// The microphone: a recurrent network embeds the sound, 62 times a second, in an audio worklet.
import { load } from '../../dist/browser.js';
import { listen } from '../../dist/audio.js';
import { LOUD, decibels } from '../listen/gate.js';
import { $, hideError, showError, time } from '../page.js';

const WORKLET = new URL('../../dist/worklet.js', import.meta.url);
const EVERY = 4; // frames of 16 ms from one answer to the next
const QUIET = -60; // decibels: the left end of the meter
const ECHO = 300; // milliseconds that a sound counts after it has ended
const SIDE = 8; // pixels of a thumbnail
const ROUNDS = 200; // measurements

const troubles = {
  NotAllowedError: "Access to the microphone was denied. Allow it in the browser's settings for this page.",
  NotFoundError: 'No microphone was found.',
};

/** @param {(seen?: object) => void} show takes what is heard, and nothing in silence */
export function makeSound(show) {
  let klet;
  let model;
  let outputs = ['embedding'];
  let listening = [];
  let loudAt = -Infinity;
  let isShown = false;
  const picture = Object.assign(document.createElement('canvas'), { width: SIDE, height: SIDE });

  async function open() {
    $('open-sound').disabled = true;
    const begun = klet;
    try {
      // a worklet reports one output, so a saved file, which has two, runs in two of them
      const [first, ...others] = outputs;
      const latest = {};
      const main = await start(first, latest, hear);
      listening.push(main);
      for (const output of others) listening.push(await start(output, latest, undefined, main.stream));
      if (!isShown || klet !== begun) return await close(); // another source or file was chosen meanwhile
      hideError();
      $('sound').classList.add('live');
    } catch (error) {
      await close();
      if (isShown) showError(troubles[error.name] ? new Error(troubles[error.name]) : error);
    } finally {
      $('open-sound').disabled = false;
    }
  }

  function start(output, latest, onAll, source) {
    return listen({
      klet,
      sampleRate: model.meta.preprocessing.sampleRate,
      worklet: WORKLET,
      every: EVERY,
      output,
      ...(source && { source }),
      onOutput(values) {
        latest[output] = values.slice();
        onAll?.(latest);
      },
      ...(onAll && { onLevel: showLevel }),
      onError(error) {
        void close();
        showError(error);
      },
    });
  }

  async function close() {
    const before = listening;
    listening = [];
    $('sound').classList.remove('live');
    showLevel({ rms: 0 });
    if (isShown) show();
    // the first one holds the microphone
    for (const each of before.reverse()) await each.stop();
  }

  function hear(latest) {
    if (performance.now() - loudAt > ECHO) {
      show();
      return;
    }
    const { embedding, probabilities } = latest;
    if (embedding) draw(embedding);
    if (outputs.length === 1) show({ embedding, picture });
    else if (embedding && probabilities) show({ answer: latest, picture });
  }

  function showLevel({ rms }) {
    const loudness = Math.round(Math.max(QUIET, Math.min(0, decibels(rms))));
    if (loudness >= LOUD) loudAt = performance.now();
    $('level').style.setProperty('--loud', 1 - loudness / QUIET);
    $('meter').setAttribute('aria-valuenow', String(loudness));
    $('meter').setAttribute('aria-valuetext', `${loudness} dB`);
  }

  /** Draws the numbers of an embedding as a pattern. */
  function draw(embedding) {
    const context = picture.getContext('2d');
    const pixels = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE * SIDE; i++) {
      const value = 128 + (embedding[i] ?? -128);
      pixels.data.set([value, Math.min(255, 60 + value / 2), 255 - value, 255], 4 * i);
    }
    context.putImageData(pixels, 0, 0);
  }

  $('open-sound').addEventListener('click', open);
  return {
    noun: 'sound',
    isStill: false,
    async use(bytes, isEmbedder) {
      await close();
      klet = bytes;
      model = await load(bytes);
      outputs = isEmbedder ? ['embedding'] : ['probabilities', 'embedding'];
      $('time').textContent = time(timeOf(model));
    },
    show() {
      isShown = true;
      show();
    },
    async hide() {
      isShown = false;
      await close();
    },
    press() {},
  };
}

/** Milliseconds of one prediction in the page, because worklets have no clock. */
function timeOf(model) {
  const frame = new Float32Array(model.inputs[0].shape.reduce((a, b) => a * b, 1));
  const started = performance.now();
  for (let i = 0; i < ROUNDS; i++) model.predict(frame);
  return (performance.now() - started) / ROUNDS;
}
