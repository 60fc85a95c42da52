import { cpus } from 'node:os';
import { Command } from 'commander';
import type { DebugInfo } from '../../compiler/index';
import { layersOf } from '../../format/debugInfo';
import { KletError, load, type Flavor, type Model, type ModelInfo, type ProfileEntry,
  type RawArray } from '../../index';
import { flavorOption, infoText, limitsIn, positiveNumber, threadCount, wholeNumber } from '../args';
import { totalMacs } from '../describe';
import type { Io } from '../io';
import { addImportOptions, openNetwork, readingOf, type ForeignOptions, type Network } from '../network';
import { Progress } from '../progress';
import { byName, randomInputs, toBytes } from '../tensors';
import { bytesText, countText, digits, facts, inline, jsonOf, msText, percentText, shortName, table } from '../text';
import { version } from '../version';

interface BenchOptions extends ForeignOptions {
  runs?: number;
  warmup?: number;
  flavor?: Flavor;
  threads?: number;
  profile?: boolean;
  json?: boolean;
}

interface Measured extends ModelInfo {
  loadMs: number;
  reloadMs: number;
  firstMs: number;
  medianMs: number;
  minMs: number;
  p95Ms: number;
  gmacPerSecond?: number;
  runs: number;
}

interface Contestant {
  model: Model;
  loadMs: number;
  reloadMs: number;
  firstMs: number;
  times: number[];
}

const SEED = 1;
/**
 * By default predictions are timed for RUN_MS, but at least MIN_RUNS and at most MAX_RUNS of them.
 */
const RUN_MS = 1000;
const MIN_RUNS = 10;
const MAX_RUNS = 20_000;
const WARMUP_MS = 300;
const MIN_WARMUP = 3;
/**
 * Flavors are timed in alternating rounds, so that a slowdown of the machine affects all of them.
 */
const ROUNDS = 10;
const PROFILE_MS = 1000;
const MIN_PROFILE_RUNS = 5;
const MAX_PROFILE_RUNS = 200;

const HELP = `
Examples:
  $ kinglet bench mobilenet.klet
  $ kinglet bench mobilenet.klet --threads 2
  $ kinglet bench mobilenet.klet --flavor simd --runs 200 --profile`;

const DESCRIPTION =
  'Measures load time and latency on seeded noise in every flavor of the core, after checking that the '
  + 'outputs of all flavors agree.';

export function benchCommand(io: Io): Command {
  const command = new Command('bench').summary('measure load time, latency and throughput');
  command.description(DESCRIPTION);
  command.argument('<file>', 'a .klet file or another network');
  command.option('--runs <n>', 'timed predictions (default: one second, at least 10)', positiveNumber);
  command.option('--warmup <n>', 'predictions before timing (default: 0.3 seconds, at least 3)', wholeNumber);
  command.addOption(flavorOption('the flavor of the core (default: all but js)'));
  command.option('--threads <n>', 'number of threads (default: 1)', threadCount);
  command.option('--profile', 'also time each record of the network');
  addImportOptions(command);
  command.option('--json', 'print the numbers as JSON');
  command.addHelpText('after', HELP);
  return command.action((file: string, options: BenchOptions) => bench(file, options, io));
}

async function bench(file: string, options: BenchOptions, io: Io): Promise<void> {
  const network = openNetwork(file, io, readingOf(options));
  const { debugInfo } = network.parts;
  const macs = debugInfo && totalMacs(debugInfo);
  const progress = new Progress(io, ROUNDS + 1);
  try {
    const inputs = randomInputs(network.parts.meta.inputs, SEED);
    const contestants = await loadFlavors(network, options, inputs);
    checkAgreement(contestants, inputs);
    progress.update(0, 'warming up');
    const budgets = contestants.map(({ model }) => warmUp(model, inputs, options));
    for (let round = 0; round < ROUNDS; round++) {
      progress.update(round, `round ${round + 1} of ${ROUNDS}`);
      contestants.forEach(({ model, times }, i) =>
        time(model, inputs, times, Math.ceil((budgets[i]! - times.length) / (ROUNDS - round)))
      );
    }
    progress.update(ROUNDS, 'profiling');
    const fastest = contestants[0]!;
    const profile = options.profile ? profileOf(fastest, inputs) : undefined;
    progress.stop();
    const measured = contestants.map((contestant) => summarize(contestant, macs));
    io.out(options.json
      ? toJson(network, measured, macs, profile)
      : toText(network, measured, macs, profile, io.columns));
  } finally {
    progress.stop();
  }
}

/**
 * Loads the network in every flavor that this engine supports, twice each: the first load compiles
 * the core, the second measures loading with a compiled core.
 */
async function loadFlavors(
  { klet }: Network,
  { flavor: only, threads = 1, ...limits }: BenchOptions,
  inputs: Record<string, RawArray>,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const flavor of only ? [only] : (['relaxed', 'simd', 'scalar'] as const)) {
    try {
      const start = performance.now();
      const cold = await load(klet, { ...limitsIn(limits), flavor, threads });
      const loadMs = performance.now() - start;
      cold.dispose();
      const again = performance.now();
      const model = await load(klet, { ...limitsIn(limits), flavor, threads });
      const reloadMs = performance.now() - again;
      const first = performance.now();
      model.predict(inputs);
      contestants.push({ model, loadMs, reloadMs, firstMs: performance.now() - first, times: [] });
    } catch (error) {
      if (only || !(error instanceof KletError) || error.code !== 'NO_WASM') throw error;
    }
  }
  return contestants;
}

