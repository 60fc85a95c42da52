import { readFileSync } from 'node:fs';
import path from 'node:path';
import binaryen from 'binaryen';
import { describe, expect, test } from 'vitest';
import { root } from './packed';

// The cores as they are shipped.

const cores = Object.fromEntries(['simd', 'scalar'].map((flavor) => [flavor, readFileSync(path.join(root, `dist/core.${flavor}.wasm`))])) as Record<'simd' | 'scalar', Buffer<ArrayBuffer>>;

/** Whether a module is valid with exactly these features of WebAssembly. */
function validWith(bytes: Uint8Array, features: number): boolean {
  const module = binaryen.readBinaryWithFeatures(bytes, features);
  try {
    return module.validate() === 1;
  } finally {
    module.dispose();
  }
}

describe('the cores', () => {
  test('the scalar one is the WebAssembly of 2017, which every engine has', () => {
    expect(validWith(cores.scalar, binaryen.Features.MVP)).toBe(true);
  });

  test('the simd one needs 128-bit SIMD (so the check can fail)', () => {
    expect(validWith(cores.simd, binaryen.Features.MVP)).toBe(false);
    expect(validWith(cores.simd, binaryen.Features.All & ~binaryen.Features.RelaxedSIMD)).toBe(true);
  });

  for (const [flavor, bytes] of Object.entries(cores)) {
    test(`${flavor} imports a memory and nothing else, and exports functions of 32-bit numbers`, () => {
      const module = new WebAssembly.Module(bytes);
      expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
      const exported = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function').map(({ name }) => name);
      expect(exported).toEqual(expect.arrayContaining(['validate', 'prepare', 'run']));
      const parsed = binaryen.readBinary(bytes);
      for (let i = 0; i < parsed.getNumExports(); i++) {
        const { kind, value, name } = binaryen.getExportInfo(parsed.getExportByIndex(i));
        if (kind !== binaryen.ExternalFunction) continue;
        const { params, results } = binaryen.getFunctionInfo(parsed.getFunction(value));
        for (const type of [...binaryen.expandType(params), ...binaryen.expandType(results)]) expect(type, name).not.toBe(binaryen.i64);
      }
      parsed.dispose();
    });
  }
});
