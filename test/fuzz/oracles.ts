import { KletError } from '../../src/index';

// What must hold, whatever the input.

export type FailureKind = 'wrong error' | 'unhelpful message' | 'different answers' | 'refused' | 'changed input'
  | 'control characters' | 'slow' | 'memory' | 'hang' | 'crash';

/** An input broke a promise. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(readonly kind: FailureKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }

  /** The same for all failures with the same reason. */
  get shape(): string {
    return `${this.kind}: ${shapeOf(this.message)}`;
  }
}

/** A message without what differs from input to input: numbers and quoted names. */
export function shapeOf(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\b0x[0-9a-f]+|\d[\d,.]*/gi, '#').replace(
    /(?:""(?:, )?)+/g,
    '""',
  ).slice(0, 160);
}

const unhelpful = /^\s*$|\[object |\bundefined\b|Cannot read prop|is not a function|is not iterable/;
/** A message may say that a value is undefined, such as "not undefined". */
const told = /\b(?:not|of|got|is|kind|type|unit|value) undefined\b(?! \()/g;

/**
 * Checks that an error is a KletError that people can read.
 *
 * @returns its code and the shape of its message
 * @throws Failure
 */
export function judgeError(error: unknown): string {
  if (error instanceof Failure) throw error;
  if (!(error instanceof KletError)) {
    const { name, message, stack = '' } = error as Error;
    const where = /\n\s+at (?:async )?([\w.<>]+)/.exec(stack)?.[1] ?? 'somewhere';
    throw new Failure('wrong error', `${name} in ${where}: ${message ?? String(error)}`, { cause: error });
  }
  const { code, message } = error;
  if (typeof code !== 'string') throw new Failure('unhelpful message', `an error has no code: ${message}`);
  const own = message.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(told, '');
  if (unhelpful.test(own)) throw new Failure('unhelpful message', `${code}: ${message}`, { cause: error });
  return `${code}: ${shapeOf(message)}`;
}

/**
 * Runs a function that may throw a KletError only.
 *
 * @returns its result, or the shape of its error
 */
export function attempt<T>(action: () => T): { value: T } | { error: string } {
  try {
    return { value: action() };
  } catch (error) {
    return { error: judgeError(error) };
  }
}

/** Runs a function and fails if it changes these bytes. */
export function unchanged<T>(files: readonly Uint8Array[], action: () => T): T {
  const before = files.map((bytes) => bytes.slice());
  const check = (): void => {
    for (const [i, bytes] of files.entries()) {
      if (Buffer.compare(bytes, before[i]!) !== 0) throw new Failure('changed input', `file ${i} was changed`);
    }
  };
  let result: T;
  try {
    result = action();
  } catch (error) {
    check();
    throw error;
  }
  check();
  return result;
}

/** CPU time that a case may take, in seconds. It counts threads, but not a busy machine. */
export const MAX_SECONDS = 2;
/** Bytes that a model may take, given to `load` and `compile`. */
export const MAX_MEMORY = 16 << 20;
/** Bytes that reading and compiling may take beside it. */
export const MORE_MEMORY = 64 << 20;

/** Measures one case. */
export class Meter {
  private cpu = process.cpuUsage();
  private resident = process.memoryUsage.rss();
  private peak = process.resourceUsage().maxRSS;

  constructor(private readonly maxSeconds = MAX_SECONDS, private readonly maxBytes = MAX_MEMORY + MORE_MEMORY) {}

  /**
   * @returns the seconds of processor time
   * @throws Failure if the case took too much
   */
  check(): number {
    const { user, system } = process.cpuUsage(this.cpu);
    const seconds = (user + system) / 1e6;
    if (seconds > this.maxSeconds) throw new Failure('slow', `it took ${seconds.toFixed(1)} s of processor time`);
    const { maxRSS } = process.resourceUsage();
    const bytes = maxRSS * 1024 - this.resident;
    if (maxRSS > this.peak && bytes > this.maxBytes) {
      throw new Failure('memory', `it took ${Math.round(bytes / 2 ** 20)} MiB`);
    }
    return seconds;
  }
}
