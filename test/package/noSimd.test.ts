import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from './packed';

// The entry for browsers in an engine without SIMD, for which Node stands in. Needs dist/, which `npm test` builds.

const script = `
  import { readFileSync } from 'node:fs';
  import { load, loadSync } from './dist/browser.js';
  const klet = readFileSync('models/digits/digits.klet'), answers = [];
  const attempt = () => { try { return loadSync(klet).info.flavor; } catch (error) { return error.code + ': ' + error.message; } };
  answers.push(attempt());
  const model = await load(klet);
  answers.push(model.info.flavor, model.selfTest(), attempt());
  console.log(JSON.stringify(answers));
`;

async function answersWith(...flags: string[]): Promise<unknown[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', script], { cwd: root });
  return JSON.parse(stdout) as unknown[];
}

test('where there is no SIMD, load() fetches the scalar core, and loadSync() has it from then on', async () => {
  const [first, ...others] = await answersWith('--no-enable-sse4-1');
  expect(first).toMatch(/^NO_WASM: .*load\(\) would fetch the core for engines without SIMD$/);
  expect(others).toEqual(['scalar', 3, 'scalar']);
});

test('where there is, nothing is fetched', async () => {
  expect((await answersWith()).map(String).join(' ')).toMatch(/^(simd|relaxed) \1 3 \1$/);
});
