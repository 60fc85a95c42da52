// Checks that the engines' outputs agree, before any engine is timed.

/**
 * Share of quantized values that must be equal. Others may differ by one step, because engines
 * round differently.
 */
const SHARE_EQUAL = 0.99;
const FEW_VALUES = 100;
/**
 * Tolerance of float outputs, relative to the largest magnitude. Engines add in different orders,
 * which in hybrid networks can change a quantized activation by one step.
 */
const FLOAT_TOLERANCE = 1e-3;
const HYBRID_TOLERANCE = 0.05;

/**
 * @param {Map<string, { column: import('./columns.mjs').Column, started: object }>} entries by
 *   column id
 * @returns {Map<string, string>} refusals by column id
 */
export function checkAnswers(entries, network) {
  const refusals = new Map();
  const all = [...entries.values()];
  const kinglet = all.filter(({ column }) => column.library === 'kinglet');
  const standard = kinglet[0];
  const oracle = entries.get('xnnpack') ?? standard;
  for (const { column, started } of all) {
    const reference = column.float ? network.floatAnswers : oracle?.started.outputs;
    const isQuantized = network.quantized && !column.float;
    const tolerance = network.hybrid && !column.float ? HYBRID_TOLERANCE : FLOAT_TOLERANCE;
    const difference = reference && compare(started.outputs, reference, isQuantized, tolerance);
    if (column.library === 'kinglet' && started.hash !== standard.started.hash) {
      refusals.set(column.id, `its outputs are not bit-identical to those of ${standard.column.id}`);
    } else if (difference) {
      refusals.set(
        column.id,
        `answers differently from ${column.float ? 'kinglet in float32' : oracle.column.id}: ${difference}`,
      );
    }
  }
  return refusals;
}

/** @returns {string | undefined} the difference, if it exceeds the tolerance */
function compare(found, expected, isQuantized, tolerance) {
  if (found.length !== expected.length || found.some((values, i) => values.length !== expected[i].length)) {
    return 'outputs of other shapes';
  }
  for (const [i, values] of found.entries()) {
    const scale = isQuantized ? 1 : Math.max(...expected[i].map(Math.abs), 1e-30);
    let worst = 0;
    let equal = 0;
    values.forEach((value, j) => {
      const distance = Math.abs(value - expected[i][j]) / scale;
      worst = distance <= worst ? worst : distance;
      if (distance === 0) equal++;
    });
    if (isQuantized && worst > 1) return `${worst} steps at worst`;
    if (isQuantized && values.length >= FEW_VALUES && equal / values.length < SHARE_EQUAL) {
      return `${(100 * equal / values.length).toFixed(1)} % of the values equal`;
    }
    if (!isQuantized && !(worst <= tolerance)) return `${worst.toPrecision(2)} of the largest value at worst`;
  }
  return undefined;
}
