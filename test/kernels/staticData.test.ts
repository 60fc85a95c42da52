import { readFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';
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

/**
 * With an explicit memoryBase, the compiler does not add constants to the offsets of loads and
 * stores, which makes the core larger and slower.
 */
test('static data would begin after the memory map, without the option memoryBase', async () => {
  const { options } = JSON.parse(readFileSync(path.join(root, 'asconfig.json'), 'utf8')) as {
    options: Parameters<typeof asc.compileString>[1] & object;
  };
  expect(options).not.toHaveProperty('memoryBase');
  const text = 'export const text = "x"; export function f(): string { return text; }';
  const { error, binary } = await asc.compileString(text, options);
  expect(error).toBeNull();
  const memory = new WebAssembly.Memory({ initial: 1 });
  new WebAssembly.Instance(new WebAssembly.Module(binary as Uint8Array<ArrayBuffer>), { env: { memory } });
  const first = new Uint8Array(memory.buffer).findIndex((byte) => byte !== 0);
  expect(first).toBeGreaterThanOrEqual(STATIC_DATA);
});
