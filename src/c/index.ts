import * as L from '../../assembly/layout';
import { checkOptions, checkString, type Options } from '../arguments';
import { describeValue, KletError } from '../errors';
import { crc32 } from '../format/crc32';
import { debugInfoOf, type DebugInfo } from '../format/debugInfo';
import { openKlet, type OpenedKlet } from '../format/klet';
import { TOOL_MEMORY } from '../limits';
import { recordOffsets } from '../format/records';
import { weightsInMemory } from '../runtime/scalarCore';
import { headerText, memoryOf, sourceText, type Network } from './files';
import { partsFor } from './library/index';
import { codeBytes } from './library/codeBytes';
import { printers } from './operators/index';
import { NoForm, Program } from './program';
import { PlanRecord } from './record';
import { identifier, isIdentifier } from './text';

/** Options of `toC`. */
export interface COptions {
  /**
   * Name of the files and of the functions, as an identifier of C (default: the network's name with
   * other characters replaced).
   */
  name?: string;
}

/** A network as C. */
export interface CProgram {
  /** The identifier in the names of the files and functions. */
  name: string;
  /** The text of `NAME.c` and `NAME.h`, by the names of the files. */
  files: Record<string, string>;
  /** Bytes of weights, biases, scales, tables, and descriptions with 32-bit pointers. */
  constantBytes: number;
  /**
   * About the bytes of code on a Cortex-M4 with FPU, compiled by gcc -Os: the sum of those of the
   * functions, without the C library.
   */
  codeBytes: number;
  /** Bytes of static memory. The arena holds the tensors, and the state if there is one. */
  ram: { arena: number; scratch: number };
}

const cOptions = { name: 'string' } satisfies Options<COptions>;

/**
 * Prints a network as C99: one `.c` and one `.h` file without dependencies, for boards without
 * JavaScript. The program allocates nothing, and its results are those of kinglet, bit for bit.
 *
 * @param klet the bytes of a `.klet` file
 * @returns the two files, and the memory that they need
 * @throws KletError `UNSUPPORTED_OP` (with a list of all operators that have no C form),
 *   `BAD_ARGUMENT`, and `BAD_MAGIC`, `BAD_VERSION` or `CORRUPT` about the file
 * @example
 * ```js
 * const b = new GraphBuilder('twice'), x = b.input('x', [1, 2]);
 * const y = b.node('binary', [x, x], { kind: 'add', activation: 'none' }, { name: 'y' });
 * const { files } = toC(compile(b.finish([y])));
 * console.log(Object.keys(files)); // [ 'twice.c', 'twice.h' ]
 * ```
 */
export function toC(klet: Uint8Array, options: COptions = {}): CProgram {
  checkOptions(options, cOptions, 'toC()');
  if (!(klet instanceof Uint8Array)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `toC() takes the bytes of a .klet file as Uint8Array, not ${describeValue(klet)}`,
    );
  }
  const opened = openKlet(klet, 'the model', crc32, TOOL_MEMORY);
  const name = nameOf(options.name, opened.meta.name);
  const weights = weightsInMemory(opened);
  const program = new Program(weights);
  const debugInfo = debugInfoOf(opened);
  printRecords(opened, program, debugInfo);
  const golden = opened.readGolden();
  const { state } = opened.meta;
  const network: Network = {
    name,
    parts: { meta: opened.meta, arenaBytes: opened.arenaBytes, ...(golden && { golden }) },
    debugInfo,
    program,
    initial: state && weights.slice(state.initial, state.initial + state.bytes),
  };
  return {
    name,
    files: { [`${name}.c`]: sourceText(network), [`${name}.h`]: headerText(network) },
    constantBytes: program.constantBytes,
    codeBytes: codeBytesOf(program),
    ram: memoryOf(network),
  };
}

function nameOf(given: string | undefined, network: string): string {
  if (given === undefined) return identifier(network);
  checkString(given, 'the option "name" of toC()');
  if (isIdentifier(given)) return given;
  throw new KletError(
    'BAD_ARGUMENT',
    `the option "name" of toC() must be an identifier of C and no header of C, such as "${
      identifier(given)
    }", not "${given}"`,
  );
}

/** Bytes of one call of a layer in `predict`. */
const CALL_BYTES = 8;

function codeBytesOf(program: Program): number {
  const names = partsFor(program.needed).flatMap((part) => part.names);
  return names.reduce((sum, name) => sum + (codeBytes[name] ?? 0), CALL_BYTES * program.calls.length);
}

/** Adds every record of the plan to the program, or throws one error about all that have no C. */
function printRecords({ plan, meta }: OpenedKlet, program: Program, debugInfo: DebugInfo | undefined): void {
  const view = new DataView(plan.buffer, plan.byteOffset, plan.byteLength);
  const refusals: string[] = [];
  recordOffsets(plan).forEach((at, index) => {
    const record = new PlanRecord(view, at, index);
    try {
      const print = printers[record.opcode];
      if (!print) throw new NoForm('no C form');
      print(record, program);
    } catch (error) {
      if (!(error instanceof NoForm)) throw error;
      const info = debugInfo?.records[index];
      const operator = info ? `${info.op} "${info.name}"` : `${opcodeName(record.opcode)}, record ${index}`;
      refusals.push(`${operator}: ${error.message}`);
    }
  });
  if (refusals.length === 0) return;
  throw new KletError(
    'UNSUPPORTED_OP',
    `"${meta.name}" cannot become C: ${refusals.length} of its operators have no C form; run them in WebAssembly, `
      + `or replace them in the network:\n${refusals.map((line) => `  ${line}`).join('\n')}`,
  );
}

function opcodeName(opcode: number): string {
  const [name] = Object.entries(L).find(([name, value]) => name.startsWith('OP_') && value === opcode) ?? ['opcode'];
  return name === 'opcode' ? `opcode ${opcode}` : name.slice(3).toLowerCase();
}
