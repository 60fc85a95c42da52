import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { metricTexts, type SamplerName, type SearchDimension, type SearchMeasure,
  type Task } from '../../compiler/index';
import { KletError } from '../../index';
import { collect, countUpTo, positiveNumber } from '../args';
import { checkOutputs, networkFile, readBytes, writeAtomically } from '../files';
import type { Io } from '../io';
import { addImportOptions, companionFiles, networkName } from '../network';
import { parseBudget } from '../search/budget';
import { searchProgram } from '../search/programSearch';
import { BEYOND_BUDGET, interruption, SearchProgress, STOPPED, type SearchCommandOptions } from '../search/session';
import { Journal } from '../search/journal';
import { hasWorkers, Pool, runnerHere, type Runner } from '../search/pool';
import { runTrials } from '../search/schedule';
import { openTask, type OpenTask, type TaskOptions } from '../search/task';
import { qualityText, searchText, type Candidate, type SearchOutcome } from '../search/text';
import { addMediaOptions } from '../mediaLimits';
import { bytesText, jsonOf } from '../text';
import { writeVerified } from '../verify';
import { version } from '../version';

const MOST_TRIALS = 100_000;
const MOST_JOBS = 256;
const MOST_SEED = 2 ** 32 - 1;
/** At most so many networks of the front are built again and timed at the end. */
const MOST_TIMED = 10;
/** Networks near the best one that are timed if the budget limits the time. */
const TIMED_BEST = 5;

const DIMENSIONS = ['bits', 'sparsity', 'pattern', 'channels', 'lowRank', 'activationBits', 'keep',
  'cluster'] satisfies SearchDimension[];

const HELP = `
Examples:
  $ kinglet search net.onnx --data train/ --test test/ --budget 100kB
  $ kinglet search net.tflite --data calibration.npy --test x.npy,y.npy --budget 0.5pt -o small.klet
  $ kinglet search net.tflite --data images/ --budget 1.5ms,1pt --trials 200 --report search.html
  $ kinglet search --command 'node train.mjs --rate {rate} --bits {bits}' --space space.json \\
      --maximize accuracy --minimize bytes --limit 'bytes<=20000'
    with {"rate": {"min": 0.0001, "max": 0.1, "log": true}, "bits": {"choices": [8, 4]}} in space.json

A network is made smaller in many ways: fewer bits, pruned weights and channels, layers of low rank. Each
trial is compiled, evaluated and, where the budget asks for it, timed. The budget limits the size
(100kB, 97KiB), the time of a prediction on this machine (1.5ms) and what may be lost (0.5pt: half a
point of accuracy, or 30dB: the least SQNR, without labels). What it leaves open is improved:
  100kB          the best accuracy            0.5pt          the smallest file
  1.5ms          the best accuracy            1.5ms,0.5pt    the smallest file
  100kB,1.5ms    the best accuracy            100kB,0.5pt    the fastest network
  100kB,1.5ms,0.5pt  the best accuracy        (default: 1pt, or 30dB)

--data are typical inputs, as --samples of convert, which the networks are fitted to; they need no labels.
--test are labeled examples, as --data of eval. Trials are compared on every second one. The best of many
looks better on these than it is, so it is reported on the others, which no trial saw. Without --test,
answers are compared with those of the original network on every fourth sample.

The trials are in a journal, and the same command goes on after Ctrl-C or a crash. The trials are the same for
the same seed and any number of up to four jobs, unless the budget has a time.
With --command, each trial runs a program, whose last line is a JSON object with the measures.`;

