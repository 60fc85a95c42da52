import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { readCase, targetOf, type Report, type Task } from './child';
import { writeFound } from './found';
import { minimize } from './minimize';
import { Failure } from './oracles';
import { pack } from './package';

/** Seconds after which a case that has not ended hangs. Slow ones are told by processor time. */
const HANG_SECONDS = 20;
/** Seconds that the minimizer has. */
const MINIMIZE_SECONDS = 60;

export interface Run {
  target: string;
  seed: number;
  seconds?: number;
  cases?: number;
  corpus?: string;
  /** The bundled program. */
  program: string;
  /** The Node that judges; by default this one. */
  node?: string;
  hangSeconds?: number;
  minimizeSeconds?: number;
  /** Keeps a failing input; by default `writeFound`. */
  write?: typeof writeFound;
  progress?(cases: number, reached: number, failures: number): void;
}

/** A failure that occurs again in a process of its own. */
export interface FoundFailure {
  shape: string;
  message: string;
  file: string;
  bytes: number;
}

export interface Outcome {
  cases: number;
  reached: number;
  seconds: number;
  failures: FoundFailure[];
}

interface Ended {
  /** Whether the child ended by itself. */
  finished: boolean;
  failure?: { shape: string; message: string };
}

type Failed = Report & { kind: 'failure' };

/** Runs a child until it ends or hangs. */
function runTask(task: Task, run: Run, tell: (line: Report) => void): Promise<Ended> {
  const limit = (run.hangSeconds ?? HANG_SECONDS) * 1000;
  const child = spawn(run.node ?? process.execPath, [run.program, '--child', JSON.stringify(task)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  let hangs = false;
  const file = task.judge ?? path.join(task.folder, 'current');
  const modified = (): number | undefined => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const before = modified();
  let started = Date.now();
  child.stderr!.on('data', (text: Buffer) => {
    errors = (errors + text.toString()).slice(-2000);
  });
  const lines = createInterface({ input: child.stdio[3] as Readable });
  lines.on('line', (line) => tell(JSON.parse(line) as Report));
  const closed = new Promise<void>((resolve) => void lines.on('close', resolve));
  // the file changes when a case begins
  const watch = setInterval(() => {
    const last = modified();
    const isStarting = last === before;
    started = Math.max(started, last ?? 0);
    if (Date.now() - started < (isStarting ? 10 * limit : limit)) return;
    hangs = true;
    child.kill('SIGKILL');
  }, Math.min(500, limit / 4));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      void closed.then(() => {
        if (code === 0) return resolve({ finished: true });
        const kind = hangs ? 'hang' : 'crash';
        const said = /^.*(?:Error|fatal|FATAL).*$/m.exec(errors)?.[0] ?? '';
        const message = hangs ? `no end after ${limit / 1000} s` : `exit ${code ?? signal} ${said}`;
        resolve({ finished: false, failure: { shape: new Failure(kind, message).shape, message } });
      });
    });
  });
}

/** Searches failures of a target. Each is confirmed, made smaller and written to a file. */
export async function fuzz(run: Run): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-fuzz-'));
  const start = performance.now();
  const failed = new Map<string, Failed & { file: string }>();
  let before = 0;
  let reached = 0;
  let cases = 0;
  try {
    for (;;) {
      const left = (run.seconds ?? Infinity) - (performance.now() - start) / 1000;
      const count = (run.cases ?? Infinity) - before;
      if (left <= 0 || count <= 0) break;
      const limits = {
        seed: run.seed,
        first: before,
        ...(run.seconds !== undefined && { seconds: left }),
        ...(run.cases !== undefined && { cases: count }),
      };
      const task = { target: run.target, folder, limits, ...(run.corpus !== undefined && { corpus: run.corpus }) };
      rmSync(path.join(folder, 'current'), { force: true });
      const ended = await runTask(task, run, (line) => {
        if (line.kind === 'failure') {
          if (!failed.has(line.shape)) failed.set(line.shape, { ...line, file: line.file! });
        } else if (line.kind !== 'passed') {
          cases = before + line.cases;
          reached = Math.max(reached, line.reached);
        }
        run.progress?.(cases, reached, failed.size);
      });
      if (ended.finished) break;
      const { shape, message } = ended.failure!;
      const current = path.join(folder, 'current');
      if (!statSync(current, { throwIfNoEntry: false })) throw new Error(`the fuzzer ended at its start: ${message}`);
      const file = path.join(folder, `ended-${before}`);
      copyFileSync(current, file);
      const kind = message.startsWith('no end') ? 'hang' : 'crash';
      if (!failed.has(shape)) failed.set(shape, { kind: 'failure', failure: kind, message, shape, file });
      // the next child goes on behind the case that ended this one
      cases++;
      before = cases;
    }
    const seconds = (performance.now() - start) / 1000;
    const failures: FoundFailure[] = [];
    for (const failure of failed.values()) {
      const found = await confirmed(failure, run, folder);
      if (found) failures.push(found);
    }
    return { cases, reached, seconds, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resources are what a busy machine measures wrongly, so they must fail twice. */
const measured = ['slow', 'memory', 'hang'];

/** Judges a failing case again, in a process of its own, and makes it smaller. */
async function confirmed(
  failure: Failed & { file: string },
  run: Run,
  folder: string,
): Promise<FoundFailure | undefined> {
  const tried = readCase(failure.file);
  const seconds = run.minimizeSeconds ?? MINIMIZE_SECONDS;
  const write = run.write ?? writeFound;
  const judgeApart = async (bytes: Uint8Array): Promise<{ shape: string; message: string } | undefined> => {
    const file = path.join(folder, 'apart');
    writeFileSync(file, pack({ base: tried.base, bytes }));
    let result: { shape: string; message: string } | undefined;
    const task = { target: run.target, folder, judge: file, minimize: seconds, limits: { seed: 0 } };
    const ended = await runTask(task, run, (line) => {
      if (line.kind === 'failure') result = line;
    });
    return ended.failure ?? result;
  };
  const again = await judgeApart(tried.bytes);
  if (!again) {
    if (measured.includes(failure.failure)) return undefined;
    const why = `${failure.message} (only in the process that tried others before)`;
    return { ...failure, message: why, file: write(run.target, why, tried.bytes), bytes: tried.bytes.length };
  }
  let { bytes } = readCase(path.join(folder, 'apart'));
  if (['hang', 'crash', 'memory'].includes(failure.failure)) {
    bytes = await minimize(
      targetOf(run.target),
      tried,
      async (smaller) => (await judgeApart(smaller))?.shape === again.shape,
      seconds,
    );
  }
  return { ...again, file: write(run.target, again.message, bytes), bytes: bytes.length };
}
