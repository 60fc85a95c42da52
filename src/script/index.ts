import { functions, parts } from '../../build/tiny.js';
import { DTYPE_F32, DTYPE_I16, RECORD_DTYPE } from '../../assembly/layout';
import { checkOptions, checkString, show, type Options } from '../arguments';
import { describeValue, KletError } from '../errors';
import { crc32 } from '../format/crc32';
import { debugInfoOf } from '../format/debugInfo';
import { openKlet, type OpenedKlet } from '../format/klet';
import { TOOL_MEMORY } from '../limits';
import { recordOffsets } from '../format/records';
import { weightsInMemory } from '../runtime/scalarCore';

/** Options of `toScript`. */
export interface ScriptOptions {
  /** Name of the global variable, as an identifier (default: made of the network's name). */
  name?: string;
  /**
   * Where the plan and the weights are: `inside` the script (default) as text, or `apart` in a
   * binary file, for boards that map flash.
   */
  weights?: 'inside' | 'apart';
}

/** A network as a script. */
export interface Script {
  /** The name of the global variable. */
  name: string;
  code: string;
  /** With `weights: 'apart'`: the binary file. */
  weights?: Uint8Array;
  /** Bytes of the code without the data of the network. */
  codeBytes: number;
  /** Bytes of the plan, the weights and the golden cases. */
  dataBytes: number;
  /** Bytes of the tensors at run time; code and data come in addition where they are in RAM. */
  arenaBytes: number;
}

const scriptOptions = { name: 'string', weights: 'string' } satisfies Options<ScriptOptions>;

/** Characters of a piece of base64. Small engines take no longer literals. */
const PIECE = 16_000;
const ALIGNMENT = 16;

/**
 * Prints an int8 network as a script of ECMAScript 5 with only the operators that it needs, for
 * small engines without WebAssembly and modules. The script sets a global variable, or
 * `module.exports`, to the model: `predict(input)`, `reset()`, `selfTest()`, `inputs`, `outputs`
 * and `labels`, as `kinglet/tiny` has them. With `weights: 'apart'` it sets a function that takes
 * the bytes of the binary file and returns the model.
 *
 * @param klet the bytes of a `.klet` file
 * @throws KletError `UNSUPPORTED_OP` with a list of all records that are not int8, `BAD_ARGUMENT`,
 *   and `BAD_MAGIC`, `BAD_VERSION` or `CORRUPT` about the file
 * @example
 * ```js
 * const b = new GraphBuilder('larger'), x = b.input('x', [1, 2]);
 * const graph = b.finish([b.node('softmax', [x], { beta: 1 }, { name: 'y' })]);
 * const int8 = quantize(graph, { samples: [[0, 1], [2, 0]] });
 * const { code } = toScript(compile(int8));
 * const larger = new Function(`${code}; return larger`)();
 * const [a, b1] = larger.predict([0, 2]);
 * console.log(a < b1); // true
 * ```
 */
export function toScript(klet: Uint8Array, options: ScriptOptions = {}): Script {
  checkOptions(options, scriptOptions, 'toScript()');
  if (!(klet instanceof Uint8Array)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `toScript() takes the bytes of a .klet file as Uint8Array, not ${describeValue(klet)}`,
    );
  }
  const { weights: place = 'inside' } = options;
  if (place !== 'inside' && place !== 'apart') {
    throw new KletError('BAD_ARGUMENT', `the option "weights" of toScript() is inside or apart, not ${show(place)}`);
  }
  const opened = openKlet(klet, 'the model', crc32, TOOL_MEMORY);
  const name = nameOf(options.name, opened.meta.name);
  const opcodes = opcodesOf(opened);
  const golden = opened.readGolden() ?? new Uint8Array(0);
  const { data, places: [plan, weights, cases] } = joined([opened.plan, weightsInMemory(opened), golden]);
  const layout = { meta: metaOf(opened), plan, weights, golden: cases, arenaBytes: opened.arenaBytes };
  const needed = place === 'inside' ? [functions.start.part, functions.decodeBase64.part] : [functions.start.part];
  const library = codeFor(opcodes, needed);
  const start = (bytes: string): string => `${functions.start.name}(${literal(layout)},${bytes})`;
  const value = place === 'inside'
    ? start(`${functions.decodeBase64.name}([\n${pieces(data).map((text) => `"${text}"`).join(',\n')}],${data.length})`)
    : `function(bytes){return ${start('bytes instanceof ArrayBuffer?new Uint8Array(bytes):bytes')}}`;
  const head = `// ${opened.meta.name.replace(/[^\x20-\x7e]|</g, '?')}, by kinglet\n`;
  const code = `${head}var ${name}=(function(){\n${library}return ${value};\n})();\n`
    + `if(typeof module==="object"&&module.exports)module.exports=${name};\n`;
  return {
    name,
    code,
    ...(place === 'apart' && { weights: data }),
    codeBytes: library.length,
    dataBytes: data.length,
    arenaBytes: opened.arenaBytes,
  };
}

