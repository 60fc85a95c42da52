/** Compiles an AssemblyScript file of kernels in memory and calls the kernels with typed arrays. */
import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

/**
 * @param source URL of the AssemblyScript
 * @returns { run(name, ...arguments), output(length) }: arguments of `run` are numbers,
 *   Float32Arrays (inputs) and `output`s, which start as zeros; `run` returns the filled outputs in
 *   an array
 */
export async function loadKernels(source) {
  const files = new Map([['kernels.ts', readFileSync(source, 'utf8')]]);
  const { error, stderr } = await asc.main(['kernels.ts', '--outFile', 'kernels.wasm', '-O3', '--enable', 'simd',
    '--runtime', 'stub', '--noAssert'], {
    readFile: (name) => files.get(name) ?? null,
    writeFile: (name, data) => files.set(name, data),
    listFiles: () => [],
  });
  if (error) throw new Error(`${source.pathname} does not compile: ${stderr.toString()}`);
  const { instance } = await WebAssembly.instantiate(files.get('kernels.wasm'), { env: { abort() {} } });
  const { memory, __heap_base: base, ...kernels } = instance.exports;
  const start = (Number(base?.value ?? 1024) + 63) & ~63;

  function run(name, ...args) {
    const bytes = args.reduce((sum, arg) => sum + (arg.length === undefined ? 0 : aligned(arg.length * 4)), start);
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
    const floats = new Float32Array(memory.buffer);
    const results = [];
    let at = start;
    const numbers = args.map((arg) => {
      if (arg.length === undefined) return arg;
      const from = at / 4;
      if (arg instanceof Float32Array) floats.set(arg, from);
      else {
        floats.fill(0, from, from + arg.length);
        results.push([from, from + arg.length]);
      }
      at += aligned(arg.length * 4);
      return from * 4;
    });
    kernels[name](...numbers);
    return results.map(([from, to]) => floats.slice(from, to));
  }

  return { run, output: (length) => ({ length }) };
}

function aligned(bytes) {
  return (bytes + 63) & ~63;
}
