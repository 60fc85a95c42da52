import type { Engine } from '../stand/engine';

/**
 * Runs one loop of rooflineKernels.ts, which contains only the instructions of a kernel's innermost
 * loop. `file` is the compiled module, and `flavor` is the name of the loop.
 */
export const roofline: Engine = (file, _values, { flavor }) =>
  Promise.resolve(async () => {
    const { instance } = await WebAssembly.instantiate(file as Uint8Array<ArrayBuffer>);
    const { fill, STEPS } = instance.exports as { fill: () => void; STEPS: WebAssembly.Global };
    const loop = instance.exports[flavor!] as ((steps: number) => void) | undefined;
    if (!loop) throw new Error(`the module has no ${flavor}`);
    fill();
    return { run: () => loop(STEPS.value as number), outputs: () => [] };
  });
