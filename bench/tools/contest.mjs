// Measures one network on many engines: times the first answers in fresh stands, compares outputs,
// then times rounds in which every engine gets a turn.
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAnswers } from './answers.mjs';
import { taskOf } from './columns.mjs';
import { shuffled, summarize } from './statistics.mjs';

/** Duration of an engine's runs before the first round. */
export const WARM_UP_MS = 300;
/** Duration of an engine's turn in each round. */
export const VISIT_MS = 20;
/** Pause after a turn with threads, because idle workers may spin for a while. */
export const THREADS_CALM_MS = 10;

/**
 * @param {object} contest
 * @param {import('./stands.mjs').Place} contest.place
 * @param {object} contest.network from networks/prepare.ts
 * @param {import('./columns.mjs').Column[]} contest.columns
 * @param {number} contest.rounds
 * @param {number} contest.starts number of fresh stands per engine to time the first answer
 * @param {(round: number) => Promise<void>} [contest.afterRound]
 * @returns {Promise<Record<string, object>>} results by column id: measurements or a refusal
 */
export async function hold({ place, network, columns, rounds, starts, afterRound }) {
  const entries = new Map();
  const results = {};
  try {
    for (const column of columns) {
      try {
        entries.set(column.id, { column, samples: [], ...await startFresh(place, column, network, starts) });
      } catch (error) {
        results[column.id] = { refusal: error.message };
      }
    }
    for (const [id, refusal] of checkAnswers(entries, network)) {
      results[id] = { refusal };
      await entries.get(id).stand.close();
      entries.delete(id);
    }
    for (const { stand } of entries.values()) await stand.warmUp(WARM_UP_MS);
    for (let round = 0; round < rounds; round++) {
      for (const { column, stand, samples } of shuffled([...entries.values()], round)) {
        samples.push(...await stand.visit(VISIT_MS));
        if (column.options.threads > 1) await sleep(THREADS_CALM_MS);
      }
      await afterRound?.(round);
    }
  } finally {
    for (const { stand } of entries.values()) await stand.close();
  }
  for (const [id, { samples, started, firstMs, served }] of entries) {
    const ms = summarize(samples);
    results[id] = {
      ms,
      ...(network.macs && { gmacs: network.macs / ms.median / 1e6 }),
      firstMs: summarize(firstMs),
      ...(started.memory && { memory: started.memory }),
      served,
    };
  }
  return results;
}

/** Times first answers in fresh stands and keeps the last stand open. */
async function startFresh(place, column, network, starts) {
  const task = taskOf(column, network, place);
  const firstMs = [];
  for (;;) {
    place.takeServed();
    const stand = await place.open();
    try {
      const started = await stand.start(task);
      firstMs.push(started.firstMs);
      if (firstMs.length >= starts) return { stand, started, firstMs, served: place.takeServed() };
    } catch (error) {
      await stand.close();
      throw error;
    }
    await stand.close();
  }
}