export function searchCommand(io: Io, exit: (code: number) => void): Command {
  const command = new Command('search').summary('search for the best network within a budget');
  command.description('Searches for the recipe with which a network is as good, as small or as fast as possible.');
  command.argument('[file]', 'the float32 network');
  command.option('-o, --output <file>', 'the file to write (default: the name of the input, with .klet)');
  command.option('--data <path>', 'typical inputs, without labels: files or folders (repeatable)', collect);
  command.option('--test <path>', 'labeled examples, as for eval');
  command.option('--budget <limits>', 'limits of size, time and loss, such as 100kB,1.5ms,0.5pt', parseBudget);
  command.option('--trials <n>', 'number of trials', countUpTo(MOST_TRIALS), 60);
  command
    .addOption(new Option('--sampler <name>', 'how trials are chosen')
      .choices(['tpe', 'random', 'grid'] satisfies SamplerName[]).default('tpe'));
  command.option('--seed <n>', 'seed of the trials', countUpTo(MOST_SEED), 1);
  command.option('--jobs <n>', 'trials at the same time (default: number of cores)', jobCount);
  command.option('--journal <file>', 'the file with all trials (default: the output, with .jsonl)');
  command.option(
    '--search <names>',
    `what is varied: some of ${DIMENSIONS.join(',')} (default: the first five)`,
    dimensionsOf,
  );
  command
    .addOption(new Option('--metric <name>', 'the metric that counts (default: accuracy, or that of the task)')
      .choices(Object.keys(metricTexts)));
  command
    .addOption(new Option('--task <task>', 'what the answers are, as for eval')
      .choices(['classify', 'regress', 'segment', 'detect', 'anomaly'] satisfies Task[]));
  command.option('--answer <name>', 'the output of the network that is the answer, if it has several');
  command.option('--target <names>', 'the column or array of --test with the right answers, as for eval');
  command.option('--limit-test <n>', 'take this number of examples, spread over --test', positiveNumber);
  command.option('--max-samples <n>', 'use at most n samples of --data', positiveNumber);
  command.option('--name <name>', 'name of the network (default: the name of the input)');
  command.option('--labels <file>', 'names of the classes, one per line, to store in the file');
  command.option('--preprocess <json>', 'how images or audio become the input, to store in the file');
  command.option('--no-compact', 'do not entropy-code the files, whose size counts');
  command.option('--strip', 'leave out the names and sizes that inspect and profile show');
  addImportOptions(command);
  addMediaOptions(command);
  command.option('--command <text>', 'instead of a network: a command for each trial, with {NAME} for parameters');
  command.option('--space <file>', 'with --command: the parameters, as JSON');
  const measure =
    (change: (text: string) => Record<string, SearchMeasure>) =>
    (text: string, before: Record<string, SearchMeasure> = {}) => merged(before, change(text));
  command
    .addOption(new Option('--maximize <measure>', 'with --command: a number to make large (repeatable)')
      .argParser(measure((name) => ({ [name]: { goal: 'maximize' } }))));
  command
    .addOption(new Option('--minimize <measure>', 'with --command: a number to make small (repeatable)')
      .argParser(measure((name) => ({ [name]: { goal: 'minimize' } }))));
  command
    .addOption(new Option('--limit <limit>', "with --command: such as 'bytes<=20000' (repeatable)")
      .argParser(measure(limitOf)));
  command.option('--report <file>', 'write a page with the Pareto chart and tables');
  command.option('--json', 'print the result as JSON');
  command.addHelpText('after', HELP);
  return command.action(async (file: string | undefined, options: RawOptions) => {
    const { maximize, minimize, limit, limitTest, ...others } = options;
    const measures = [maximize, minimize, limit].reduce<Record<string, SearchMeasure>>(
      (all, one) => merged(all, one ?? {}),
      {},
    );
    const given: SearchCommandOptions = { ...others, measures, ...(limitTest !== undefined && { limit: limitTest }) };
    exit(await (given.command === undefined ? searchNetwork(file, given, io) : searchProgram(file, given, io)));
  });
}

interface RawOptions extends Omit<SearchCommandOptions, 'limit' | 'measures'> {
  maximize?: Record<string, SearchMeasure>;
  minimize?: Record<string, SearchMeasure>;
  limit?: Record<string, SearchMeasure>;
  limitTest?: number;
}

