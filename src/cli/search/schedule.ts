import type { ParameterValues, Study, Trial } from '../../compiler/index';
import { KletError } from '../../index';
import type { Entry, Journal } from './journal';

/** What a trial results in: measures, or a reason why there are none. */
export type Outcome = { values: Record<string, number> } | { failure: string };

export interface Schedule {
  study: Study;
  journal: Journal;
  /** Number of trials in all, those of the journal included. */
  count: number;
  /** How many run at the same time. */
  jobs: number;
  run: (trial: Trial) => Promise<Outcome>;
  /** Called after each trial, also after those of the journal. */
  onTrial: (trial: Trial, seconds: number) => void;
  signal: AbortSignal;
}

/** If so many trials fail and none has succeeded, the rest will fail as well. */
const MOST_FAILURES = 5;

/** Runs trials, several at the same time, until there are enough or the signal stops it. */
export async function runTrials(schedule: Schedule): Promise<void> {
  const { study, journal, count, jobs, run, onTrial, signal } = schedule;
  const running = new Set<Promise<void>>();
  const finish = (entry: Entry): void => {
    const { trial, values, failure } = entry;
    if (values) study.tell(trial, values);
    else study.fail(trial, failure!);
    onTrial(study.trials[trial]!, entry.seconds);
  };
  const begin = ({ number, parameters }: Trial): void => {
    const known = journal.known.get(number);
    if (known) {
      checkSame(known, parameters);
      finish(known);
      return;
    }
    const start = performance.now();
    const ending = run({ number, parameters }).then((outcome) => {
      if (signal.aborted) return;
      const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
      const entry = { trial: number, parameters, ...outcome, seconds };
      journal.add(entry);
      finish(entry);
    }).finally(() => running.delete(ending));
    running.add(ending);
  };
  const abortion = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  for (;;) {
    while (!signal.aborted && running.size < jobs && study.trials.length < count) {
      checkFailures(study.trials);
      const trial = study.ask();
      if (!trial) break;
      begin(trial);
    }
    if (running.size === 0 || signal.aborted) return;
    await Promise.race([...running, abortion]);
  }
}

function checkSame({ trial, parameters }: Entry, proposed: ParameterValues): void {
  if (JSON.stringify(parameters) === JSON.stringify(proposed)) return;
  throw new KletError(
    'BAD_ARGUMENT',
    `trial ${trial} of the journal has other parameters than this version of kinglet proposes; choose another `
      + 'file with --journal to start again',
  );
}

function checkFailures(trials: readonly Trial[]): void {
  const failures = trials.flatMap(({ failure }) => failure ?? []);
  if (failures.length < MOST_FAILURES || trials.some(({ values }) => values)) return;
  throw new KletError('BAD_ARGUMENT', `the first ${failures.length} trials failed: ${failures[0]!}`);
}