/** A value as a literal in ASCII. It has no "<", so that a page may carry the script. */
function literal(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff<]/g,
    (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'),
  );
}

/** Words that no variable can be named by, and the name by which scripts are exported. */
const RESERVED =
  new RegExp('^(abstract|arguments|await|boolean|break|byte|case|catch|char|class|const|continue|'
    + 'debugger|default|delete|do|double|else|enum|eval|export|extends|false|final|finally|float|for|function|goto|if|'
    + 'implements|import|in|instanceof|int|interface|let|long|module|native|new|null|package|private|protected|public|'
    + 'return|short|static|super|switch|synchronized|this|throw|throws|transient|true|try|typeof|var|void|volatile|'
    + 'while|with|yield)$');

function nameOf(given: string | undefined, network: string): string {
  if (given === undefined) {
    const text = network.toLowerCase().replace(/\W+/g, '_').replace(/^_+|_+$/g, '');
    return /^[a-z]/.test(text) && !RESERVED.test(text) ? text : `network_${text}`;
  }
  checkString(given, 'the option "name" of toScript()');
  if (/^[A-Za-z_]\w*$/.test(given) && !RESERVED.test(given)) return given;
  throw new KletError(
    'BAD_ARGUMENT',
    `the option "name" of toScript() must be an identifier such as "digits", not "${given}"`,
  );
}

/** The opcodes of the plan, or one error about all records that the script's operators lack. */
function opcodesOf({ plan, readDebug }: OpenedKlet): Set<number> {
  const known = new Set(parts.flatMap(({ opcode }) => opcode ?? []));
  const names = debugInfoOf({ readDebug })?.records;
  const refused = recordOffsets(plan).flatMap((at, index): string[] => {
    const dtype = plan[at + RECORD_DTYPE]!;
    if (known.has(plan[at]!) && dtype !== DTYPE_F32 && dtype !== DTYPE_I16) return [];
    const { name = `record ${index}`, op = `opcode ${plan[at]}` } = names?.[index] ?? {};
    return [`  ${name} (${op}${dtype === DTYPE_F32 ? ', float32' : ''}${dtype === DTYPE_I16 ? ', int16' : ''})`];
  });
  if (refused.length === 0) return new Set(recordOffsets(plan).map((at) => plan[at]!));
  throw new KletError(
    'UNSUPPORTED_OP',
    `a script holds int8 operators only; quantize the network (kinglet convert --int8), or use kinglet/js. `
      + `These are others:\n${refused.join('\n')}`,
  );
}

/** The parts of the library that the opcodes need, in their order. */
function codeFor(opcodes: ReadonlySet<number>, needed: readonly number[]): string {
  const chosen = new Set<number>();
  const choose = (index: number): void => {
    if (chosen.has(index)) return;
    chosen.add(index);
    parts[index]!.needs.forEach(choose);
  };
  needed.forEach(choose);
  parts.forEach(({ opcode }, index) => {
    if (opcode !== undefined && opcodes.has(opcode)) choose(index);
  });
  return parts.filter((_, index) => chosen.has(index)).map(({ code }) => `${code}\n`).join('');
}

/** What a model needs of META at run time. */
function metaOf({ meta }: OpenedKlet): object {
  const { name, inputs, outputs, labels, state } = meta;
  return {
    name,
    inputs,
    outputs,
    ...(labels && { labels }),
    ...(state && { state: { bytes: state.bytes, initial: state.initial, carries: state.carries } }),
  };
}

/** One array with all sections, each at a multiple of 16, and where each begins and ends. */
function joined(sections: readonly Uint8Array[]): { data: Uint8Array; places: [number, number][] } {
  let end = 0;
  const places = sections.map(({ length }): [number, number] => {
    const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = start + length;
    return [start, end];
  });
  const data = new Uint8Array(end);
  sections.forEach((section, i) => data.set(section, places[i]![0]));
  return { data, places };
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 in pieces of at most PIECE characters; the last group is filled with zeros. */
function pieces(bytes: Uint8Array): string[] {
  const found: string[] = [];
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let shift = 18; shift >= 0; shift -= 6) text += DIGITS[(word >> shift) & 63];
    if (text.length >= PIECE) {
      found.push(text);
      text = '';
    }
  }
  return text === '' ? found : [...found, text];
}
