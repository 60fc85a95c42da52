import type { DebugInfo } from '../format/debugInfo';
import type { ArenaTensor, KletParts } from '../format/klet';
import type { IoType } from '../format/meta';
import { partsFor } from './library/index';
import { arena, tableDeclaration, type Program, type Table, type TableType } from './program';
import { commentText, floatText, stringText, tableText } from './text';

// The two files of a program: the header with the functions and constants for callers, and the
// source with everything else.

/** What the files are made of. */
export interface Network {
  name: string;
  parts: Pick<KletParts, 'meta' | 'arenaBytes' | 'golden'>;
  debugInfo: DebugInfo | undefined;
  program: Program;
  /** Initial bytes of the state, if there is one. */
  initial: Uint8Array | undefined;
}

/** An input or output as an argument of `predict`. */
interface Argument {
  name: string;
  tensor: ArenaTensor;
  type: TableType;
  count: number;
  bytes: number;
}

const types: Record<IoType, TableType> = {
  float32: 'float',
  int8: 'int8_t',
  uint8: 'uint8_t',
  int16: 'int16_t',
  int32: 'int32_t',
  int64: 'int32_t',
  bool: 'uint8_t',
};
const sizes: Partial<Record<TableType, number>> = { float: 4, int32_t: 4, int16_t: 2 };

function argumentsOf(tensors: readonly ArenaTensor[], role: 'input' | 'output'): Argument[] {
  return tensors.map((tensor, i) => {
    const type = types[tensor.dtype];
    const count = tensor.shape.reduce((a, b) => a * b, 1);
    const bytes = count * (sizes[type] ?? 1);
    return { name: tensors.length === 1 ? role : `${role}_${i}`, tensor, type, count, bytes };
  });
}

interface Ports {
  inputs: Argument[];
  outputs: Argument[];
}

function portsOf({ meta }: Network['parts']): Ports {
  return { inputs: argumentsOf(meta.inputs, 'input'), outputs: argumentsOf(meta.outputs, 'output') };
}

/** Memory that a program takes, in bytes. */
export function memoryOf({ parts, program }: Network): { arena: number; scratch: number } {
  return { arena: Math.max(4, parts.arenaBytes), scratch: program.scratchBytes };
}

// ── the header ────────────────────────────────────────────────────────────────────────────────────────────

export function headerText(network: Network): string {
  const { name, parts } = network;
  const { inputs, outputs } = portsOf(parts);
  const prefix = `KINGLET_${name.toUpperCase()}`;
  const memory = memoryOf(network);
  const lines = [`/* ${commentText(parts.meta.name)}: made by kinglet, do not edit. */`, `#ifndef ${prefix}_H`,
    `#define ${prefix}_H`, '', '#include <stdint.h>', '', '#ifdef __cplusplus', 'extern "C" {', '#endif', '',
    ...[...inputs, ...outputs].flatMap((port) => portText(prefix, port)),
    '/* Bytes of RAM: static, and none besides except for the stack. */',
    `#define ${prefix}_RAM_BYTES ${memory.arena + memory.scratch}`, '', ...labelsText(network, prefix),
    ...predictText(network, { inputs, outputs }), ...stateText(network), ...selfTestText(network), '#ifdef __cplusplus',
    '}', '#endif', '', '#endif', ''];
  return lines.join('\n');
}

function portText(prefix: string, { name, tensor, count }: Argument): string[] {
  const { shape, scale, zeroPoint, dtype } = tensor;
  const own = `${prefix}_${name.toUpperCase()}`;
  const quantization = scale === undefined ? '' : ', real value = SCALE * (q - ZERO_POINT)';
  const wide = dtype === 'int64' ? ' (int64 in the network, which computes with 32 bits)' : '';
  const isImage = shape.length === 4;
  return [`/* ${name} "${commentText(tensor.name)}": ${dtype} [${shape.join('][')}]${wide}${quantization} */`,
    `#define ${own}_SIZE ${count}`,
    ...(isImage
      ? [`#define ${own}_HEIGHT ${shape[1]}`, `#define ${own}_WIDTH ${shape[2]}`, `#define ${own}_CHANNELS ${shape[3]}`]
      : []),
    ...(scale === undefined
      ? []
      : [`#define ${own}_SCALE ${floatText(Math.fround(scale))}`,
        `#define ${own}_ZERO_POINT ${zeroPoint! < 0 ? `(${zeroPoint})` : zeroPoint}`]), ''];
}

/** The labels; a file may hold anything there. */
function labelsOf({ labels }: Network['parts']['meta']): string[] {
  return Array.isArray(labels) ? labels.map(String) : [];
}