function jobCount(text: string): number {
  positiveNumber(text);
  return countUpTo(MOST_JOBS)(text);
}

function dimensionsOf(text: string): SearchDimension[] {
  return text.split(',').map((name) => {
    const found = DIMENSIONS.find((dimension) => dimension === name.trim());
    if (!found) throw new InvalidArgumentError(`There is no "${name.trim()}"; there are ${DIMENSIONS.join(', ')}.`);
    return found;
  });
}

function limitOf(text: string): Record<string, SearchMeasure> {
  const [, name, sign, number] = /^\s*(.+?)\s*(<=|>=)\s*(-?[\d.]+(?:e[+-]?\d+)?)\s*$/i.exec(text) ?? [];
  if (name === undefined || !Number.isFinite(Number(number))) {
    throw new InvalidArgumentError("It must be a measure and its limit, such as 'bytes<=20000' or 'accuracy>=0.9'.");
  }
  return { [name]: sign === '<=' ? { atMost: Number(number) } : { atLeast: Number(number) } };
}

function merged(
  before: Record<string, SearchMeasure>,
  added: Record<string, SearchMeasure>,
): Record<string, SearchMeasure> {
  return Object.entries(added).reduce((all, [name, value]) => ({ ...all, [name]: { ...all[name], ...value } }), before);
}

async function searchNetwork(given: string | undefined, options: SearchCommandOptions, io: Io): Promise<number> {
  checkNetworkOptions(given, options);
  const input = networkFile(given!);
  const output = options.output ?? `${networkName(input)}.klet`;
  const journalPath = options.journal ?? output.replace(/(\.klet)?$/, '.jsonl');
  checkOutputs({ '-o': output, '--journal': journalPath, '--report': options.report }, [input,
    ...companionFiles(readBytes(input), input), ...options.data ?? [], ...options.test?.split(',') ?? [],
    options.labels, options.preprocess]);
  const jobs = hasWorkers() ? options.jobs ?? Math.min(availableParallelism(), options.trials) : 1;
  const start = performance.now();
  const task = taskOptions(options);
  const opened = openTask(input, task, io, { jobs });
  const { search } = opened;
  const journal = new Journal(journalPath, identityOf(opened, task));
  const originalMs = search.original.ms;
  const runner: Runner = jobs === 1 ? runnerHere(search) : new Pool({ input, options: task, originalMs }, jobs);
  const { signal, end } = interruption();
  const progress = new SearchProgress(io, options.trials, jobs);
  const built = new Map<number, Uint8Array>();
  try {
    signal.addEventListener('abort', () => runner.stop());
    await runTrials({
      study: search.study,
      journal,
      count: options.trials,
      jobs,
      signal,
      run: async ({ number, parameters }) => {
        const { values, klet, failure } = await runner.run({ parameters, buildsOnly: false });
        if (klet) built.set(number, klet);
        return values ? { values: { ...values } } : { failure: failure! };
      },
      onTrial: (_, seconds) => {
        keepBest(built, opened);
        progress.add(seconds, bestText(opened));
      },
    });
    const builder = signal.aborted ? runnerHere(search) : runner;
    const finished = await finish({ opened, built, builder, isTimed: !signal.aborted });
    progress.stop();
    const outcome: SearchOutcome = {
      ...finished,
      input,
      output,
      search,
      samples: opened.samples,
      hasLabels: task.test !== undefined,
      seconds: (performance.now() - start) / 1000,
      repeat: finished.best && repeatText(input, output, task),
    };
    if (outcome.best) writeVerified(output, outcome.best.klet);
    await show(outcome, options, io);
    if (signal.aborted) {
      io.err('kinglet: stopped; the same command goes on where it stopped\n');
      return STOPPED;
    }
    if (outcome.best) return 0;
    io.err(`kinglet: no trial is within the budget, so nothing was written; ${LARGER}\n`);
    return BEYOND_BUDGET;
  } finally {
    progress.stop();
    runner.stop();
    end();
  }
}

