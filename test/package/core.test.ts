import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import binaryen from 'assemblyscript/binaryen';
import { describe, expect, test } from 'vitest';
import { root } from './packed';

// The cores as they are shipped. Needs dist/, which `npm test` builds.

const fileOf = (flavor: string): string => path.join(root, `dist/core.${flavor}.wasm`);

/** Whether Binaryen finds a core valid with WebAssembly 1.0 and these extensions only. */
function validWith(flavor: string, ...extensions: string[]): boolean {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kinglet-core-'));
  try {
    const { status, error, signal } = spawnSync(process.execPath, [
      path.join(root, 'node_modules/binaryen/bin/wasm-opt'),
      fileOf(flavor),
      '--mvp-features',
      ...extensions,
      '-o',
      path.join(folder, 'out.wasm'),
    ], { stdio: 'ignore' });
    if (status === null) throw error ?? new Error(`wasm-opt was ended by ${signal}`);
    return status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the cores', () => {
  test('the scalar core is WebAssembly 1.0, which every engine supports', () => {
    expect(validWith('scalar')).toBe(true);
  });

  test('the simd core needs nothing newer than 128-bit SIMD', () => {
    expect(validWith('simd')).toBe(false);
    expect(validWith(
      'simd',
      '--enable-simd',
      '--enable-sign-ext',
      '--enable-nontrapping-float-to-int',
      '--enable-bulk-memory',
      '--enable-mutable-globals',
    )).toBe(true);
  });

  test('the relaxed core also needs relaxed SIMD', () => {
    const simd = ['--enable-simd', '--enable-sign-ext', '--enable-nontrapping-float-to-int', '--enable-bulk-memory',
      '--enable-mutable-globals'];
    expect(validWith('relaxed', ...simd)).toBe(false);
    expect(validWith('relaxed', ...simd, '--enable-relaxed-simd')).toBe(true);
  });

  for (const flavor of ['relaxed', 'simd', 'scalar', 'relaxed.threads', 'simd.threads', 'scalar.threads']) {
    test(`${flavor} imports a memory and the extra module's function alone, and exports no 64-bit integers`, () => {
      const bytes = readFileSync(fileOf(flavor));
      // Node 20 does not compile the relaxed core
      if (!flavor.startsWith('relaxed') || WebAssembly.validate(bytes)) {
        expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([{
          module: 'env',
          name: 'extra',
          kind: 'function',
        }, { module: 'env', name: 'memory', kind: 'memory' }]);
      }
      const parsed = binaryen.readBinary(bytes);
      const names: string[] = [];
      for (let i = 0; i < parsed.getNumExports(); i++) {
        const { kind, value, name } = binaryen.getExportInfo(parsed.getExportByIndex(i));
        if (kind !== binaryen.ExternalFunction) continue;
        const { params, results } = binaryen.getFunctionInfo(parsed.getFunction(value));
        expect([...binaryen.expandType(params), ...binaryen.expandType(results)], name).not.toContain(binaryen.i64);
        names.push(name);
      }
      expect(names).toEqual(expect.arrayContaining(['validate', 'prepare', 'run']));
      parsed.dispose();
    });
  }
});