function labelsText({ name, parts: { meta } }: Network, prefix: string): string[] {
  const labels = labelsOf(meta);
  if (labels.length === 0) return [];
  return ['/* The names of the classes. */', `#define ${prefix}_LABELS ${labels.length}`,
    `extern const char *const kinglet_${name}_labels[${prefix}_LABELS];`, ''];
}

function predictText({ name, parts: { meta } }: Network, ports: Ports): string[] {
  const isCarried = meta.state?.carries === true;
  return ['/*', ' * Runs the network. Arrays are dense and row-major. Not reentrant, because all memory is static.',
    ...(isCarried ? [' * Each prediction continues the one before.'] : []), ' * Returns 0, or -1 if a pointer is null.',
    ' */', `${signature(name, ports)};`, ''];
}

function stateText({ name, parts: { meta } }: Network): string[] {
  if (meta.state?.carries !== true) return [];
  return ['/* Returns to the initial state, for the start of a new sequence. */', `void kinglet_${name}_reset(void);`,
    ''];
}

function selfTestText({ name, parts }: Network): string[] {
  const cases = caseCount(parts);
  if (cases === 0) return [];
  return ['#ifdef KINGLET_SELF_TEST',
    `/* Runs ${cases} stored cases. Returns 0, or the number of the first case whose output differs by a bit. */`,
    `int kinglet_${name}_self_test(void);`, '#endif', ''];
}

function signature(name: string, { inputs, outputs }: Ports): string {
  const list = [...inputs.map(({ type, name: own }) => `const ${type} *${own}`),
    ...outputs.map(({ type, name: own }) => `${type} *${own}`)];
  return `int kinglet_${name}_predict(${list.length > 0 ? list.join(', ') : 'void'})`;
}

// ── the source ────────────────────────────────────────────────────────────────────────────────────────────

const PREAMBLE = `#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#ifndef KINGLET_CONST
#define KINGLET_CONST /* placed before the type of each constant, for example a section */
#endif

#ifndef KINGLET_ARENA
#define KINGLET_ARENA /* placed before the type of the memory, for example a section */
#endif

/* Results are exact to the bit only if each float operation rounds to float, and nothing is fused or reordered. */
#if defined(__FAST_MATH__)
#error "compile without -ffast-math"
#endif

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "floats are computed with more bits; on 32-bit x86, compile with -msse2 -mfpmath=sse"
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#else
#pragma STDC FP_CONTRACT OFF
#endif
`;

export function sourceText(network: Network): string {
  const { name, parts, program } = network;
  const ports = portsOf(parts);
  const sections = [`${bannerText(network)}\n#include "${name}.h"\n\n${PREAMBLE}`, memoryText(network),
    ...program.tables.map(tableDeclaration), ...partsFor(program.needed).map(({ text }) => text), ...program.layers,
    ...labelsSource(network), ...resetSource(network), predictSource(network, ports),
    ...selfTestSource(network, ports)];
  return `${sections.map((text) => text.trimEnd()).join('\n\n')}\n`;
}

function bannerText(network: Network): string {
  const { parts, program } = network;
  const memory = memoryOf(network);
  return ['/*', ` * ${commentText(parts.meta.name)}: a neural network in C99, made by kinglet. Do not edit.`, ' *',
    ` * ${program.constantBytes} bytes of constants, ${memory.arena + memory.scratch} bytes of RAM.`,
    ' * It allocates nothing and needs <string.h>, and of <math.h> square roots if the network has some.', ' */']
    .join('\n');
}

function memoryText(network: Network): string {
  const { arena: arenaBytes, scratch } = memoryOf(network);
  const union = (name: string, bytes: number): string =>
    `static KINGLET_ARENA union {\n    int32_t words[${Math.ceil(bytes / 4)}];\n    uint8_t bytes[${
      Math.ceil(bytes / 4) * 4
    }];\n} ${name};\n`;
  const address = (macro: string, name: string): string =>
    `\n#define ${macro}(offset) ((void *)&${name}.bytes[offset])\n`;
  return `/* The tensors between layers, at planned addresses. */\n${union('arena', arenaBytes)}${
    address('ARENA', 'arena')
  }` + (scratch > 0
    ? `\n/* Memory that the layers use one after another. */\n${union('scratch', scratch)}${
      address('SCRATCH', 'scratch')
    }`
    : '');
}

function labelsSource({ name, parts: { meta } }: Network): string[] {
  const labels = labelsOf(meta);
  if (labels.length === 0) return [];
  const macro = `KINGLET_${name.toUpperCase()}_LABELS`;
  return [`const char *const kinglet_${name}_labels[${macro}] = {\n${tableText(labels.map(stringText))}\n};`];
}

