import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { inlinedCores, inlinedThreadedCores } from '../../src/runtime/inlined';
import { root } from './packed';

// The relaxed core in engines with relaxed SIMD, and in one that computes it wrongly. Needs dist/,
// which `npm test` builds.

const run = promisify(execFile);
const major = Number(process.versions.node.split('.')[0]);
const x64 = process.arch === 'x64';
const node24 = path.join(root, 'test/engines/node_modules/node24/bin/node');
const withoutInstruction = ['--no-enable-avx-vnni', '--no-enable-avx-vnni-int8'];
const describeIn24 = existsSync(node24) ? describe : describe.skip;

/** The flavor that Node with these flags uses for each requested one, or its error. */
async function chosen(node: string, ...flags: string[]): Promise<string[]> {
  const program = `
    import { readFileSync } from 'node:fs';
    import { loadSync } from ${JSON.stringify(path.join(root, 'dist/index.js'))};
    const klet = readFileSync(${JSON.stringify(path.join(root, 'models/digits/digits.klet'))});
    const flavor = (wish) => {
      try {
        const model = loadSync(klet, { flavor: wish });
        model.selfTest();
        return model.info.flavor;
      } catch (error) {
        return error.code + ': ' + error.message;
      }
    };
    console.log(JSON.stringify([undefined, 'relaxed', 'simd', 'scalar'].map(flavor)));`;
  const { stdout } = await run(node, [...flags, '--input-type=module', '-e', program]);
  return JSON.parse(stdout) as string[];
}

describe('the bundles', () => {
  const differing = (): string[] =>
    ([[inlinedCores, 'wasm'], [inlinedThreadedCores, 'threads.wasm']] as const).flatMap(([cores, ending]) =>
      Object.entries(cores).flatMap((
        [flavor, bytes],
      ) => (Buffer.from(bytes()).equals(readFileSync(path.join(root, `dist/core.${flavor}.${ending}`)))
        ? []
        : [`${flavor}.${ending}`])
      )
    );

  test('contain the same cores as the .wasm files', () => {
    for (const cores of [inlinedCores, inlinedThreadedCores]) {
      expect(Object.keys(cores)).toEqual(['relaxed', 'simd', 'scalar']);
    }
    expect(differing()).toEqual([]);
  });

  test('unpack them without TextEncoder, as in worklets', () => {
    vi.stubGlobal('TextEncoder', undefined);
    try {
      expect(differing()).toEqual([]);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describeIn24('Node 24', () => {
  test('runs every flavor, and uses relaxed or simd by default', async () => {
    const [first, ...others] = await chosen(node24);
    expect(first).toMatch(/^(relaxed|simd)$/);
    expect(others).toEqual(['relaxed', 'simd', 'scalar']);
  });

  test.skipIf(!x64)('uses simd if the processor has no instruction for the relaxed dot product', async () => {
    expect(await chosen(node24, ...withoutInstruction)).toEqual(['simd', 'relaxed', 'simd', 'scalar']);
  });

  async function expectPass(...flags: string[]): Promise<void> {
    const suites = ['conv2d', 'fullyConnected', 'transposeConv2d', 'batchMatmul'].map((name) =>
      `test/ops/${name}.test.ts`
    );
    const { stdout } = await run(node24, [...flags, 'node_modules/vitest/vitest.mjs', 'run', ...suites,
      'test/golden.test.ts', 'test/package/threads.test.ts', ...flags.map((flag) => `--execArgv=${flag}`)], {
      cwd: root,
      env: { ...process.env, KINGLET_BUILDS_ALONE: '1' },
    });
    expect(stdout).toContain('passed');
  }

  test(
    'passes the tests of the matrix product, the golden networks and threads in all flavors',
    () => expectPass(),
    300_000,
  );

  test.skipIf(!x64)('passes them without the instruction', async ({ skip }) => {
    const [first] = await chosen(node24);
    skip(first === 'simd', 'this processor does not have it');
    await expectPass(...withoutInstruction);
  }, 300_000);
});

test.skipIf(major !== 20)('Node 20 with its flag computes wrongly, which is detected', async () => {
  const [first, relaxed, ...others] = await chosen(process.execPath, '--experimental-wasm-relaxed-simd');
  expect([first, ...others]).toEqual(['simd', 'simd', 'scalar']);
  if (x64) expect(relaxed).toMatch(/^NO_WASM: the relaxed core computes incorrectly on this engine/);
});
