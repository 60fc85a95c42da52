import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snippetFor } from '../../examples/playground/src/snippet';
import { repack, type Meta } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { root } from './page';
import { openWorkshop, type Workshop } from './snippets';

// The snippets that the playground shows, in a program of Node: the digits take the place of the
// picture, and silence that of the microphone.

const digits = readFileSync(path.join(root, 'models/digits/digits.klet'));
const spoken = readFileSync(path.join(root, 'models/spoken-digits/spoken-digits.klet'));

const before = `
import { readFileSync, writeFileSync } from 'node:fs';
globalThis.document = { querySelector: () => 'models/digits/samples/7.png' };
globalThis.fetch = async (file) => new Response(readFileSync(file));
const listen = async ({ klet, onOutput }) => {
  if (!(klet instanceof ArrayBuffer)) throw new Error('no bytes');
  for (let frame = 0; frame < 200; frame++) onOutput(new Float32Array(10).fill(1, 3, 4), frame);
};
`;

describe('the snippet of the playground for', () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = openWorkshop();
  });
  afterAll(() => workshop?.remove());

  const cases: [task: string, file: Buffer, task: Meta['task'] | undefined, printed: RegExp][] = [['no task', digits,
    undefined, /Float32Array\(10\)/], ['classes', digits, { kind: 'classify' }, /^7 0\.9/], ['a vector', digits, {
    kind: 'embed',
  }, /^(1|0\.99)/], ['numbers', digits, { kind: 'regress', values: [{ name: 'seven', unit: '%', index: 7 }] },
    /^seven 0\.9\d+ %/], ['keywords', spoken, { kind: 'keywords' }, /^3 0\.\d+/], ['sound events', spoken, {
    kind: 'detectSound',
  }, /^$/], ['scores of sound', spoken, undefined, /Float32Array/]];
  test.each(cases)('%s', async (_, file, task, printed) => {
    const klet = repack(file, { meta: { task } });
    const { inputs, outputs, meta } = loadSync(klet);
    const text = snippetFor({ ...meta, inputs, outputs } as Meta, 'network.klet');
    const program = text.replace("import { listen } from 'kinglet/audio';\n", '');
    const write = `writeFileSync('network.klet', Buffer.from('${Buffer.from(klet).toString('base64')}', 'base64'));\n`;
    const { code, out, err } = await workshop.runModule(before + write + program);
    expect(err).toBe('');
    expect([code, out]).toEqual([0, expect.stringMatching(printed)]);
  });
});
