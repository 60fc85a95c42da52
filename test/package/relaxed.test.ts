import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { inlinedCores, inlinedThreadedCores } from '../../src/runtime/inlined';
import { root } from './packed';

// The relaxed core in engines that have it, and in one that has it wrong. Needs dist/, which `npm
// test` builds.

const run = promisify(execFile);
const major = Number(process.versions.node.split('.')[0]);
const x64 = process.arch === 'x64';
const node24 = path.join(root, 'test/engines/node_modules/node24/bin/node');
const describeIn24 = existsSync(node24) ? describe : describe.skip;

/** The flavor that each wish comes to in a Node with these flags, or the code of its error. */
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

  test('carry the cores that lie beside them', () => {
    for (const cores of [inlinedCores, inlinedThreadedCores]) {
      expect(Object.keys(cores)).toEqual(['relaxed', 'simd', 'scalar']);
    }
    expect(differing()).toEqual([]);
  });

  test('unpack them where there is no TextEncoder, as in worklets', () => {
    vi.stubGlobal('TextEncoder', undefined);
    try {
      expect(differing()).toEqual([]);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describeIn24('Node 24', () => {
  test('runs every flavor, and takes relaxed or simd when none is named', async () => {
    const [first, ...others] = await chosen(node24);
    expect(first).toMatch(/^(relaxed|simd)$/);
    expect(others).toEqual(['relaxed', 'simd', 'scalar']);
  });

  test.skipIf(!x64)('takes simd where the processor has no instruction for the relaxed dot', async () => {
    expect(await chosen(node24, '--no-enable-avx-vnni', '--no-enable-avx-vnni-int8')).toEqual(['simd', 'relaxed',
      'simd', 'scalar']);
  });

  for (const [what, flags] of [['with it', []], ['without', ['--no-enable-avx-vnni',
    '--no-enable-avx-vnni-int8']]] as const)
  {
    test(`passes the tests of the matrix product and the golden networks in all flavors (${what})`, async () => {
      const suites = ['conv2d', 'fullyConnected', 'transposeConv2d', 'batchMatmul'].map((name) =>
        `test/ops/${name}.test.ts`
      );
      const { stdout } = await run(node24, [...flags, 'node_modules/vitest/vitest.mjs', 'run', ...suites,
        'test/golden.test.ts', 'test/package/threads.test.ts', ...flags.map((flag) => `--execArgv=${flag}`)], {
        cwd: root,
      });
      expect(stdout).toContain('passed');
    }, 300_000);
  }
});

test.skipIf(major !== 20)('Node 20 behind its flag computes wrongly and is found out', async () => {
  const [first, relaxed, ...others] = await chosen(process.execPath, '--experimental-wasm-relaxed-simd');
  expect([first, ...others]).toEqual(['simd', 'simd', 'scalar']);
  if (x64) expect(relaxed).toMatch(/^NO_WASM: the relaxed core computes incorrectly on this engine/);
});
