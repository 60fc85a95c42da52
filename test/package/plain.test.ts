import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { load as Load, ExtraOperators } from '../../src/index';
import { sampleFile } from '../robustness/sample';
import { root } from './packed';

// The plain-JavaScript core as it is published, with the rare operators as a file of its own. Needs
// dist/, which `npm test` builds.

const file = sampleFile();
const open = <Module>(name: string): Promise<Module> =>
  import(pathToFileURL(path.join(root, 'dist', name)).href) as Promise<Module>;

describe('the plain-JavaScript core', () => {
  test.each(['browser.js', 'browser.cjs'])(
    'of dist/%s has the rare operators when a network needs them',
    async (name) => {
      const { load } = await open<{ load: typeof Load }>(name);
      const model = await load(file, { flavor: 'js' });
      expect(model.info.flavor).toBe('js');
      expect(model.selfTest()).toBe(1);
    },
  );

  test.each([['js.js', 'js.extra.js'], ['js.cjs', 'js.extra.cjs'], ['js.js', 'js.extra.cjs']])(
    'of dist/%s runs the operators of dist/%s',
    async (main, rare) => {
      const { load } = await open<{ load: typeof Load }>(main);
      const { extra } = await open<{ extra: ExtraOperators }>(rare);
      expect((await load(file, { extra })).selfTest()).toBe(1);
    },
  );

  test('of dist/ort.plain.js, which React Native takes, has the rare operators', async () => {
    const { InferenceSession } = await open<
      { InferenceSession: { create(klet: Uint8Array): Promise<unknown> } }
    >('ort.plain.js');
    expect(await InferenceSession.create(file)).toBeDefined();
  });
});
