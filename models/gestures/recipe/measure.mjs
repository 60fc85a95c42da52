/**
 * Measures a model on simulated windows and streams of people that it was not trained on. Needs a
 * build of kinglet (dist/ at the top of the repository).
 *
 *     node measure.mjs [--model ../gestures.klet]
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { evaluate, wilson } from '../../../dist/compiler.js';
import { loadSync } from '../../../dist/index.js';
import { isProgram, parametersOf } from '../../training/parameters.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { LABELS, SAMPLES, loadGestures, recordEveryday, recordStream, windowOf } from './data.mjs';
import { RATE } from './simulator.mjs';

const createRecognizer = createRequire(import.meta.url)('../../../examples/boards/recognizer.js');

const STREAMS = 20; // people, each with five of every gesture
const FIRST_SEED = 1000;
const ROUNDS = 3; // of everyday motions of each person, a minute each

/**
 * @param set of loadGestures
 * @returns the accuracy as { value, low, high }, and the confusion as [label][answer]
 */
export function measureWindows(bytes, set) {
  const examples = Array.from({ length: set.count }, (_, i) => ({ input: windowOf(set, i), target: set.labels[i] }));
  const { metrics: { accuracy }, classification: { confusion } } = evaluate(bytes, examples);
  return { ...accuracy, confusion };
}

/** The share of right answers of each person. */
export function measurePeople(bytes, set) {
  const model = loadSync(bytes);
  const right = new Map();
  for (let i = 0; i < set.count; i++) {
    const scores = model.predict(windowOf(set, i));
    const answers = right.get(set.people[i]) ?? [];
    right.set(set.people[i], [...answers, scores.indexOf(Math.max(...scores)) === set.labels[i]]);
  }
  model.dispose();
  return [...right.values()].map((answers) => answers.filter(Boolean).length / answers.length);
}

/**
 * Streams of people: one with gestures, and one of everyday motion.
 *
 * @param options of recordStream
 * @returns [{ input, gestures, everyday }]
 */
export function recordPeople(options = {}) {
  return Array.from({ length: STREAMS }, (_, person) => {
    const seed = FIRST_SEED + person;
    return { ...recordStream(seed, orderOf(seed), options), everyday: recordEveryday(seed, ROUNDS, options) };
  });
}

/**
 * Runs the recognizer of examples/boards on streams.
 *
 * @param people of recordPeople
 * @returns { gestures, recognized, confused, falseAlarms, hours }: of the gestures, how many were
 *   recognized and how many taken for another; and false alarms in hours of everyday motion
 */
export function measureStreams(bytes, people) {
  const model = loadSync(bytes);
  const raw = { labels: LABELS, predict: (window) => model.predict(window, { output: 'raw' }) };
  const result = { gestures: 0, recognized: 0, confused: 0, falseAlarms: 0, hours: 0 };
  for (const { input, gestures, everyday } of people) {
    const answers = answersOf(raw, input);
    for (const { label, middle } of gestures) {
      const near = answers.filter(({ at }) => Math.abs(at - SAMPLES / 2 - middle) < RATE);
      result.gestures++;
      if (near.some((answer) => answer.label === label)) result.recognized++;
      else if (near.length > 0) result.confused++;
    }
    result.falseAlarms += answersOf(raw, everyday).length;
    result.hours += everyday.length / (3 * RATE * 3600);
  }
  model.dispose();
  return result;
}

/** Five of every gesture, in random order. */
function orderOf(seed) {
  return shuffle(Array.from({ length: 5 }, () => LABELS.slice(1)).flat(), seeded(seed));
}

/** What the recognizer says about a stream, and after which sample. */
function answersOf(model, input) {
  const answers = [];
  let at = 0;
  const push = createRecognizer(model, (label) => answers.push({ label, at: at + 1 }));
  for (; at * 3 < input.length; at++) push(...input.subarray(at * 3, at * 3 + 3));
  return answers;
}

function percent({ value, low, high }) {
  return `${[value, low, high].map((share) => `${(share * 100).toFixed(2)} %`).join(', ')}`;
}

if (isProgram(import.meta.url)) {
  const { model } = parametersOf({ model: fileURLToPath(new URL('../gestures.klet', import.meta.url)) });
  const bytes = new Uint8Array(readFileSync(model));
  for (const spread of [1, 1.5]) {
    const set = loadGestures('test', { spread });
    const { confusion, ...accuracy } = measureWindows(bytes, set);
    const people = measurePeople(bytes, set).sort((a, b) => a - b);
    const streams = measureStreams(bytes, recordPeople({ spread }));
    console.log(`people who differ ${spread} times as much as those of the training set`);
    console
      .log(`  windows: ${percent(accuracy)} of ${set.count}; of the worst person ${(people[0] * 100).toFixed(1)} %`);
    console.table(Object.fromEntries(confusion.map((row, i) => [LABELS[i], row])));
    console.log(`  streams: ${percent(wilson(streams.recognized, streams.gestures))}`, streams);
  }
}
