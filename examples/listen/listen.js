// A page that listens: an int8 network classifies the microphone's signal in an audio worklet.
import { load } from '../../dist/browser.js';
import { createAudioStream, featuresOf, listen } from '../../dist/audio.js';
import { $, announce, hideError, makeRows, percent, showError, showRows, size, startPage, time } from '../page.js';
import { LOUD, decibels, makeGate } from './gate.js';

const SPOKEN_DIGITS = '../../models/spoken-digits/spoken-digits.klet';
const MODEL = new URL(new URLSearchParams(location.search).get('model') ?? SPOKEN_DIGITS, import.meta.url);
const WORKLET = new URL('../../dist/worklet.js', import.meta.url);
const SHOWN = 12; // at most this many classes
const QUIET = -60; // decibels: the left end of the meter
const ROUNDS = 40; // measurements
const FRAMES = 50; // frames per measurement
const SHORT = 2; // up to this many letters, a label is displayed large
const NONE = '…'; // in place of an answer

const microphoneTroubles = {
  NotAllowedError: "Access to the microphone was denied. Allow it in the browser's settings for this page.",
  NotFoundError: 'No microphone was found.',
};

await startPage(start);

async function start() {
  const response = await fetch(MODEL);
  if (!response.ok) throw new Error(`The model cannot be loaded: the server answered ${response.status}.`);
  const klet = await response.arrayBuffer();
  const model = await load(klet);
  const { sampleRate, hop } = featuresOf(model);
  const labels = model.meta.labels ??
    model.outputs[0].shape.flatMap((count) => Array.from({ length: count }, (_, i) => String(i)));
  const rows = makeRows(labels.slice(0, SHOWN));
  const isShort = labels.every((label) => label.length <= SHORT);
  const wanted = `say ${isShort ? `${labels[0]} … ${labels.at(-1)}` : 'something'}`;
  document.querySelector('.hear').classList.toggle('short', isShort);
  $('meter').style.setProperty('--threshold', position(LOUD));
  $('model').textContent = size(klet.byteLength);
  $('rate').textContent = `${sampleRate / 1000} kHz`;
  $('hop').textContent = time((hop / sampleRate) * 1000);
  $('memory').textContent = size(model.memory.total);
  void showTimes(model);

  let latest;
  let level;
  let listening;
  let gate;

  function showStopped() {
    mark(false);
    showLevel({ rms: 0, peak: 0 });
    showAnswer(NONE, `press the button and ${wanted}`);
    showRows(rows);
  }

  function draw() {
    if (!listening) return;
    if (level) showLevel(level);
    if (latest) showOutput(gate.judge(latest, performance.now()));
    requestAnimationFrame(draw);
  }

  function showOutput({ scores, best }) {
    showRows(rows, scores, best);
    if (best !== undefined) showAnswer(labels[best], `${percent(scores[best])} sure`);
    else showAnswer(NONE, scores ? 'not sure' : `listening, ${wanted}`);
  }

  async function begin() {
    gate = makeGate();
    listening = await listen({
      klet,
      sampleRate,
      worklet: WORKLET,
      onOutput: (output) => {
        latest = output;
      },
      onLevel: (heard) => {
        level = heard;
        gate.hear(heard.rms, performance.now());
      },
      onError: (error) => {
        showError(error);
        void end();
      },
    });
    hideError();
    mark(true);
    showAnswer(NONE, `listening, ${wanted}`);
    draw();
  }

  async function end() {
    const before = listening;
    listening = latest = level = undefined;
    showStopped();
    await before?.stop();
  }

  $('listen').addEventListener('click', async () => {
    $('listen').disabled = true;
    try {
      await (listening ? end() : begin());
    } catch (error) {
      const message = microphoneTroubles[error.name];
      showError(message ? new Error(message) : error);
    }
    $('listen').disabled = false;
    $('listen').focus();
  });
  showStopped();
}

function mark(on) {
  $('listen').textContent = on ? 'Stop' : 'Listen';
  $('listen').classList.toggle('stop', on);
  document.querySelector('.hear').classList.toggle('hearing', on);
}

function showAnswer(label, explanation) {
  $('sure').textContent = explanation;
  if ($('label').textContent === label) return;
  $('label').textContent = label;
  $('label').classList.toggle('none', label === NONE);
  announce(label === NONE ? '' : label);
}

/** The place of a loudness in decibels on the meter, 0..1. */
function position(loudness) {
  return Math.max(0, Math.min(1, 1 - loudness / QUIET));
}

function showLevel({ rms, peak }) {
  const loudness = Math.round(Math.max(QUIET, Math.min(0, decibels(rms))));
  $('rms').style.setProperty('--loud', position(decibels(rms)));
  $('peak').style.setProperty('--loud', position(decibels(peak)));
  $('meter').setAttribute('aria-valuenow', String(loudness));
  $('meter').setAttribute('aria-valuetext', `${loudness} dB`);
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
    features = Math.min(features, duration(() => front.push(noise, () => {})));
    both = Math.min(both, duration(() => stream.push(noise, () => {})));
    $('features').textContent = time(features);
    $('network').textContent = time(Math.max(0, both - features));
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Milliseconds per call. */
function duration(work) {
  const start = performance.now();
  for (let i = 0; i < FRAMES; i++) work();
  return (performance.now() - start) / FRAMES;
}
