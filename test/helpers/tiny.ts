import type { TensorData } from '../../src/graph/graph';
import { toScript } from '../../src/script/index';
import { load, type TinyModel, type Values } from '../../src/tiny/index';

/** A model in kinglet/tiny, or undefined if the file needs more than the int8 operators. */
export function loadTiny(klet: Uint8Array): TinyModel | undefined {
  try {
    return load(klet);
  } catch (error) {
    if (/none of the int8 operators|runs int8 and uint8 networks/.test(String(error))) return undefined;
    throw error;
  }
}

/** The model of a script that `toScript` prints, with its weights inside or apart. */
export function loadScript(klet: Uint8Array, weights: 'inside' | 'apart'): TinyModel {
  const { name, code, weights: data } = toScript(klet, { weights });
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function(`${code}; return ${name}`) as () => TinyModel | ((bytes: Uint8Array) => TinyModel);
  const made = run();
  return typeof made === 'function' ? made(data!) : made;
}

/** The outputs of a prediction from the initial state. */
export function predictTiny(model: TinyModel, inputs: Record<string, TensorData>): TensorData[] {
  model.reset();
  const values = model.inputs.map(({ name }) => inputs[name] as unknown as Values);
  const outputs = model.predict(values.length === 1 ? values[0]! : values);
  return (model.outputs.length === 1 ? [outputs] : outputs) as TensorData[];
}
