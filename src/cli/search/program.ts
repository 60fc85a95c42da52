import { spawn } from 'node:child_process';
import type { ParameterValue, ParameterValues, SearchMeasure, SearchSpace } from '../../compiler/index';
import { KletError } from '../../index';
import { quoted, readText } from '../files';
import type { Outcome } from './schedule';

// Trials that are runs of a program, such as a training, which prints its measures as JSON.

/** The end of what a failed program said is shown. */
const SHOWN_ERROR = 400;

/** @throws KletError `FETCH_FAILED`, or `BAD_ARGUMENT` for a file that is no JSON */
export function readSpace(file: string): SearchSpace {
  try {
    return JSON.parse(readText(file)) as SearchSpace;
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('BAD_ARGUMENT', `${quoted(file)} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** @throws KletError `BAD_ARGUMENT` if a parameter is not in the command */
export function checkCommand(command: string, space: SearchSpace): void {
  const missing = Object.keys(space).find((name) => !command.includes(`{${name}}`));
  if (missing === undefined) return;
  throw new KletError(
    'BAD_ARGUMENT',
    `the command does not use the parameter "${missing}" of the space; write {${missing}} where its value goes`,
  );
}

/**
 * The command with values in place of {NAME}. Parameters that do not count in a trial become
 * nothing.
 */
export function filledIn(command: string, space: SearchSpace, values: ParameterValues): string {
  return Object.keys(space).reduce(
    (text, name) => text.replaceAll(`{${name}}`, () => (Object.hasOwn(values, name) ? shellWord(values[name]!) : '')),
    command,
  );
}

function shellWord(value: ParameterValue): string {
  const text = String(value);
  return /^[\w.,:=+/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Runs a command in a shell. Its last line on stdout must be a JSON object with the measures. */
export function runProgram(
  command: string,
  measures: Readonly<Record<string, SearchMeasure>>,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => {
    // a group of its own, so that all processes of the command can be ended
    const isGroup = process.platform !== 'win32';
    const child = spawn(command, { shell: true, detached: isGroup, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-SHOWN_ERROR);
    });
    const end = (): void => {
      if (isGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      else child.kill();
    };
    signal.addEventListener('abort', end, { once: true });
    const settle = (outcome: Outcome): void => {
      signal.removeEventListener('abort', end);
      resolve(outcome);
    };
    child.on('error', (error) => settle({ failure: `the command did not start: ${error.message}` }));
    child.on('close', (code, killed) => {
      if (code === 0) settle(measuresIn(out, measures));
      else settle({ failure: `the command ended with ${killed ?? `code ${code}`}: ${err.trim() || 'no message'}` });
    });
  });
}

/** The measures in the last line of a program's output. */
export function measuresIn(out: string, measures: Readonly<Record<string, SearchMeasure>>): Outcome {
  const last = out.trimEnd().split('\n').at(-1);
  let found: unknown;
  try {
    found = JSON.parse(last);
  } catch {
    return { failure: `the last line of the command's output is no JSON: ${last.slice(0, SHOWN_ERROR)}` };
  }
  if (typeof found !== 'object' || found === null) return { failure: 'the last line is no JSON object' };
  const known = new Map(Object.entries(found));
  const missing = Object.keys(measures).find((name) => typeof known.get(name) !== 'number');
  if (missing !== undefined) {
    return { failure: `the last line has no number "${missing}": ${last.slice(0, SHOWN_ERROR)}` };
  }
  return { values: Object.fromEntries(Object.keys(measures).map((name) => [name, known.get(name) as number])) };
}
