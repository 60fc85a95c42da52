// Times variants of one network interleaved in one page, and first answers interleaved in fresh
// pages.
import { setTimeout as sleep } from 'node:timers/promises';
import { THREADS_CALM_MS, VISIT_MS, WARM_UP_MS } from './contest.mjs';
import { taskOf } from './columns.mjs';
import { shuffled, summarize } from './statistics.mjs';

/**
 * @typedef {object} Variant
 * @property {string} name
 * @property {object} network from networks/prepare.ts
 * @property {import('./columns.mjs').Column} column
 */

/**
 * Times variants in one stand; in every round each variant gets a turn.
 *
 * @param {import('./stands.mjs').Place} place
 * @param {Variant[]} variants
 * @param {number} rounds
 * @returns {Promise<Record<string, object>>} milliseconds per run, by variant
 */
export async function takeTurns(place, variants, rounds) {
  const stand = await place.open();
  const samples = variants.map(() => []);
  try {
    for (const { network, column } of variants) await stand.start(taskOf(column, network, place));
    await stand.warmUp(WARM_UP_MS);
    for (let round = 0; round < rounds; round++) {
      for (const which of shuffled(variants.map((_, i) => i), round)) {
        samples[which].push(...await stand.visit(VISIT_MS, which));
        if (variants[which].column.options.threads > 1) await sleep(THREADS_CALM_MS);
      }
    }
  } finally {
    await stand.close();
  }
  return Object.fromEntries(variants.map(({ name }, i) => [name, summarize(samples[i])]));
}

/**
 * Times first answers, each in a fresh stand; a round times every variant once.
 *
 * @returns {Promise<Record<string, object>>} milliseconds from the bytes in memory to the first
 *   answer, by variant
 */
export async function firstAnswers(place, variants, rounds) {
  const samples = variants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const which of shuffled(variants.map((_, i) => i), round)) {
      const { network, column } = variants[which];
      const stand = await place.open();
      try {
        samples[which].push((await stand.start(taskOf(column, network, place))).firstMs);
      } finally {
        await stand.close();
      }
    }
  }
  return Object.fromEntries(variants.map(({ name }, i) => [name, summarize(samples[i])]));
}
