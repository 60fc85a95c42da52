import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadSync } from '../../src/index';
import { tableRows } from '../docs/page';
import { root } from './packed';

// The models of models/gestures are what their page says. Needs dist/, which measure.mjs imports.

interface Windows {
  count: number;
}
interface Measured {
  value: number;
  low: number;
  high: number;
  confusion: number[][];
}
interface Streams {
  gestures: number;
  recognized: number;
  confused: number;
  falseAlarms: number;
  hours: number;
}
interface Measure {
  measureWindows: (bytes: Uint8Array, set: Windows) => Measured;
  measurePeople: (bytes: Uint8Array, set: Windows) => number[];
  recordPeople: (options: { spread: number }) => unknown;
  measureStreams: (bytes: Uint8Array, people: unknown) => Streams;
}
interface Description {
  name: string;
  shape: number[];
  macs: number;
  parameters: number;
}

const PATIENCE = 300_000; // ms, for busy machines

const folder = path.join(root, 'models/gestures');
const { measurePeople, measureStreams, measureWindows, recordPeople } =
  await import(path.join(folder, 'recipe/measure.mjs')) as Measure;
const { LABELS, loadGestures } = await import(path.join(folder, 'recipe/data.mjs')) as { LABELS: string[];
  loadGestures: (name: string, options?: { spread?: number }) => Windows };
const { describe: layersOf, loadFloatNetwork } = await import(path.join(root, 'models/training/floatNetwork.mjs')) as {
  describe: (network: unknown) => Description[];
  loadFloatNetwork: (file: string) => unknown;
};

const rows = tableRows(readFileSync(path.join(folder, 'README.md'), 'utf8'));
const row = (first: string): string[] => rows.find(([name]) => name === first)!.slice(1);
const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;
const english = (count: number): string => count.toLocaleString('en');
const models = ['gestures', 'gestures-small'].map((name, column) => ({ name, column }));

/** People who differ as much as those of the training set, and people who differ more. */
let everyone: { spread: number; set: Windows; people: unknown }[];
beforeAll(() => {
  everyone = [1, 1.5].map((spread) => ({
    spread,
    set: loadGestures('test', { spread }),
    people: recordPeople({ spread }),
  }));
}, PATIENCE);

describe.each(models)('$name.klet', ({ name, column }) => {
  const bytes = new Uint8Array(readFileSync(path.join(folder, `${name}.klet`)));

  test('passes its self-test, and takes and returns int8', () => {
    const model = loadSync(bytes);
    expect(model.selfTest()).toBe(3);
    expect(model.inputs[0]).toMatchObject({ shape: [1, 64, 1, 3], dtype: 'int8', scale: 1 / 32, zeroPoint: 0 });
    expect(model.outputs[0]).toMatchObject({ shape: [1, 7], dtype: 'int8', scale: 1 / 256, zeroPoint: -128 });
    expect(model.meta.labels).toEqual(LABELS);
  });

  test('has the size and the layers of its page', () => {
    const layers = layersOf(loadFloatNetwork(path.join(folder, `recipe/${name}.float`)));
    const sum = (of: 'macs' | 'parameters'): string => english(layers.reduce((total, layer) => total + layer[of], 0));
    expect(row('file')[column]).toBe(`${english(bytes.length)} bytes`);
    expect(bytes.length).toBeLessThan(10_000);
    expect([row('multiply-adds')[column], row('parameters')[column]]).toEqual([sum('macs'), sum('parameters')]);
    for (const layer of layers.filter(({ macs }) => macs > 0)) {
      const [, output, macs, parameters] = row(layer.name).slice(4 * column);
      const [, ...shape] = layer.shape;
      expect([output, macs, parameters]).toEqual([shape.join('×'), english(layer.macs), english(layer.parameters)]);
    }
  });

  test('classifies as many windows and recognizes as many gestures as its page says', () => {
    const start = rows.findIndex(([first]) => first === 'windows classified correctly');
    everyone.forEach(({ spread, set, people }, i) => {
      const { value, low, high, confusion } = measureWindows(bytes, set);
      const { gestures, recognized, confused, falseAlarms, hours } = measureStreams(bytes, people);
      expect([set.count, gestures, hours.toFixed(2)]).toEqual([5500, 600, '1.00']);
      const cells = rows.slice(start, start + 5).map((columns) => columns[1 + 2 * column + i]);
      expect(cells).toEqual([percent(value), percent(Math.min(...measurePeople(bytes, set)), 1),
        `${recognized} (${percent(recognized / gestures, 1)})`, String(confused), String(falseAlarms)]);
      if (spread !== 1) return;
      expect(value).toBeGreaterThanOrEqual([0.991, 0.977][column]!);
      expect(row('accuracy, int8')[column]).toBe(`${percent(value)} (${(100 * low).toFixed(2)} to ${percent(high)})`);
      if (column > 0) return; // the page has the confusion of the large network only
      LABELS.forEach((label, j) => {
        expect(row(`**${label}**`).map(Number), label).toEqual(confusion[j]);
      });
    });
  }, PATIENCE);
});