const LARGER = 'allow more, or give more --trials, which goes on where this search ended';

function checkNetworkOptions(file: string | undefined, options: SearchCommandOptions): void {
  const wrong = (text: string): KletError => new KletError('BAD_ARGUMENT', text);
  if (file === undefined) throw wrong('name a network, or give --command for a search of other parameters');
  if (!options.data) {
    throw wrong('search needs --data: typical inputs without labels, to which networks are fitted, such as a folder of '
      + 'images or an array [samples, …] in an .npy file');
  }
  if (options.space !== undefined || Object.keys(options.measures!).length > 0) {
    throw wrong('--space, --maximize, --minimize and --limit need --command; a network has --budget');
  }
}

function taskOptions(options: SearchCommandOptions): TaskOptions {
  const { data, test, maxSamples, limit, target, labels, preprocess, task, answer: output, metric, name, compact, strip,
    budget, search: include, sampler, seed, signature, shape, constant, outputs, layout, state, maxPixels, maxSound,
    maxUnpacked } = options;
  const given = {
    test,
    maxSamples,
    limit,
    target,
    labels,
    preprocess,
    task,
    output,
    metric,
    name,
    strip,
    budget,
    include,
    signature,
    shape,
    constant,
    outputs,
    layout,
    state,
    maxPixels,
    maxSound,
    maxUnpacked,
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...known, data: data!, compact, sampler, seed };
}

/** What must be the same for a search to go on. */
function identityOf({ search, hashes, parallel }: OpenTask, task: TaskOptions): Record<string, unknown> {
  const { compact, strip, name, sampler, seed } = task;
  const metadata = { name, labels: task.labels, preprocess: task.preprocess };
  return {
    'kinglet search': version,
    network: hashes.network,
    data: hashes.samples,
    test: hashes.test,
    budget: search.budget,
    quality: search.qualityName,
    space: search.space,
    sampler,
    seed,
    parallel,
    files: { compact, strip, ...metadata },
  };
}

/** Keeps the files of the best trials only. */
function keepBest(built: Map<number, Uint8Array>, { search }: OpenTask): void {
  const wanted = new Set([...search.front(), ...search.ranking().slice(0, TIMED_BEST)].map(({ number }) => number));
  for (const number of built.keys()) if (!wanted.has(number)) built.delete(number);
}

function bestText({ search }: OpenTask): string | undefined {
  const [best] = search.ranking();
  if (!best) return undefined;
  const { bytes, quality } = best.values!;
  return `${bytesText(bytes!)} ${qualityText(search.qualityName, quality)}`;
}

interface Finishing {
  opened: OpenTask;
  built: Map<number, Uint8Array>;
  builder: Runner;
  /** Whether there is time to build and time the front. */
  isTimed: boolean;
}

type Finished = Pick<SearchOutcome, 'front' | 'best' | 'originalMs' | 'report'>;

/** Times the front and the best networks in turns, with nothing else running, and decides. */
async function finish({ opened: { search }, built, builder, isTimed }: Finishing): Promise<Finished> {
  const ranking = search.ranking();
  const front = search.front();
  const near = ranking.slice(0, search.budget.ms === undefined ? 1 : TIMED_BEST);
  const timed = isTimed ? [...near, ...evenly(front, MOST_TIMED)] : near.slice(0, 1);
  const chosen = [...new Map(timed.map((trial) => [trial.number, trial])).values()];
  const klets = await Promise.all(chosen.map(async ({ number, parameters }) => {
    const klet = built.get(number) ?? (await builder.run({ parameters, buildsOnly: true })).klet;
    if (!klet) throw new KletError('BAD_ARGUMENT', `trial ${number} cannot be built again`);
    return klet;
  }));
  builder.stop();
  const [originalMs, ...times] = search.times([search.originalKlet, ...klets]);
  const candidates =
    new Map(chosen.map((
      trial,
      i,
    ): [number, Candidate] => [trial.number, {
      trial,
      values: trial.values as unknown as Candidate['values'],
      recipe: search.recipeOf(trial.parameters),
      ms: times[i]!,
      klet: klets[i]!,
    }]));
  const { ms: limit = Infinity } = search.budget;
  const best = near.map(({ number }) => candidates.get(number)).find((candidate) => candidate && candidate.ms <= limit);
  return {
    front: front.flatMap(({ number }) => candidates.get(number) ?? []),
    best,
    originalMs: originalMs!,
    report: best && search.report(best.klet),
  };
}