/** The statement that writes the initial state. */
function initialText(initial: Uint8Array): string {
  const to = arena(0);
  if (initial.every((byte) => byte === 0)) return `memset(${to}, 0, ${initial.length});`;
  return `memcpy(${to}, initial_state, sizeof initial_state);`;
}

function resetSource({ name, parts: { meta }, initial }: Network): string[] {
  if (!initial) return [];
  const table: string[] = initial.every((byte) => byte === 0)
    ? []
    : [tableDeclaration({ name: 'initial_state', type: 'uint8_t', values: initial })];
  if (meta.state?.carries !== true) return table;
  return [...table, '/* Whether the arena holds a state. */\nstatic int has_begun;',
    `void kinglet_${name}_reset(void)\n{\n    ${initialText(initial)}\n    has_begun = 1;\n}`];
}

function predictSource(network: Network, ports: Ports): string {
  const { name, parts: { meta }, debugInfo, program, initial } = network;
  const { inputs, outputs } = ports;
  const all = [...inputs, ...outputs];
  const start: string[] = [];
  if (initial && meta.state?.carries) start.push('if (!has_begun) {', `    kinglet_${name}_reset();`, '}');
  else if (initial) start.push(initialText(initial));
  const check = all.length > 0
    ? [`if (${all.map((port) => `${port.name} == NULL`).join(' || ')}) {`, '    return -1;', '}']
    : [];
  const body = [...check, ...start,
    ...inputs.map((port) => `memcpy(${arena(port.tensor.offset)}, ${port.name}, ${port.bytes});`),
    ...program.calls.map(({ text, record }) => {
      const info = debugInfo?.records[record];
      return info ? `${text} /* ${commentText(info.op)}: ${commentText(shortName(info.name))} */` : text;
    }), ...outputs.map((port) => `memcpy(${port.name}, ${arena(port.tensor.offset)}, ${port.bytes});`), 'return 0;'];
  return `${signature(name, ports)}\n{\n${body.map((line) => `    ${line}\n`).join('')}}`;
}

/** The end of a long name of a layer, which tells layers apart. */
function shortName(name: string): string {
  const MOST = 60;
  return name.length <= MOST ? name : `...${name.slice(-MOST)}`;
}

// ── the self test ─────────────────────────────────────────────────────────────────────────────────────────

function caseCount(parts: Network['parts']): number {
  const { inputs, outputs } = portsOf(parts);
  const bytes = [...inputs, ...outputs].reduce((sum, port) => sum + port.bytes, 0);
  return parts.golden && bytes > 0 ? Math.floor(parts.golden.length / bytes) : 0;
}

function valuesOf(type: TableType, bytes: Uint8Array): ArrayLike<number> {
  const { buffer } = bytes.slice();
  if (type === 'float') return new Float32Array(buffer);
  if (type === 'int32_t') return new Int32Array(buffer);
  if (type === 'int16_t') return new Int16Array(buffer);
  return type === 'int8_t' ? new Int8Array(buffer) : new Uint8Array(buffer);
}

function selfTestSource({ name, parts }: Network, ports: Ports): string[] {
  const cases = caseCount(parts);
  if (cases === 0) return [];
  const tables: Table[] = [];
  let at = 0;
  for (let i = 0; i < cases; i++) {
    for (const { name: own, type, bytes } of [...ports.inputs, ...ports.outputs]) {
      tables.push({ name: `golden_${i}_${own}`, type, values: valuesOf(type, parts.golden!.subarray(at, at + bytes)) });
      at += bytes;
    }
  }
  const lines = Array.from({ length: cases }, (_, i) => {
    const list = [...ports.inputs.map((port) => `golden_${i}_${port.name}`), ...ports.outputs.map((port) => port.name)];
    const differs = ports.outputs.map((port) =>
      `memcmp(${port.name}, golden_${i}_${port.name}, sizeof ${port.name}) != 0`
    );
    return [...(parts.meta.state?.carries ? [`kinglet_${name}_reset();`] : []),
      `if (kinglet_${name}_predict(${list.join(', ')}) != 0 ||`, `    ${differs.join(' || ')}) {`,
      `    return ${i + 1};`, '}'];
  }).flat();
  const body = [...ports.outputs.map((port) => `static ${port.type} ${port.name}[${port.count}];`), ...lines,
    ...(parts.meta.state?.carries ? [`kinglet_${name}_reset();`] : []), 'return 0;'];
  const text = `int kinglet_${name}_self_test(void)\n{\n${body.map((line) => `    ${line}\n`).join('')}}`;
  return [['#ifdef KINGLET_SELF_TEST', ...tables.map(tableDeclaration), text, '#endif'].join('\n\n')];
}
