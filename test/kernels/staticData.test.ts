import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { STATIC_DATA } from '../../assembly/layout';

// The core and the extra module share one memory, in which the plan begins directly after the
// reserved region. Static data of both would be at the same addresses.

const root = path.join(import.meta.dirname, '../..');

/** The addresses that a module writes when it is instantiated. */
function writtenBy(file: string): number[] {
  const bytes = readFileSync(path.join(root, 'build', file));
  const memory = new WebAssembly.Memory({ initial: 1 });
  new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, extra: () => 0 } });
  return [...new Uint8Array(memory.buffer).entries()].filter(([, byte]) => byte !== 0).map(([address]) => address);
}

test.each(['core.simd.wasm', 'core.scalar.wasm', 'extra.wasm', 'extra.simd.wasm'])('%s has no static data', (file) => {
  expect(writtenBy(file)).toEqual([]);
});

test('static data would begin after the memory map', () => {
  expect(JSON.parse(readFileSync(path.join(root, 'asconfig.json'), 'utf8'))).toMatchObject({
    options: { memoryBase: STATIC_DATA },
  });
});
