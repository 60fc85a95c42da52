import { ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, utimesSync, writeFileSync,
  writeSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from '../../src/format/crc32';
import { minimize } from './minimize';
import { Failure } from './oracles';
import { pack, unpack } from './package';
import { plantedTargets } from './planted';
import { judge, search, type Limits } from './search';
import type { Case, Target } from './target';
import { targets } from './targets/index';

// The process that judges, so that another one can end it when it hangs.

export interface Task {
  target: string;
  /** A folder for the case that is being judged. */
  folder: string;
  /** A file to judge, instead of a search. */
  judge?: string;
  /** Seconds for making its input smaller, which replaces it. */
  minimize?: number;
  /** A folder of inputs that reached something, which is read and grows. */
  corpus?: string;
  limits: Omit<Limits, 'corpus'>;
}

/** Lines on the third pipe. */
export type Report = { kind: 'progress'; cases: number; reached: number } | {
  kind: 'failure';
  failure: Failure['kind'];
  message: string;
  shape: string;
  /** The file with the case. */
  file?: string;
} | { kind: 'passed'; reached: string } | { kind: 'end'; cases: number; reached: number };

const PIPE = 3;
const REPORT_MS = 200;

function report(line: Report): void {
  writeSync(PIPE, `${JSON.stringify(line)}\n`);
}

export function targetOf(name: string): Target {
  const found = [...targets, ...plantedTargets].find((target) => target.name === name);
  if (!found) throw new Error(`no target "${name}"`);
  return found;
}

const tellOf = (failure: Failure): Report & { kind: 'failure' } => ({
  kind: 'failure',
  failure: failure.kind,
  message: failure.message,
  shape: failure.shape,
});

export function readCase(file: string): Case {
  const { base, bytes } = unpack(new Uint8Array(readFileSync(file)))!;
  return { base: base!, bytes: bytes! };
}

/** Judges the case in a file and, if it fails, makes it smaller. */
async function judgeOne(target: Target, file: string, seconds: number | undefined): Promise<void> {
  const tried = readCase(file);
  const touch = (): void => utimesSync(file, new Date(), new Date());
  touch();
  const result = await judge(target, tried.bytes.slice());
  if (!(result instanceof Failure)) return report({ kind: 'passed', reached: result });
  report(tellOf(result));
  // the peak of memory never falls
  if (seconds === undefined || result.kind === 'memory') return;
  const fails = async (bytes: Uint8Array): Promise<boolean> => {
    touch();
    const other = await judge(target, bytes.slice());
    return other instanceof Failure && other.shape === result.shape;
  };
  const bytes = await minimize(target, tried, fails, seconds);
  writeFileSync(file, pack({ base: tried.base, bytes }));
}

/** Writes each case over the one before, in a file that stays open. */
function keeper(file: string): (tried: Case) => void {
  let descriptor: number | undefined;
  let size = 0;
  return (tried) => {
    const bytes = pack({ ...tried });
    // whoever watches takes a child without a file for one that starts
    descriptor ??= openSync(file, 'w');
    writeSync(descriptor, bytes, 0, bytes.length, 0);
    if (bytes.length < size) ftruncateSync(descriptor, bytes.length);
    size = bytes.length;
  };
}

export async function runChild(
  { target: name, folder, judge: one, minimize: seconds, corpus, limits }: Task,
): Promise<void> {
  // functions under test print, and a promise that nobody awaits is a defect that its case shows
  console.log = (): void => undefined;
  process.on('unhandledRejection', () => undefined);
  const target = targetOf(name);
  if (one !== undefined) return judgeOne(target, one, seconds);
  if (corpus) mkdirSync(corpus, { recursive: true });
  const before = corpus ? readdirSync(corpus).map((file) => new Uint8Array(readFileSync(path.join(corpus, file)))) : [];
  const shapes = new Set<string>();
  let last = performance.now();
  let counts = { cases: 0, reached: 0 };
  await search(target, { ...limits, corpus: before }, {
    begins: keeper(path.join(folder, 'current')),
    reached: (_key, bytes) => {
      if (corpus) writeFileSync(path.join(corpus, (crc32(bytes) >>> 0).toString(16)), bytes);
    },
    failed: (failure, tried) => {
      if (shapes.has(failure.shape)) return;
      shapes.add(failure.shape);
      const file = path.join(folder, `case-${shapes.size}-${process.pid}`);
      writeFileSync(file, pack({ ...tried }));
      report({ ...tellOf(failure), file });
    },
    ends: (cases, reached) => {
      counts = { cases, reached };
      if (performance.now() - last < REPORT_MS) return;
      last = performance.now();
      report({ kind: 'progress', ...counts });
    },
  });
  report({ kind: 'end', ...counts });
}
