// Measures the machine's peak rates in the same run as the networks. Each loop of
// bench/rooflineKernels.ts runs in a separate stand.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { median, summarize } from './statistics.mjs';

const bench = fileURLToPath(new URL('..', import.meta.url));
const VISIT_MS = 3;
const WARM_UP_MS = 100;
/** Iterations per run, as in rooflineKernels.ts. */
const STEPS = 8192;

const builds = { simd: ['--enable', 'simd'], relaxed: ['--enable', 'simd', '--enable', 'relaxed-simd'] };
/** `perStep`: multiply-adds (for the clock: cycles) per iteration. */
const loops = Object.entries({
  dotI16: { build: 'simd', perStep: 64, what: 'i32x4.dot_i16x8_s + add' },
  relaxedDotI8: { build: 'relaxed', perStep: 128, what: 'i32x4.relaxed_dot_i8x16_i7x16_add_s' },
  mulAddF32: { build: 'simd', perStep: 32, what: 'f32x4.mul + add' },
  chain: { build: 'simd', perStep: 16, what: 'clock rate, from dependent operations' },
}).map(([name, loop]) => ({ name, ...loop }));

const giga = ({ perStep }) => STEPS * perStep / 1e6;

/**
 * @returns {Promise<{ measure: () => Promise<void>, takeRecent: () => Record<string, number>,
 *   close: () => Promise<Record<string, object>> }>} call `measure` in every
 *   round; `takeRecent` returns the peaks since its last call, `close` those of the whole run
 */
export async function openRoofline(place, folder) {
  for (const [build, flags] of Object.entries(builds)) {
    const { error, binary } = await compile(flags);
    if (error) throw error;
    writeFileSync(join(folder, `roofline.${build}.wasm`), binary);
  }
  writeFileSync(join(folder, 'nothing'), '');
  const stands = [];
  for (const loop of loops) {
    const stand = await place.open();
    try {
      await stand.start({
        engine: 'roofline',
        options: { flavor: loop.name, threads: 1, library: '' },
        file: `roofline.${loop.build}.wasm`,
        inputs: { file: 'nothing', tensors: [], sets: 1 },
      });
      await stand.warmUp(WARM_UP_MS);
      stands.push({ loop, stand, samples: [], taken: 0 });
    } catch (error) {
      await stand.close();
      if (loop.build !== 'relaxed') throw error; // not every engine has relaxed SIMD
    }
  }
  return {
    async measure() {
      for (const { stand, samples } of stands) samples.push(...await stand.visit(VISIT_MS));
    },
    takeRecent: () =>
      Object.fromEntries(stands.map((entry) => {
        const recent = entry.samples.slice(entry.taken);
        entry.taken = entry.samples.length;
        return [entry.loop.name, giga(entry.loop) / median(recent)];
      })),
    async close() {
      for (const { stand } of stands) await stand.close();
      return Object.fromEntries(stands.map(({ loop, samples }) => {
        const { median: middle, min, spread } = summarize(samples);
        return [loop.name, { what: loop.what, median: giga(loop) / middle, max: giga(loop) / min, spread }];
      }));
    },
  };
}

async function compile(flags) {
  let binary;
  const { error, stderr } = await asc.main(['rooflineKernels.ts', '--baseDir', bench, '-O3', '--noAssert', '--runtime',
    'stub', '--use', 'abort=', ...flags, '--outFile', 'roofline.wasm'], {
    writeFile: (_name, content) => {
      binary = content;
    },
  });
  return { error: error && new Error(`rooflineKernels.ts: ${stderr.toString()}`), binary };
}
