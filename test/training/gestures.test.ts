import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { folder as library, hasTensorflow } from './library';

// models/gestures/recipe: the simulated accelerometer and the training on its windows.

interface Motion {
  position?: (t: number) => number[];
  angles?: (t: number) => number[];
  impact?: (t: number) => number[];
}
interface Sensor {
  offset: number[];
  sensitivity: number[];
  noise: number;
  clock: number;
}
type Random = () => number;
interface Simulator {
  RATE: number;
  COUNTS: number;
  createSensor: (random: Random, spread?: number) => Sensor;
  record: (
    options: { sensor: Sensor; pose: number[]; motions: Motion[]; from: number; count: number; random: Random },
  ) => Int16Array;
  toInput: (counts: Int16Array) => Int8Array;
}
interface Motions {
  createPerson: (random: Random, spread?: number) => Record<string, unknown>;
  gestures: Record<string, (person: object, random: Random) => { motion: Motion; length: number }>;
  everyday: Record<string, (person: object, random: Random) => { pose: number[]; motions: Motion[] }>;
  unrest: (random: Random) => Motion;
}
interface Data {
  SIZE: number;
  LABELS: string[];
  loadGestures: (
    name: string,
    options?: { people?: number; spread?: number },
  ) => { count: number; windows: Int8Array; labels: Uint8Array; people: Uint16Array };
  recordStream: (seed: number, labels: string[]) => { input: Int8Array; gestures: { label: string; middle: number }[] };
}

const recipe = path.resolve(library, '../gestures/recipe');
const { COUNTS, RATE, createSensor, record, toInput } = await import(path.join(recipe, 'simulator.mjs')) as Simulator;
const { createPerson, everyday, gestures, unrest } = await import(path.join(recipe, 'motions.mjs')) as Motions;
const { LABELS, SIZE, loadGestures, recordStream } = await import(path.join(recipe, 'data.mjs')) as Data;
const { seeded } = await import(path.join(library, 'random.mjs')) as { seeded: (seed: number) => Random };

const exact: Sensor = { offset: [0, 0, 0], sensitivity: [1, 1, 1], noise: 0, clock: 1 };

/** What an exact sensor reads, in g: [count][3]. */
function read(pose: number[], motions: Motion[], { from = -0.64, count = 64 } = {}): number[][] {
  const counts = record({ sensor: exact, pose, motions, from, count, random: seeded(1) });
  return Array.from({ length: count }, (_, i) => [...counts.subarray(i * 3, i * 3 + 3)].map((value) => value / COUNTS));
}

const close = (own: number[], expected: number[]): void => {
  own.forEach((value, axis) => expect(Math.abs(value - expected[axis]!), String(own)).toBeLessThan(0.01));
};

describe('the simulated accelerometer', () => {
  test('reads gravity in the axes of the device', () => {
    close(read([0, 0, 0], [])[0]!, [0, 0, 1]);
    close(read([1, 0, 0], [])[0]!, [0, 0, 1]); // yaw does not move gravity
    close(read([0, Math.PI / 2, 0], [])[0]!, [1, 0, 0]); // the hand points up
    close(read([0, 0, Math.PI / 2], [])[0]!, [0, 1, 0]); // the left edge points up
    close(read([0, 0, Math.PI], [])[0]!, [0, 0, -1]);
  });

  test('reads 1 g in any pose without motion', () => {
    const angle = fc.double({ min: -3.2, max: 3.2, noNaN: true });
    fc.assert(fc.property(angle, angle, angle, (...pose) => {
      expect(Math.hypot(...read(pose, [], { count: 1 })[0]!)).toBeCloseTo(1, 2);
    }));
  });

  test('reads the second derivative of the position, and the filter averages it', () => {
    const [rate, size] = [2, 0.05];
    const swing = (t: number): number[] => [0, size * Math.sin(2 * Math.PI * rate * t), 0];
    read([0, 0, 0], [{ position: swing }], { from: 0 }).forEach(([x, y, z], i) => {
      const middle = i / RATE + 1.5 / (4 * RATE); // of the four averaged values
      const g = -size * (2 * Math.PI * rate) ** 2 * Math.sin(2 * Math.PI * rate * middle) / 9.81;
      expect(x).toBe(0);
      expect(Math.abs(y! - g)).toBeLessThan(0.02);
      expect(z).toBe(1);
    });
  });

  test('clamps at ±4 g, and the input has the upper eight of twelve bits', () => {
    const counts = record({
      sensor: exact,
      pose: [0, 0, 0],
      motions: [{ impact: () => [9, -9, 0] }],
      from: 0,
      count: 1,
      random: seeded(1),
    });
    expect([...counts]).toEqual([2047, -2048, 512]);
    expect([...toInput(counts)]).toEqual([127, -128, 32]);
    expect([...toInput(Int16Array.of(-1, 15, 16))]).toEqual([-1, 0, 1]);
  });

  test('adds the offset, the sensitivity and the noise of the device', () => {
    const sensor = { ...exact, offset: [0.1, 0, -0.1], sensitivity: [1, 1, 1.05], noise: 0.004 };
    const count = 2000;
    const counts = record({ sensor, pose: [0, 0, 0], motions: [], from: 0, count, random: seeded(3) });
    const z = Array.from({ length: count }, (_, i) => counts[i * 3 + 2]! / COUNTS);
    const mean = z.reduce((a, b) => a + b, 0) / count;
    expect(mean).toBeCloseTo(0.95, 3);
    expect(Math.sqrt(z.reduce((a, b) => a + (b - mean) ** 2, 0) / count)).toBeCloseTo(0.004, 3);
    expect(createSensor(seeded(1), 0)).toEqual({ ...exact, noise: 0.004 });
  });
});

