import { cpus } from 'node:os';
import { Command } from 'commander';
import { KletError, load, type Flavor, type Model, type ModelInfo, type ProfileEntry,
  type RawArray } from '../../index';
import { flavorOption, infoText, positiveNumber, threadCount, wholeNumber } from '../args';
import { totalMacs } from '../describe';
import type { Io } from '../io';
import { openNetwork, type Network } from '../network';
import { Progress } from '../progress';
import { byName, randomInputs, toBytes } from '../tensors';
import { bytesText, countText, digits, facts, msText, percentText, shortName, table } from '../text';
import { version } from '../version';

interface BenchOptions {
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
/** Unless told: predictions for so long, but so many at least and at most. */
const RUN_MS = 1000;
const MIN_RUNS = 10;
const MAX_RUNS = 20_000;
const WARMUP_MS = 300;
const MIN_WARMUP = 3;
/** Flavors take turns, so that a machine that slows down slows all of them. */
const ROUNDS = 10;
const PROFILE_MS = 1000;
const MIN_PROFILE_RUNS = 5;
const MAX_PROFILE_RUNS = 200;

export function benchCommand(io: Io): Command {
  return new Command('bench').summary('measure load time, latency and speed')
    .description('Times loading and predicting on seeded noise, in every flavor of the core, after checking that they agree.')
    .argument('<file>', 'a .klet or .tflite file').option(
      '--runs <n>',
      "predictions to time (default: a second's worth, at least 10)",
      positiveNumber,
    ).option('--warmup <n>', "predictions before that (default: 0.3 seconds' worth, at least 3)", wholeNumber)
    .addOption(flavorOption('which build of the core (default: all)')).option(
      '--threads <n>',
      'threads that share the work (default: 1)',
      threadCount,
    ).option('--profile', 'time every record of the network on its own').option('--json', 'the numbers for programs')
    .addHelpText(
      'after',
      `
Examples:
  $ kinglet bench mobilenet.klet
  $ kinglet bench mobilenet.klet --threads 2
  $ kinglet bench mobilenet.klet --flavor simd --runs 200 --profile`,
    ).action((file: string, options: BenchOptions) => bench(file, options, io));
}

async function bench(file: string, options: BenchOptions, io: Io): Promise<void> {
  const network = openNetwork(file, io);
  const { notes } = network.parts;
  const macs = notes && totalMacs(notes);
  const progress = new Progress(io, ROUNDS + 1);
  try {
    const inputs = randomInputs(network.parts.meta.inputs, SEED);
    const contestants = await enter(network, options, inputs);
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
 * Loads every flavor that this engine runs; the first load compiles the core, the second shows what
 * loading costs after that.
 */
async function enter(
  { klet }: Network,
  { flavor: only, threads = 1 }: BenchOptions,
  inputs: Record<string, RawArray>,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const flavor of only ? [only] : (['relaxed', 'simd', 'scalar'] as const)) {
    try {
      const start = performance.now();
      const cold = await load(klet, { flavor, threads });
      const loadMs = performance.now() - start;
      cold.dispose();
      const again = performance.now();
      const model = await load(klet, { flavor, threads });
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
          `output "${name}" of the flavors ${
            first!.flavor
          } and ${other.flavor} differs; this is a fault of kinglet or of this engine, please report it`,
        );
      }
    }
  }
}

/** @returns how many predictions to time */
function warmUp(model: Model, inputs: Record<string, RawArray>, { runs, warmup }: BenchOptions): number {
  const start = performance.now();
  let done = 0;
  while (warmup === undefined ? done < MIN_WARMUP || performance.now() - start < WARMUP_MS : done < warmup) {
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
  return `${JSON.stringify(all, null, 2)}\n`;
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
  const head = facts([['network',
    `${parts.meta.name} (${path}, ${bytesText(klet.length)} as .klet${macs ? `, ${countText(macs)} MACs` : ''})`], [
    'machine',
    `${cpu}, ${platform}, Node ${node}, kinglet ${kinglet}`,
  ]]);
  const times = table(
    [{ head: 'flavor' },
      ...['load', 'again', 'first', 'median', 'min', 'p95', ...(macs ? ['GMAC/s'] : []), 'runs'].map((name) => ({
        head: name,
        align: right,
      }))],
    measured.map((
      m,
    ) => [infoText(m), ...[m.loadMs, m.reloadMs, m.firstMs, m.medianMs, m.minMs, m.p95Ms].map(msText),
      ...(macs ? [digits(m.gmacPerSecond ?? 0)] : []), String(m.runs)]
    ),
  );
  const legend = 'load: bytes to ready, core compiled too · again: with the core compiled · first: first prediction\n';
  return [head, times, legend, ...(profile ? [profileTable(profile, measured[0]!.flavor, columns)] : [])].join('\n');
}

function profileTable(profile: ProfileEntry[], flavor: Flavor, columns: number): string {
  const total = profile.reduce((sum, { ms }) => sum + ms, 0);
  const room = Math.max(20, columns - 62);
  const right = 'right' as const;
  const columnHeads = [{ head: '#', align: right }, { head: 'name' }, { head: 'operator' },
    ...['ms', '%', 'MACs', 'GMAC/s'].map((head) => ({ head, align: right }))];
  const rows = profile.map((
    { index, name, op, ms, macs },
  ) => [String(index), shortName(name, room), op, digits(ms), percentText(ms, total), macs ? countText(macs) : '',
    macs && ms > 0 ? digits(macs / ms / 1e6) : '']
  );
  return `records in flavor ${flavor}, ${msText(total)} together:\n${table(columnHeads, rows)}`;
}
