import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importerOf, importers } from '../../src/importers/index';
import { everyOperator } from '../robustness/sample';
import { writeKerasHdf5 } from './keras/writer';
import { writeOnnx } from './onnx/writer';
import { writeTfjs } from './tfjs/writer';
import { writeTflite } from '../tflite/writer';

/** A file of each registered format. */
const samples: Record<string, Uint8Array> = {
  keras: writeKerasHdf5({
    model: {
      class_name: 'Sequential',
      config: {
        name: 'sequential',
        layers: [{ class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 2] } }, {
          class_name: 'ReLU',
          config: { name: 'y' },
        }],
      },
    },
  }),
  onnx: writeOnnx({
    nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', shape: [2] }],
    outputs: [{ name: 'y', shape: [2] }],
  }),
  tfjs:
    writeTfjs({
      inputs: { x: { shape: [2] } },
      nodes: [{ name: 'y', op: 'Neg', inputs: ['x'] }],
      outputs: { y: 'y:0' },
    }).json,
  tflite: writeTflite({
    tensors: [{ name: 'x', shape: [2], type: 'FLOAT32' }, { name: 'y', shape: [2], type: 'FLOAT32' }],
    operators: [{ kind: 'NEG', inputs: ['x'], outputs: ['y'] }],
    inputs: ['x'],
    outputs: ['y'],
  }),
};

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const strange: [string, Uint8Array][] = [['nothing', new Uint8Array(0)], ['one byte', Uint8Array.of(8)], [
  'a .klet file',
  compile(everyOperator()),
], ['the magic bytes at the wrong position', latin1('TFL3TFL')], ['a PNG file', latin1('\x89PNG\r\n\x1a\n')], ['a page',
  latin1('<!DOCTYPE html>')], ['an error in JSON', latin1('{"error": "not found"}')], ['a text', latin1('no network')]];

describe('the registry', () => {
  test('lists every format that has a folder', () => {
    const folder = path.resolve(import.meta.dirname, '../../src/importers');
    const formats = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory() && entry.name !== 'shared'
    ).map(({ name }) => name);
    expect(importers.map(({ name }) => name).sort()).toEqual(formats.sort());
    expect(Object.keys(samples).sort()).toEqual(formats.sort());
  });

  test.each(importers.map((importer) => [importer.name, importer] as const))(
    '%s recognizes and imports its own files and no other',
    (own, importer) => {
      for (const [name, bytes] of Object.entries(samples)) expect(importer.recognizes(bytes), name).toBe(name === own);
      for (const [name, bytes] of strange) expect(importer.recognizes(bytes), name).toBe(false);
      expect(importerOf(samples[own]!)).toBe(importer);
      expect(importer.import(samples[own]!, { name: 'sample' })).toMatchObject({
        name: 'sample',
        inputs: [{ name: 'x' }],
      });
      expect(() => importer.import(latin1('no network'), { name: 'sample' })).toThrow(/^sample: /);
    },
  );

  test.each(importers.map((importer) => [importer.name, importer] as const))(
    '%s says how far it is',
    (name, importer) => {
      const parts: number[] = [];
      importer.import(samples[name]!, { onProgress: (part) => parts.push(part) });
      expect(parts.at(-1)).toBe(1);
      expect(parts.every((part, i) => part > (parts[i - 1] ?? 0))).toBe(true);
    },
  );

  test('no importer accepts a file that no importer recognizes', () => {
    for (const [name, bytes] of strange) expect(importerOf(bytes), name).toBeUndefined();
  });

  test('no two importers claim an extension', () => {
    const extensions = importers.flatMap((importer) => importer.extensions);
    expect(new Set(extensions).size).toBe(extensions.length);
    expect(extensions.filter((extension) => !/^[a-z][a-z0-9]*$/.test(extension))).toEqual([]);
  });
});
