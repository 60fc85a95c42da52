import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { RESERVED, STATIC_DATA } from '../../assembly/layout';

// The host places the plan directly after the reserved region, so the core's static data must end
// before it.

for (const flavor of ['simd', 'scalar']) {
  test(`the static data of the ${flavor} core is between the memory map and the plan`, () => {
    const bytes = readFileSync(path.join(import.meta.dirname, `../../build/core.${flavor}.wasm`));
    const memory = new WebAssembly.Memory({ initial: 1 });
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const written = [...new Uint8Array(memory.buffer).entries()].filter(([, byte]) => byte !== 0).map(([address]) =>
      address
    );
    for (const address of written) {
      expect(address).toBeGreaterThanOrEqual(STATIC_DATA);
      expect(address).toBeLessThan(RESERVED);
    }
    expect(JSON.parse(readFileSync(path.join(import.meta.dirname, '../../asconfig.json'), 'utf8'))).toMatchObject({
      options: { memoryBase: STATIC_DATA },
    });
  });
}