/** @throws KletError `SELF_TEST_FAILED` */
function checkAgreement(contestants: readonly Contestant[], inputs: Record<string, RawArray>): void {
  const [first, ...others] = contestants.map(({ model }) => {
    model.selfTest();
    return {
      flavor: model.info.flavor,
      outputs: byName<RawArray>(model.outputs, model.predict(inputs, { output: 'raw' })),
    };
  });
  for (const other of others) {
    for (const [name, array] of Object.entries(first!.outputs)) {
      if (!Buffer.from(toBytes(array)).equals(toBytes(other.outputs[name]!))) {
        throw new KletError(
          'SELF_TEST_FAILED',
          `output "${name}" differs between the flavors ${first!.flavor} and ${other.flavor}; `
            + 'this is a bug of kinglet or of this JavaScript engine, please report it',
        );
      }
    }
  }
}

/** @returns the number of predictions to time */
function warmUp(model: Model, inputs: Record<string, RawArray>, { runs, warmup }: BenchOptions): number {
  const start = performance.now();
  let done = 0;
  const isWarm = (): boolean => {
    if (warmup !== undefined) return done >= warmup;
    return done >= MIN_WARMUP && performance.now() - start >= WARMUP_MS;
  };
  while (!isWarm()) {
    model.predict(inputs);
    done++;
  }
  if (runs !== undefined) return runs;
  const before = performance.now();
  model.predict(inputs);
  return Math.max(MIN_RUNS, Math.min(MAX_RUNS, Math.round(RUN_MS / (performance.now() - before))));
}

function time(model: Model, inputs: Record<string, RawArray>, times: number[], runs: number): void {
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    model.predict(inputs);
    times.push(performance.now() - start);
  }
}

function profileOf({ model, times }: Contestant, inputs: Record<string, RawArray>): ProfileEntry[] {
  const runs = Math.max(MIN_PROFILE_RUNS, Math.min(MAX_PROFILE_RUNS, Math.round(PROFILE_MS / times[0]!)));
  return model.profile({ inputs, runs });
}

function summarize({ model, loadMs, reloadMs, firstMs, times }: Contestant, macs: number | undefined): Measured {
  const sorted = Float64Array.from(times).sort();
  const medianMs = sorted[sorted.length >> 1]!;
  return {
    ...model.info,
    loadMs,
    reloadMs,
    firstMs,
    medianMs,
    minMs: sorted[0]!,
    p95Ms: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))]!,
    ...(macs && { gmacPerSecond: macs / medianMs / 1e6 }),
    runs: times.length,
  };
}

function machine(): { cpu: string; node: string; platform: string; kinglet: string } {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    kinglet: version,
  };
}

function toJson(
  network: Network,
  flavors: Measured[],
  macs: number | undefined,
  profile: ProfileEntry[] | undefined,
): string {
  const { path, parts } = network;
  const all = {
    file: path,
    network: parts.meta.name,
    machine: machine(),
    ...(macs !== undefined && { macs }),
    flavors,
    ...(profile && { profile: { flavor: flavors[0]!.flavor, records: profile } }),
  };
  return jsonOf(all);
}

function toText(
  { path, klet, parts }: Network,
  measured: Measured[],
  macs: number | undefined,
  profile: ProfileEntry[] | undefined,
  columns: number,
): string {
  const { cpu, node, platform, kinglet } = machine();
  const right = 'right' as const;
  const macsText = macs ? `, ${countText(macs)} MACs` : '';
  const head = facts({
    network: `${inline(parts.meta.name)} (${path}, ${bytesText(klet.length)} as .klet${macsText})`,
    machine: `${cpu}, ${platform}, Node ${node}, kinglet ${kinglet}`,
  });
  const names = ['load', 'again', 'first', 'median', 'min', 'p95', ...(macs ? ['GMAC/s'] : []), 'runs'];
  const rows = measured.map((entry) => {
    const { loadMs, reloadMs, firstMs, medianMs, minMs, p95Ms, gmacPerSecond = 0, runs } = entry;
    const times = [loadMs, reloadMs, firstMs, medianMs, minMs, p95Ms].map(msText);
    return [infoText(entry), ...times, ...(macs ? [digits(gmacPerSecond)] : []), String(runs)];
  });
  const times = table([{ head: 'flavor' }, ...names.map((name) => ({ head: name, align: right }))], rows);
  const legend = 'load: with compiling the core · again: with a compiled core · first: first prediction\n';
  return [head, times, legend,
    ...(profile ? [profileTable(profile, parts.debugInfo, measured[0]!.flavor, columns)] : [])].join('\n');
}

/** The entries of a profile, with those of the strips of a layer added up. */
function layers(profile: ProfileEntry[], debugInfo: DebugInfo | undefined): ProfileEntry[] {
  if (!debugInfo) return profile;
  return layersOf(debugInfo).map(({ index, indices, name, op, macs }) => ({
    index,
    name,
    op,
    macs,
    ms: indices.reduce((sum, record) => sum + profile[record]!.ms, 0),
  }));
}

function profileTable(
  profile: ProfileEntry[],
  debugInfo: DebugInfo | undefined,
  flavor: Flavor,
  columns: number,
): string {
  const total = profile.reduce((sum, { ms }) => sum + ms, 0);
  const room = Math.max(20, columns - 62);
  const right = 'right' as const;
  const columnHeads = [{ head: '#', align: right }, { head: 'name' }, { head: 'operator' },
    ...['ms', '%', 'MACs', 'GMAC/s'].map((head) => ({ head, align: right }))];
  const rows = layers(profile, debugInfo).map(({ index, name, op, ms, macs }) => {
    const speed = macs && ms > 0 ? digits(macs / ms / 1e6) : '';
    const work = [macs ? countText(macs) : '', speed];
    return [String(index), shortName(name, room), op, digits(ms), percentText(ms, total), ...work];
  });
  return `records in flavor ${flavor}, ${msText(total)} in total:\n${table(columnHeads, rows)}`;
}
