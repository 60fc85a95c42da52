/**
 * The simulated windows, of people who are either in the training set, the validation set or the
 * test set.
 */
import { between, seeded } from '../../training/random.mjs';
import { createPerson, everyday, gestures, later, posture, unrest } from './motions.mjs';
import { RATE, createSensor, record, toInput } from './simulator.mjs';

/** Samples of a window, 1.28 s. */
export const SAMPLES = 64;
export const AXES = 3;
/** Values of a window. */
export const SIZE = SAMPLES * AXES;

/** The classes, in the order of the network's scores. */
export const LABELS = ['none', ...Object.keys(gestures)];

const WINDOW = SAMPLES / RATE; // s
const OFF_CENTRE = 0.2; // s, the most that a window is off the middle of its gesture
const PER_GESTURE = 10; // windows of each person
const PER_EVERYDAY = 7;
const CUT = 8; // windows of each person that contain less than half of a gesture

/** Number of people and the seed of each set. */
export const SETS = {
  train: { people: 240, seed: 101 },
  validation: { people: 30, seed: 202 },
  test: { people: 50, seed: 303 },
};

/**
 * The windows of one set.
 *
 * @param name `train`, `validation` or `test`
 * @param options
 *   - spread how much people and devices differ; 1 (default) is what the network is trained on
 *   - people only so many
 * @returns { count, windows: i8 [count][64][3], labels: u8 [count], people: u16 [count] }
 */
export function loadGestures(name, { spread = 1, people = SETS[name].people } = {}) {
  const random = seeded(SETS[name].seed);
  const windows = [];
  for (let i = 0; i < people; i++) {
    windows.push(...windowsOf(random, spread).map((window) => ({ ...window, person: i })));
  }
  const set = {
    count: windows.length,
    windows: new Int8Array(windows.length * SIZE),
    labels: Uint8Array.from(windows, ({ label }) => label),
    people: Uint16Array.from(windows, ({ person }) => person),
  };
  windows.forEach(({ counts }, i) => set.windows.set(toInput(counts), i * SIZE));
  return set;
}

/** One window as real numbers, in g. */
export function windowOf(set, i) {
  return Float32Array.from(set.windows.subarray(i * SIZE, (i + 1) * SIZE), (value) => value / 32);
}

/** All windows of one new person with one new device. */
function windowsOf(random, spread) {
  const person = createPerson(random, spread);
  const sensor = createSensor(random, spread);
  const windows = [];
  const add = (label, pose, motions, middle) => {
    const counts = record({
      sensor,
      pose,
      motions: [...motions, unrest(random)],
      from: middle - WINDOW / 2,
      count: SAMPLES,
      random,
    });
    windows.push({ label: LABELS.indexOf(label), counts });
  };
  const perform = (label) => gestures[label](person, random);
  for (const label of Object.keys(gestures)) {
    for (let i = 0; i < PER_GESTURE; i++) {
      add(label, posture(person, random), [perform(label).motion], between(random, -OFF_CENTRE, OFF_CENTRE));
    }
  }
  for (const kind of Object.values(everyday)) {
    for (let i = 0; i < PER_EVERYDAY; i++) {
      const { pose, motions } = kind(person, random);
      add('none', pose, motions, 0);
    }
  }
  for (let i = 0; i < CUT; i++) {
    const label = LABELS[1 + Math.floor(random() * (LABELS.length - 1))];
    const { motion, length } = perform(label);
    const away = WINDOW / 2 + length * between(random, 0.05, 0.6); // of the gesture's middle from the window's
    add('none', posture(person, random), [motion], random() < 0.5 ? -away : away);
  }
  return windows;
}

/** Seconds of everyday motion before each gesture of a stream. */
const BETWEEN = [3, 6];

/**
 * One long recording of a new person, who performs gestures with rests between them.
 *
 * @param labels the gestures, in order
 * @returns { input: i8 [samples][3], gestures: [{ label, middle }] }; middle counts samples
 */
export function recordStream(seed, labels, { spread = 1 } = {}) {
  const random = seeded(seed);
  const person = createPerson(random, spread);
  const sensor = createSensor(random, spread);
  const done = [];
  const motions = [unrest(random)];
  let at = 0;
  for (const label of labels) {
    const { motion } = gestures[label](person, random);
    at += between(random, ...BETWEEN);
    motions.push(later(motion, at));
    done.push({ label, middle: Math.round(at * RATE * sensor.clock) });
  }
  const samples = Math.ceil((at + BETWEEN[0]) * RATE);
  const counts = record({ sensor, pose: posture(person, random), motions, from: 0, count: samples, random });
  return { input: toInput(counts), gestures: done };
}

/**
 * One long recording of a new person who does everything but gestures.
 *
 * @param rounds minutes, of ten seconds of each kind of motion
 * @returns i8 [samples][3]
 */
export function recordEveryday(seed, rounds, { spread = 1 } = {}) {
  const random = seeded(seed);
  const person = createPerson(random, spread);
  const sensor = createSensor(random, spread);
  const parts = [];
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.values(everyday)) {
      const { pose, motions } = kind(person, random);
      parts.push(record({ sensor, pose, motions: [...motions, unrest(random)], from: 0, count: 10 * RATE, random }));
    }
  }
  return toInput(Int16Array.from(parts.flatMap((part) => [...part])));
}