describe('simulated motions', () => {
  test('have no jolts: the velocity of the hand never jumps', () => {
    const h = 1e-3; // s; a jump of 0.2 m/s would be an acceleration of 200 m/s²
    fc.assert(
      fc.property(fc.constantFrom('swipe-left', 'circle', 'shake'), fc.integer({ min: 0, max: 1e6 }), (name, seed) => {
        const random = seeded(seed);
        const { motion: { position } } = gestures[name]!(createPerson(random), random);
        for (let t = -1.5; t < 3; t += h) {
          const [before, now, after] = [t - h, t, t + h].map(position!) as [number[], number[], number[]];
          const acceleration = now.map((p, axis) => (before[axis]! - 2 * p + after[axis]!) / (h * h));
          expect(Math.hypot(...acceleration), `${name} at ${t} s`).toBeLessThan(200);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('swipes to the left and to the right are mirror images', () => {
    const person = createPerson(seeded(5));
    const readings = ['swipe-left', 'swipe-right'].map((name) =>
      read([0, 0, 0], [{ position: gestures[name]!(person, seeded(6)).motion.position! }])
    );
    const [left, right] = readings as [number[][], number[][]];
    left.forEach(([x, y, z], i) => close(right[i]!, [x!, -y!, z!]));
    const early = left.slice(0, 32).map(([, y]) => y!);
    expect(Math.max(...early)).toBeGreaterThan(0.2); // first a push to the left
  });

  test('all others end where the hand and the forearm have been', () => {
    for (const name of ['shake', 'twist', 'double-tap']) {
      const { motion } = gestures[name]!(createPerson(seeded(7)), seeded(8));
      close(read([0, 0.3, 0.2], [motion], { from: 3, count: 1 })[0]!, read([0, 0.3, 0.2], [], { count: 1 })[0]!);
    }
  });

  test('of everyday and unrest are finite at all times', () => {
    const random = seeded(9);
    const person = createPerson(random);
    for (const kind of Object.values(everyday)) {
      const { pose, motions } = kind(person, random);
      const readings = read(pose, [...motions, unrest(random)], { from: 0, count: 500 });
      expect(readings.flat().every(Number.isFinite)).toBe(true);
    }
  });
});

describe('simulated sets', () => {
  test('are the same each time, and other people are in each', () => {
    const [once, again, others] = ['test', 'test', 'validation'].map((name) => loadGestures(name, { people: 3 }));
    expect(again).toEqual(once);
    expect(others!.windows).not.toEqual(once!.windows);
    expect(once!.windows.length).toBe(once!.count * SIZE);
    expect(new Set(once!.people)).toEqual(new Set([0, 1, 2]));
    // the first people of a set do not depend on how many follow
    const { windows } = loadGestures('test', { people: 1 });
    expect(once!.windows.subarray(0, windows.length)).toEqual(windows);
  });

  test('have all labels, and as many windows of each person', () => {
    const { labels, people } = loadGestures('validation', { people: 2 });
    expect(new Set(labels).size).toBe(LABELS.length);
    expect(people.filter((person) => person === 0).length).toBe(people.length / 2);
  });

  test('streams say where their gestures are', () => {
    const { input, gestures: done } = recordStream(4, ['shake', 'shake']);
    const still = recordStream(4, []).input;
    expect(done.map(({ label }) => label)).toEqual(['shake', 'shake']);
    for (const { middle } of done) {
      const y = Array.from({ length: RATE }, (_, i) => input[(middle - RATE / 2 + i) * 3 + 1]!);
      expect(Math.max(...y) - Math.min(...y)).toBeGreaterThan(32);
    }
    expect(Math.max(...still) - Math.min(...still)).toBeLessThan(64);
  });
});

test.skipIf(!hasTensorflow)('train.mjs learns from a few people, and saves what it learned', () => {
  const target = mkdtempSync(path.join(tmpdir(), 'gestures-'));
  try {
    const text = execFileSync(process.execPath, [path.join(recipe, 'train.mjs'), '--people', '12', '--epochs', '12',
      '--out', path.join(target, 'net')], { encoding: 'utf8' });
    const [, last] = /epoch 12\/12 .*validation ([\d.]+) %/.exec(text)!;
    expect(Number(last)).toBeGreaterThan(70);
    expect(text).toContain('largest difference between the saved network and TensorFlow');
  } finally {
    rmSync(target, { recursive: true });
  }
}, 300_000);
