// Summary of a run: ratios, their means, and the figures of the project's aims.
import { headline } from '../networks/list.mjs';
import { geometricMean } from '../tools/statistics.mjs';

/**
 * The flavor without relaxed SIMD. Its figures depend less on the processor's class, so they are
 * reported beside those of the default flavor.
 */
const PLAIN = 'kinglet-simd';

/** Adds the speed relative to XNNPACK on one thread to each result. */
export function addRatios(networks) {
  for (const { results } of networks) {
    const oracle = results.xnnpack?.ms;
    for (const result of Object.values(results)) {
      if (oracle && result.ms) result.ratio = oracle.median / result.ms.median;
    }
  }
}

/** @param {string} standard the column of the flavor that `load` picks by default */
export function summarizeRun(networks, columns, standard) {
  const of = networks.filter(({ name, results }) => headline.includes(name) && results.xnnpack?.ms);
  const speed = { of: of.map(({ name }) => name), geometricMean: {}, worst: {} };
  for (const { id } of columns) {
    const ratios = of.flatMap(({ results }) => results[id].ratio ?? []);
    if (ratios.length === of.length && of.length > 0) {
      speed.geometricMean[id] = geometricMean(ratios);
      speed.worst[id] = Math.min(...ratios);
    }
  }
  const scalar = of.flatMap(({ results: { 'kinglet-scalar': slow, 'kinglet-simd': fast } }) =>
    slow?.ms && fast?.ms ? slow.ms.median / fast.ms.median : []
  );
  const facts = {
    ...factsOf(standard, speed, networks),
    ...(standard !== PLAIN && factsOf(PLAIN, speed, networks)),
    'scalar ÷ simd time, geometric mean': scalar.length > 0 ? geometricMean(scalar) : undefined,
  };
  return { standard, speed, facts: Object.fromEntries(Object.entries(facts).filter(([, value]) => value)) };
}

function factsOf(column, { geometricMean: mean, worst }, networks) {
  const float = networks.flatMap(({ name, results }) => (name.endsWith('_f32') ? results[column]?.ratio ?? [] : []));
  return {
    [`${column}: XNNPACK ÷ kinglet, int8, geo. mean`]: mean[column],
    [`${column}: XNNPACK ÷ kinglet, int8, worst`]: worst[column],
    [`${column}: XNNPACK ÷ kinglet, f32, geo. mean`]: float.length > 0 ? geometricMean(float) : undefined,
  };
}
