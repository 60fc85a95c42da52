// Compares the engines' outputs before any of them is timed.

/**
 * Share of quantized values that must be equal. The others may differ by one quantization step,
 * because engines round differently.
 */
const SHARE_EQUAL = 0.99;
/** Minimum number of values for which that share is checked. */
const MIN_VALUES = 100;
/**
 * Tolerance relative to the output's largest magnitude: engines add up float sums in different
 * orders.
 */
const FLOAT_TOLERANCE = 1e-3;
/** In hybrid networks such a difference may move a quantized activation by one step. */
const HYBRID_TOLERANCE = 0.05;

/**
 * @param {Map<string, { column: import('./columns.mjs').Column, started: object }>} entries by
 *   column id
 * @returns {Map<string, string>} reason by the id of each column that answers differently
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
      refusals.set(column.id, `its outputs are not equal bit for bit to those of ${standard.column.id}`);
    } else if (difference) {
      refusals.set(
        column.id,
        `its outputs differ from those of ${column.float ? 'kinglet in float32' : oracle.column.id}: ${difference}`,
      );
    }
  }
  return refusals;
}

/** @returns {string | undefined} the difference, if it is larger than permitted */
function compare(found, expected, isQuantized, tolerance) {
  if (found.length !== expected.length || found.some((values, i) => values.length !== expected[i].length)) {
    return 'the shapes of the outputs';
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
    if (isQuantized && worst > 1) return `up to ${worst} quantization steps`;
    if (isQuantized && values.length >= MIN_VALUES && equal / values.length < SHARE_EQUAL) {
      return `only ${(100 * equal / values.length).toFixed(1)} % of the values are equal`;
    }
    if (!isQuantized && !(worst <= tolerance)) return `up to ${worst.toPrecision(2)} of the largest value`;
  }
  return undefined;
}
