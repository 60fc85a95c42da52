import type { load } from '../../src/index';
import type { Engine, Values } from '../stand/engine';

const arrays: Record<string, new(length: number) => Values> = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
};

/** kinglet as users import it: dist/browser.js in a page, dist/index.js in Node. */
export const kinglet: Engine = async (file, values, { library, flavor, threads }) => {
  const entry = typeof document === 'undefined' ? 'index.js' : 'browser.js';
  const runtime = await import(library + entry) as { load: typeof load };
  const options = { ...(flavor && { flavor }), ...(threads > 1 && { threads }) } as Parameters<typeof load>[1];
  return async () => {
    const model = await runtime.load(file, options);
    const { info, memory } = model;
    const isWanted = (!flavor || info.flavor === flavor) &&
      (threads === 1 || (info as { threads?: number }).threads === threads);
    if (!isWanted) throw new Error(`runs as ${JSON.stringify(info)} here`);
    const inputs = Object.fromEntries(model.inputs.map(({ name }, i) => [name, values[i]!]));
    const outputs = Object
      .fromEntries(model.outputs.map((
        { name, dtype, shape },
      ) => [name, new arrays[dtype]!(shape.reduce((a, b) => a * b, 1))]));
    // pass a bare array to networks with one input, as users do
    const input = values.length === 1 ? values[0]! : inputs;
    const output = model.outputs.length === 1 ? Object.values(outputs)[0]! : outputs;
    return {
      run: () => model.predictInto(input, output),
      outputs: () => Object.values(outputs),
      memory: memory.total,
      info: { ...info },
    };
  };
};
