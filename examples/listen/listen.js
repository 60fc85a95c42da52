// A page that listens: an int8 network classifies the microphone's signal in an audio worklet.
import { load } from '../../dist/browser.js';
import { createAudioStream, featuresOf, listen } from '../../dist/audio.js';

const MODEL = new URL('model.klet', import.meta.url);
const WORKLET = new URL('../../dist/worklet.js', import.meta.url);
const SHOWN = 12; // at most this many classes
const QUIET = -60; // decibels: the left end of the meter
const ROUNDS = 40; // measurements
const FRAMES = 50; // frames per measurement
const SHORT = 2; // up to this many letters, a label is displayed large

const microphoneTroubles = {
  NotAllowedError: "Access to the microphone was denied. Allow it in the browser's settings for this page.",
  NotFoundError: 'No microphone was found.',
};

const $ = (id) => document.getElementById(id);
const trouble = (error) => {
  $('trouble').textContent = error.message;
  $('trouble').classList.add('now');
};

let hint;

try {
  await start();
  document.querySelector('main').classList.add('loaded');
} catch (error) {
  trouble(error);
}

async function start() {
  const response = await fetch(MODEL);
  if (!response.ok) throw new Error(`The model cannot be loaded: the server answered ${response.status}.`);
  const klet = await response.arrayBuffer();
  const model = await load(klet);
  const { sampleRate, hop } = featuresOf(model);
  const labels = model.meta.labels ??
    model.outputs[0].shape.flatMap((count) => Array.from({ length: count }, (_, i) => String(i)));
  const rows = labels.slice(0, SHOWN).map(makeRow);
  const isShort = labels.every((label) => label.length <= SHORT);
  hint = `press the button and say ${isShort ? `${labels[0]} … ${labels.at(-1)}` : 'something'}`;
  $('sure').textContent = hint;
  document.querySelector('.hear').classList.toggle('short', isShort);
  $('model').textContent = `${(klet.byteLength / 1024).toFixed(1)} KiB`;
  $('rate').textContent = `${sampleRate / 1000} kHz`;
  $('hop').textContent = `${(hop / sampleRate * 1000).toFixed(1)} ms`;
  $('memory').textContent = `${(model.memory.total / 1024).toFixed(0)} KiB`;
  void showTimes(model);

  let latest;
  let loud = { rms: 0, peak: 0 };
  let listening;
  const draw = () => {
    if (!listening) return;
    showLevel(loud);
    if (latest) showScores(latest, labels, rows);
    requestAnimationFrame(draw);
  };

  async function begin() {
    listening = await listen({
      klet,
      sampleRate,
      worklet: WORKLET,
      onOutput: (output) => {
        latest = output;
      },
      onLevel: (level) => {
        loud = level;
      },
      onError: (error) => {
        trouble(error);
        void end();
      },
    });
    mark(true);
    draw();
  }

  async function end() {
    const before = listening;
    listening = latest = undefined;
    mark(false);
    showLevel({ rms: 0, peak: 0 });
    await before?.stop();
  }

  $('listen').addEventListener('click', async () => {
    $('listen').disabled = true;
    try {
      await (listening ? end() : begin());
    } catch (error) {
      const message = microphoneTroubles[error.name];
      trouble(message ? new Error(message) : error);
    }
    $('listen').disabled = false;
  });
}

function mark(on) {
  $('listen').setAttribute('aria-pressed', String(on));
  $('listen').textContent = on ? 'Stop' : 'Listen';
  document.querySelector('.hear').classList.toggle('hearing', on);
  if (!on) $('sure').textContent = hint;
  else $('trouble').classList.remove('now');
}

function makeRow(label) {
  const row = document.createElement('li');
  const name = document.createElement('span');
  const bar = document.createElement('i');
  const percent = document.createElement('span');
  name.textContent = name.title = label;
  row.append(name, bar, percent);
  $('bars').append(row);
  return { row, percent };
}

function showScores(scores, labels, rows) {
  const best = scores.indexOf(Math.max(...scores));
  rows.forEach(({ row, percent }, i) => {
    row.style.setProperty('--share', Math.max(0, Math.min(1, scores[i])));
    row.classList.toggle('best', i === best);
    percent.textContent = `${(scores[i] * 100).toFixed(1)} %`;
  });
  $('label').classList.remove('none');
  if ($('label').textContent !== labels[best]) $('label').textContent = labels[best];
  $('sure').textContent = `${(scores[best] * 100).toFixed(1)} % sure`;
}

/** Loudness in decibels of full scale, from `QUIET` to 0. */
function showLevel({ rms, peak }) {
  const place = (value) => Math.max(0, Math.min(1, 1 - (20 * Math.log10(Math.max(value, 1e-9))) / QUIET));
  $('rms').style.setProperty('--loud', place(rms));
  $('peak').style.setProperty('--loud', place(peak));
  $('meter').setAttribute('aria-valuenow', String(Math.round(QUIET * (1 - place(rms)))));
}

/**
 * Measures the time of the features and of the network here, because worklets have no clock. The
 * pauses between rounds let the engine finish its optimizations.
 */
async function showTimes(model) {
  const stream = createAudioStream(model);
  const front = featuresOf(model);
  const noise = Float32Array.from({ length: front.hop }, (_, t) => Math.sin(t * t) / 4);
  let features = Infinity;
  let both = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    features = Math.min(features, micros(() => front.push(noise, () => {})));
    both = Math.min(both, micros(() => stream.push(noise, () => {})));
    $('features').textContent = `${features.toFixed(1)} µs`;
    $('network').textContent = `${Math.max(0, both - features).toFixed(1)} µs`;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function micros(work) {
  const start = performance.now();
  for (let i = 0; i < FRAMES; i++) work();
  return ((performance.now() - start) * 1000) / FRAMES;
}
