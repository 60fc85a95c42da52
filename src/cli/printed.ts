import { join, resolve } from 'node:path';
import { toC, toScript, type CProgram, type Script } from '../compiler/index';
import { KletError } from '../index';
import { bytesText } from './text';

// Networks as programs: `convert --c` and `convert --script`.

export interface PrintOptions {
  /** Folder for the network as C. */
  c?: string;
  /** File for the network as a script. */
  script?: string;
  /** File for the weights of the script. */
  weights?: string;
}

/** The files of a network in another language. */
export interface Printed {
  files: { path: string; bytes: Uint8Array }[];
  /** What they need, in words. */
  memory: string;
}

/** Prints the network as the options ask, by language. What cannot be printed is refused. */
export function printed(klet: Uint8Array, { c, script, weights }: PrintOptions): Record<string, Printed> {
  return {
    ...(c !== undefined && { C: asC(toC(klet), c) }),
    ...(script !== undefined && { script: asScript(klet, script, weights) }),
  };
}

function asC(program: CProgram, folder: string): Printed {
  const files = Object.entries(program.files).map(([name, text]) => ({
    path: join(folder, name),
    bytes: bytesOf(text),
  }));
  return { files, memory: cMemoryText(program) };
}

function asScript(klet: Uint8Array, path: string, weights: string | undefined): Printed {
  const made = toScript(klet, { weights: weights === undefined ? 'inside' : 'apart' });
  return {
    files: [{ path, bytes: bytesOf(made.code) },
      ...(weights === undefined ? [] : [{ path: weights, bytes: made.weights! }])],
    memory: `variable ${made.name}; ${scriptMemoryText(made)}`,
  };
}

/** The memory of a network as C. */
export function cMemoryText({ constantBytes, ram }: CProgram): string {
  return `${bytesText(constantBytes)} of constants, ${bytesText(ram.arena + ram.scratch)} of RAM: `
    + `arena ${bytesText(ram.arena)}, scratch ${bytesText(ram.scratch)}`;
}

/** The sizes of a network as a script. */
export function scriptMemoryText({ codeBytes, dataBytes, arenaBytes }: Script): string {
  return `${bytesText(codeBytes)} of code, ${bytesText(dataBytes)} of data, ${bytesText(arenaBytes)} of arena in RAM`;
}

/** @throws KletError `BAD_ARGUMENT` */
export function checkPrintOptions({ c, script, weights }: PrintOptions): void {
  if (c === '-') {
    throw new KletError('BAD_ARGUMENT', '--c takes a folder for two files; they cannot go to standard output');
  }
  if (script === '-' || weights === '-') {
    throw new KletError('BAD_ARGUMENT', '--script and --weights take files; they cannot go to standard output');
  }
  if (weights !== undefined && script === undefined) {
    throw new KletError('BAD_ARGUMENT', '--weights needs --script, the script that uses them');
  }
  if (weights !== undefined && resolve(weights) === resolve(script!)) {
    throw new KletError('BAD_ARGUMENT', '--weights and --script name the same file; give each its own');
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
