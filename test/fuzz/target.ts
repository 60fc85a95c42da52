import type { Random } from '../helpers/random';

/** What is tried: bytes, and the valid ones that they were made from. */
export interface Case {
  base: Uint8Array;
  bytes: Uint8Array;
}

/** A kind of input that strangers control. */
export interface Target {
  name: string;
  /** One line for --help. */
  about: string;
  /** Valid inputs. `names` are those of files, for error messages. */
  seeds(): Uint8Array[];
  /**
   * A changed copy of one of the valid inputs, or of an input that reached something new.
   *
   * @param pick gives one of them
   */
  make(random: Random, pick: () => Uint8Array): Case;
  /** Corrects checksums after the minimizer has changed bytes. */
  mend?: (bytes: Uint8Array) => Uint8Array;
  /** Smaller inputs to try, instead of fewer changed bytes, for inputs that are no byte strings. */
  simpler?: (bytes: Uint8Array) => Iterable<Uint8Array>;
  /**
   * Judges an input.
   *
   * @returns what it reached: an error's shape, or the structure that was accepted
   * @throws Failure
   */
  run(bytes: Uint8Array): string | Promise<string>;
}
