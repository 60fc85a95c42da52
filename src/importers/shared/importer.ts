import { checkOptions, show, type Options } from '../../arguments';
import { KletError } from '../../errors';
import type { Graph } from '../../graph/graph';
import { UnsupportedTensor } from './unsupported';

/** What a foreign file says about the use of its network, in the terms of META. */
export interface ForeignMeta {
  /** Names of the classes of the output. */
  labels?: string[];
  /** How an image becomes the input: byte × scale + offset, per channel if there are several. */
  preprocessing?: { kind: 'image'; channels: 1 | 3; scale: number | number[]; offset: number | number[] };
}

/** A foreign format: how its files are recognized and read. */
export interface Importer {
  /** Short name, as in the output of the command line. */
  name: string;
  /** Name for people, as in error messages. */
  title: string;
  /** Endings of its files, without the dot. */
  extensions: readonly string[];
  /** Whether a file has this format, judged by its contents. */
  recognizes(bytes: Uint8Array): boolean;
  /**
   * @param options.name - Name of the network, also used in error messages.
   * @throws {KletError} `BAD_MAGIC`, `CORRUPT`, `INVALID_GRAPH`, `UNSUPPORTED_OP` or
   *   `UNSUPPORTED_TYPE`
   */
  import(bytes: Uint8Array, options?: { name?: string }): Graph;
  /**
   * Reads labels and preprocessing, for formats that can have them.
   *
   * @throws {KletError} `CORRUPT`
   */
  meta?(bytes: Uint8Array): ForeignMeta;
}

const importOptions = { name: 'string' } satisfies Options<NonNullable<Parameters<Importer['import']>[1]>>;

/** Checks the arguments of an import. @throws KletError `BAD_ARGUMENT` */
export function checkImport(bytes: Uint8Array, options: { name?: string }, of: string): void {
  checkOptions(options, importOptions, of);
  if (bytes instanceof Uint8Array) return;
  throw new KletError('BAD_ARGUMENT', `${of} takes the bytes of a file as Uint8Array, not ${show(bytes)}`);
}

/**
 * Runs an import. Its errors become `KletError`s that begin with the name of the network, errors of
 * a parser too.
 */
export function importNamed(name: string, run: () => Graph): Graph {
  try {
    return run();
  } catch (error) {
    if (error instanceof KletError) {
      throw new KletError(error.code, `${name}: ${error.message}`, { cause: error.cause });
    }
    if (error instanceof UnsupportedTensor) {
      throw new KletError('UNSUPPORTED_TYPE', `${name}: tensor ${error.message} is not supported`);
    }
    throw new KletError('CORRUPT', `${name}: the file is malformed (${(error as Error).message})`, { cause: error });
  }
}