/** At most `count` elements, spread evenly, with the first and the last. */
function evenly<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.round(i * (list.length - 1) / (count - 1))]!);
}

/** The command that makes the same file without a search. */
function repeatText(input: string, output: string, task: TaskOptions): string {
  const { data, compact, strip, name, labels, preprocess, maxSamples, maxPixels, maxSound, maxUnpacked } = task;
  const limits = { 'max-pixels': maxPixels, 'max-sound': maxSound, 'max-unpacked': maxUnpacked };
  const values = Object.entries({ name, labels, preprocess, 'max-samples': maxSamples, ...limits });
  const given = values.flatMap((
    [option, value],
  ) => (value === undefined ? [] : [`--${option} ${word(String(value))}`]));
  return ['kinglet convert', word(input), '-o', word(output), '--recipe', word(output),
    ...data.map((path) => `--samples ${word(path)}`), ...(compact ? ['--compact'] : []), ...(strip ? ['--strip'] : []),
    ...given, ...importTexts(task)].join(' ');
}

/** The options that say how a foreign file is read. */
function importTexts(
  { signature, shape = {}, constant = {}, outputs = [], layout, state = {} }: TaskOptions,
): string[] {
  const pairs = (values: Record<string, string>): string[] =>
    Object.entries(values).map(([name, value]) => (name === '' ? value : `${name}=${value}`));
  const named = (option: string, list: readonly string[]): string[] => list.map((text) => `--${option} ${word(text)}`);
  const sizes = Object.entries(shape).map(([name, size]) => [name, size.join()]);
  const numbers = Object.entries(constant).map(([name, { data }]) => [name, Array.from(data).join()]);
  return [...named('signature', signature === undefined ? [] : [signature]),
    ...named('shape', pairs(Object.fromEntries(sizes) as Record<string, string>)),
    ...named('constant', pairs(Object.fromEntries(numbers) as Record<string, string>)), ...named('outputs', outputs),
    ...named('layout', layout === undefined ? [] : [layout]),
    ...named('state', state === 'auto' ? [state] : pairs(state))];
}

function word(text: string): string {
  return /^[\w.,:=+/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

async function show(outcome: SearchOutcome, options: SearchCommandOptions, io: Io): Promise<void> {
  if (options.report !== undefined) {
    const { searchPage } = await import('../search/page');
    writeAtomically(options.report, new TextEncoder().encode(searchPage(outcome)));
    io.err(`kinglet: wrote ${options.report}\n`);
  }
  io.out(options.json ? jsonOf(toJson(outcome)) : searchText(outcome, io.columns));
}

function toJson({ input, output, search, best, front, report, originalMs, seconds, repeat }: SearchOutcome): unknown {
  const entry = ({ trial, values, recipe, ms }: Candidate) => ({ trial: trial.number, ...values, ms, recipe });
  return {
    file: input,
    budget: search.budget,
    quality: search.qualityName,
    examples: search.counts,
    original: { ...search.original, ms: originalMs },
    ...(best && { best: { ...entry(best), output } }),
    ...(report && { heldOut: report.evaluation ?? report.comparison }),
    ...(repeat !== undefined && { repeat }),
    front: front.map(entry),
    trials: search.study.trials,
    seconds,
  };
}
