import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * Compiles AssemblyScript source, which may import from ./assembly, for the SIMD flavor.
 * @returns its functions, and its memory of one page
 */
export async function assemble(
  source: string,
): Promise<{ run: Record<string, (...numbers: number[]) => number>; memory: ArrayBuffer }> {
  let wasm: Uint8Array | undefined;
  const { error } = await asc.main(['entry.ts', '--enable', 'simd', '--runtime', 'stub', '--use', 'abort=',
    '--importMemory', '--outFile', 'out.wasm'], {
    readFile(name: string) {
      if (name === 'entry.ts') return source;
      const file = path.join(root, name);
      return existsSync(file) ? readFileSync(file, 'utf8') : null;
    },
    writeFile(name: string, contents: string | Uint8Array) {
      if (name === 'out.wasm') wasm = contents as Uint8Array;
    },
  });
  if (error) throw error;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>), {
    env: { memory },
  });
  return { run: exports as Record<string, (...numbers: number[]) => number>, memory: memory.buffer };
}
