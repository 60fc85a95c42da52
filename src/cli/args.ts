import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ConstantInput } from '../compiler/index';
import type { Flavor, ModelInfo } from '../index';
import type { LimitOptions } from '../limits';
import { plural } from './text';

// Parsers of option values. Commander puts the option's name in front of their messages.

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

export function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be greater than 0.');
  return value;
}

/** A parser of whole numbers with an upper limit. */
export function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = wholeNumber(text);
    if (value > most) throw new InvalidArgumentError(`It must be at most ${most}.`);
    return value;
  };
}

/** A parser of numbers from 1 on with a suffix for a power of `base`, rounded down. */
function scaledNumber(form: RegExp, base: 1000 | 1024, what: string): (text: string) => number {
  return (text) => {
    const found = form.exec(text);
    const value = found ? Number(found[1]) * base ** ' kmgt'.indexOf(found[2]!.toLowerCase() || ' ') : 0;
    if (!(value >= 1)) throw new InvalidArgumentError(`It must be ${what}.`);
    return Math.floor(value);
  };
}

/** Parses a size such as 65536, 512K, 2M or 1.5MiB. */
export const byteCount = scaledNumber(
  /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i,
  1024,
  'a number of bytes, such as 65536, 512K or 2M',
);

/** Parses a number such as 500000, 500k, 100M or 1.5G. */
export const largeNumber = scaledNumber(
  /^(\d+(?:\.\d+)?)\s*([kmg]?)$/i,
  1000,
  'a number above 0, such as 500000, 500k or 100M',
);

/** Parses a number of multiply-adds such as 1000000, 5e9, 200M or 2T. */
export const workCount = scaledNumber(
  /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgt]?)$/i,
  1000,
  'a number of multiply-adds, such as 5e9, 200M or 2T',
);

/** Collects the values of an option that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Collects shapes such as 1,224,224,3 or image=1,224,224,3, by the names of inputs. */
export function collectShapes(
  text: string,
  before: Readonly<Record<string, readonly number[]>> = {},
): Record<string, readonly number[]> {
  const at = text.lastIndexOf('=');
  const sizes = text.slice(at + 1).split(',').map((size) => size.trim());
  if (!sizes.every((size) => /^[1-9]\d*$/.test(size))) {
    throw new InvalidArgumentError('It must be sizes, such as 1,224,224,3 or NAME=1,224,224,3.');
  }
  return { ...before, [at < 0 ? '' : text.slice(0, at)]: sizes.map(Number) };
}

/** Collects constants such as sr=16000 or axes=0,1, by the names of inputs. */
export function collectConstants(
  text: string,
  before: Readonly<Record<string, ConstantInput>> = {},
): Record<string, ConstantInput> {
  const at = text.lastIndexOf('=');
  const data = text.slice(at + 1).split(',').map((value) => (value.trim() === '' ? NaN : Number(value)));
  if (at < 1 || data.some(Number.isNaN)) {
    throw new InvalidArgumentError('It must be the name of an input and numbers, such as sr=16000 or size=224,224.');
  }
  return { ...before, [text.slice(0, at)]: { data } };
}

/** Collects states such as stateN=state, which name an output and its input, or auto. */
export function collectStates(
  text: string,
  before: Readonly<Record<string, string>> | 'auto' = {},
): Record<string, string> | 'auto' {
  if (text === 'auto' || before === 'auto') return 'auto';
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) {
    throw new InvalidArgumentError('It must be an output and its input, such as stateN=state, or auto.');
  }
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

export function threadCount(text: string): number {
  positiveNumber(text);
  return countUpTo(16)(text);
}

/** "simd", "simd, 2 threads" or "simd, one thread: REASON". */
export function infoText({ flavor, threads, singleThreadReason }: ModelInfo): string {
  if (singleThreadReason !== undefined) return `${flavor}, one thread: ${singleThreadReason}`;
  return threads === 1 ? flavor : `${flavor}, ${plural(threads, 'thread')}`;
}

export function flavorOption(description: string): Option {
  return new Option('--flavor <flavor>', description).choices(['relaxed', 'simd', 'scalar', 'js'] satisfies Flavor[]);
}

/** Adds the options that limit what a network may take. */
export function addLimitOptions(command: Command): void {
  command.option(
    '--max-memory <bytes>',
    'refuse a network that needs more memory to run (65536, 512K, 2M; default: 1G)',
    byteCount,
  );
  command.option(
    '--max-work <count>',
    'refuse a network that needs more multiply-adds for a prediction (5e9, 200M; default: 1.1T)',
    workCount,
  );
}

/** The limits among the options of a command. */
export function limitsIn({ maxMemory, maxWork }: LimitOptions): LimitOptions {
  return { ...(maxMemory !== undefined && { maxMemory }), ...(maxWork !== undefined && { maxWork }) };
}
