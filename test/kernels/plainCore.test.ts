import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import * as layout from '../../assembly/layout';
import { loadSync } from '../../src/index';
import { plainCore } from '../../src/js/core';
import { openPlain } from '../../src/runtime/core';
import { flavors } from '../helpers/flavors';
import { refuses } from '../robustness/refusal';

// The plain-JavaScript core. Its results and its verdicts on files are tested with those of the
// other flavors, operator by operator.

const folder = path.resolve(import.meta.dirname, '../../src/js');
/** The operators and what they use; core.ts is the interface to the runtime. */
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts') && name !== 'core.ts'
).map((name) => {
  const text = readFileSync(path.join(folder, name), 'utf8');
  return { name, code: text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '') };
});

describe('the plain-JavaScript core', () => {
  test('is one of the tested flavors', () => {
    expect(flavors).toContain('js');
  });

  test('uses only what engines of ECMAScript 5 with typed arrays have, once its types are removed', () => {
    const forbidden = [/\bclass\b/, /\bfor \([^;)]* of /, /\.\.\./, /\?\?/, /\?\./, /`/, /\basync\b/, /\bfunction\*/,
      /\b(const|let|var) [[{]/, /\b(Map|Set|Symbol|Promise|BigInt|DataView|Reflect|Proxy)\b/,
      /\.(fill|slice|subarray|set|from|of|includes|find)\(/, /\*\*/, /\bMath\.(?!(floor|ceil|min|max|abs|pow|sqrt)\b)/];
    expect(sources.length).toBeGreaterThan(50);
    for (const { name, code } of sources) {
      expect(forbidden.filter((pattern) => pattern.test(code)), name).toEqual([]);
    }
  });

  test('needs no pages of memory, but the bytes that it is asked for', () => {
    for (const bytes of [4096, 4097, 36_000]) {
      const { memory } = plainCore(bytes);
      expect(memory.length - bytes).toBeGreaterThanOrEqual(0);
      expect(memory.length - bytes).toBeLessThan(8);
    }
  });

  test('takes less memory than WebAssembly, and none for scratch', () => {
    const klet = readFileSync(path.resolve(import.meta.dirname, '../../models/digits/digits.klet'));
    const { memory } = loadSync(klet, { flavor: 'js' });
    expect(memory.scratch).toBe(0);
    expect(memory.total - memory.plan - memory.weights - memory.arena).toBeLessThan(layout.RESERVED + 4 * 64);
  });

  test('is refused more memory than the engine grants with OUT_OF_MEMORY', () => {
    const core = openPlain(plainCore, 'the core');
    vi.stubGlobal(
      'ArrayBuffer',
      class {
        constructor() {
          throw new RangeError('Array buffer allocation failed');
        }
      },
    );
    try {
      refuses(() => core.start(65536), 'OUT_OF_MEMORY', /refused 65536 bytes/);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('validates the empty plan of an empty memory', () => {
    const { exports, memory } = plainCore(8192);
    new Uint32Array(memory.buffer).set([layout.RESERVED, 0, layout.RESERVED, 0, layout.RESERVED, 0], layout.MAP >> 2);
    expect(exports.validate()).toBe(layout.FAULT_NONE);
    exports.prepare();
    expect(exports.run(0, 0)).toBe(-1);
    expect(exports.scratchOf()).toBe(0);
  });
});
