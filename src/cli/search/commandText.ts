import type { ParameterValues, SearchMeasure, Study, Trial } from '../../compiler/index';
import { leftText } from '../progress';
import { clip, digits, facts, table, type Column } from '../text';
import { trialsText } from './text';

/** The result of a search with a command. */
export interface CommandOutcome {
  command: string;
  measures: Readonly<Record<string, SearchMeasure>>;
  study: Study;
  front: readonly Trial[];
  seconds: number;
  /** The command with the best parameters. */
  repeat: string | undefined;
}

const SHOWN = 20;
const COLUMN_WIDTH = 12;
const LEAST_PARAMETERS = 24;

export function commandText(outcome: CommandOutcome, columns: number): string {
  const { measures, study, front, seconds, repeat } = outcome;
  const names = Object.keys(measures);
  const [best] = front;
  const head = facts({
    trials: `${study.trials.length} in ${leftText(seconds)}: ${trialsText(study.trials, names)}`,
    best: best && `trial ${best.number}: ${names.map((name) => `${name} ${digits(best.values![name]!)}`).join(', ')}`,
    repeat,
  });
  if (!best) return `${head}\nno trial is within the limits\n`;
  const right = 'right' as const;
  const heads: Column[] = [...['trial', ...names].map((name) => ({ head: name, align: right })), {
    head: 'parameters',
  }];
  const room = Math.max(LEAST_PARAMETERS, columns - COLUMN_WIDTH * (1 + names.length));
  const rows = front.slice(0, SHOWN).map((
    { number, values, parameters },
  ) => [String(number), ...names.map((name) => digits(values![name]!)), clip(parametersText(parameters), room)]);
  return `${head}\nnot beaten within the limits:\n${table(heads, rows)}`;
}

function parametersText(parameters: ParameterValues): string {
  return Object.entries(parameters).map(([name, value]) => `${name}=${value}`).join(' ');
}
