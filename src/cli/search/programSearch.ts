import { availableParallelism } from 'node:os';
import { Study, type Trial } from '../../compiler/index';
import { KletError } from '../../index';
import { checkOutputs, writeAtomically } from '../files';
import type { Io } from '../io';
import { digits, jsonOf } from '../text';
import { version } from '../version';
import { commandText, type CommandOutcome } from './commandText';
import { Journal } from './journal';
import { checkCommand, filledIn, readSpace, runProgram } from './program';
import { runTrials } from './schedule';
import { BEYOND_BUDGET, interruption, SearchProgress, STOPPED, type SearchCommandOptions } from './session';

/** Searches the parameters of a program. @returns the exit code */
export async function searchProgram(file: string | undefined, options: SearchCommandOptions, io: Io): Promise<number> {
  const wrong = (text: string): KletError => new KletError('BAD_ARGUMENT', text);
  if (file !== undefined) throw wrong('--command searches without a network; leave out one of them');
  const { command, sampler, seed, trials } = options;
  const measures = options.measures!;
  const stray = Object.entries({
    '--data': options.data,
    '--test': options.test,
    '--budget': options.budget,
    '--search': options.search,
    '--output': options.output,
  }).find(([, value]) => value !== undefined);
  if (stray) throw wrong(`${stray[0]} is for the search of a network; with --command, leave it out`);
  if (options.space === undefined) throw wrong('--command needs --space, a JSON file with the parameters');
  if (Object.values(measures).every(({ goal }) => goal === undefined)) {
    throw wrong('--command needs --maximize or --minimize, a number that it prints');
  }
  const space = readSpace(options.space);
  const jobs = options.jobs ?? availableParallelism();
  const parallel = Math.max(jobs, 4);
  const study = new Study(space, { measures, sampler, seed, parallel });
  checkCommand(command!, space);
  const identity = { 'kinglet search': version, command, space, measures, sampler, seed, parallel };
  const journalPath = options.journal ?? 'search.jsonl';
  checkOutputs({ '--journal': journalPath, '--report': options.report }, [options.space]);
  const journal = new Journal(journalPath, identity);
  const { signal, end } = interruption();
  const progress = new SearchProgress(io, trials, jobs);
  const start = performance.now();
  try {
    await runTrials({
      study,
      journal,
      count: trials,
      jobs,
      signal,
      run: ({ parameters }) => runProgram(filledIn(command!, space, parameters), measures, signal),
      onTrial: (_, seconds) => {
        const best = study.best();
        progress.add(seconds, best && valuesText(best));
      },
    });
  } finally {
    progress.stop();
    end();
  }
  const front = study.front();
  const outcome: CommandOutcome = {
    command: command!,
    measures,
    study,
    front,
    seconds: (performance.now() - start) / 1000,
    repeat: front[0] && filledIn(command!, space, front[0].parameters),
  };
  if (options.report !== undefined) {
    const { commandPage } = await import('./page');
    writeAtomically(options.report, new TextEncoder().encode(commandPage(outcome)));
    io.err(`kinglet: wrote ${options.report}\n`);
  }
  if (options.json) {
    const { repeat, seconds } = outcome;
    io.out(jsonOf({ command, best: front[0], repeat, front, trials: study.trials, seconds }));
  } else io.out(commandText(outcome, io.columns));
  if (signal.aborted) {
    io.err('kinglet: stopped; the same command goes on where it stopped\n');
    return STOPPED;
  }
  return front.length > 0 ? 0 : BEYOND_BUDGET;
}

function valuesText({ values }: Trial): string {
  return Object.entries(values!).map(([name, value]) => `${name} ${digits(value)}`).join(' ');
}
