// Runs kinglet's whole interface in one flavor, in engines that have modules.
import { bytesOf, measure } from './measure.mjs';
import { milliseconds, models } from './models.mjs';

/**
 * @param load of an entry of kinglet
 * @param options of `load`, such as the flavor
 * @returns the flavor, and for each model its golden cases, hash and time; or the error
 */
export async function probe(load, options) {
  try {
    const results = [];
    let flavor;
    for (const { name, pieces } of models) {
      const model = await load(bytesOf(pieces), options);
      flavor = model.info.flavor;
      const [{ shape }] = model.inputs;
      const predict = (input) => model.predict(input, { output: 'raw' });
      const goldens = model.selfTest();
      const length = shape.reduce((a, b) => a * b);
      results.push({ name, goldens, ...measure(predict, length, Date.now, milliseconds) });
      model.dispose();
    }
    return { flavor, results };
  } catch (error) {
    return { error: `${error.code ?? error.name}: ${error.message}` };
  }
}

/** Probes every flavor, and the default one. */
export async function probeAll(load, flavors) {
  const all = {};
  for (const flavor of flavors) all[flavor] = await probe(load, flavor === 'default' ? {} : { flavor });
  return all;
}
