import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { root } from './packed';

// The entry for browsers in engines without SIMD and without WebAssembly, which Node simulates.
// Needs dist/, which `npm test` builds.

const script = `
  import { readFileSync } from 'node:fs';
  import { fileURLToPath } from 'node:url';
  import { load, loadSync } from './dist/browser.js';
  // fetch of Node does not support file: URLs
  globalThis.fetch = async (url) => new Response(readFileSync(fileURLToPath(url)));
  const klet = readFileSync('models/digits/digits.klet');
  const answers = [];
  const attempt = () => {
    try {
      return loadSync(klet).info.flavor;
    } catch (error) {
      return error.code + ': ' + error.message;
    }
  };
  answers.push(attempt());
  const model = await load(klet);
  answers.push(model.info.flavor, model.selfTest(), attempt());
  console.log(JSON.stringify(answers));
`;

/** The entry without WebAssembly, from the beginning or by a policy. */
const withoutWebAssembly = (forbid: string, flavor?: string): string =>
  `import { readFileSync } from 'node:fs';
  import { load, loadSync } from './dist/browser.js';
  ${forbid};
  const klet = readFileSync('models/digits/digits.klet');
  const rare = readFileSync('models/spoken-digits/spoken-digits.klet');
  const answers = [];
  const attempt = async (load) => {
    try {
      const model = await load();
      answers.push(model.info.flavor, model.selfTest());
    } catch (error) {
      answers.push(error.code + ': ' + error.message);
    }
  };
  await attempt(() => loadSync(klet));
  await attempt(() => load(klet${flavor === undefined ? '' : `, { flavor: '${flavor}' }`}));
  await attempt(() => loadSync(rare));
  await attempt(() => load(klet, { flavor: 'simd' }));
  const { info } = await load(klet, { threads: 2 });
  answers.push(info);
  console.log(JSON.stringify(answers));
`;

/** The worklet in a scope like that of an audio worklet. */
const worklet = `
  import { readFileSync } from 'node:fs';
  const said = [];
  globalThis.sampleRate = 8000;
  globalThis.AudioWorkletProcessor = class { port = { postMessage: (message) => said.push(message) }; };
  globalThis.registerProcessor = (name, Processor) => { globalThis.Processor = Processor; };
  await import('./dist/worklet.js');
  const klet = readFileSync('models/spoken-digits/spoken-digits.klet');
  new Processor({ processorOptions: { klet } });
  new Processor({ processorOptions: { klet, wasm: readFileSync('dist/core.scalar.wasm') } });
  console.log(JSON.stringify(said));
`;

async function answersWith(flags: string[], program = script): Promise<unknown[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', program], {
    cwd: root,
  });
  return JSON.parse(stdout) as unknown[];
}

test('without SIMD, load() fetches the scalar core, which loadSync() can use from then on', async () => {
  const [first, ...others] = await answersWith(['--no-enable-sse4-1']);
  expect(first)
    .toMatch(/^NO_WASM: .*pass the option "wasm" \(the bytes of kinglet\/core\.scalar\.wasm, which needs no SIMD\)$/);
  expect(others).toEqual(['scalar', 3, 'scalar']);
});

test('with SIMD, nothing is fetched', async () => {
  expect((await answersWith([])).map(String).join(' ')).toMatch(/^(simd|relaxed) \1 3 \1$/);
});

test('the worklet of listen asks for the scalar core, and accepts it', async () => {
  const ready = { kind: 'ready', sampleRate: 8000, frames: 1, features: 32, memory: 65536 };
  expect(await answersWith(['--no-enable-sse4-1'], worklet)).toEqual([{
    kind: 'error',
    code: 'NO_WASM',
    message: expect.stringContaining('pass the option "wasm" (the bytes of kinglet/core.scalar.wasm') as string,
  }, ready]);
  expect(await answersWith([], worklet)).toEqual([ready, ready]);
});

describe('without WebAssembly', () => {
  // Node itself needs the rest of it
  const replace = (module: string): string =>
    `globalThis.WebAssembly = Object.assign(Object.create(WebAssembly), { Module: ${module} })`;
  const policy = replace('class { constructor() { throw new Error("blocked by CSP"); } }');

  test.each([['the engine has none', replace('undefined'), /^NO_WASM: .* has no WebAssembly/], ['a policy forbids it',
    policy, /^NO_WASM: .*'wasm-unsafe-eval'/]])(
      '(%s) load() imports the core in plain JavaScript, which loadSync() can use from then on',
      async (_, forbid, refusal) => {
        const [first, ...others] = await answersWith([], withoutWebAssembly(forbid));
        expect(first).toMatch(refusal);
        expect(others).toEqual(['js', 3, 'js', 4, expect.stringMatching(/^NO_WASM: /), {
          flavor: 'js',
          threads: 1,
          singleThreadReason: 'the plain-JavaScript core has no threads',
        }]);
      },
    );

  test('it can be asked for where WebAssembly is at hand', async () => {
    const [first, , ...others] = await answersWith([], withoutWebAssembly('', 'js'));
    expect(first).toMatch(/^(simd|relaxed)$/);
    expect(others.slice(0, 2)).toEqual(['js', 3]);
  });
});
