// Compiles the descriptions of records (the functions `describe` of assembly/, which check the
// records of a plan) to JavaScript, for the plain-JavaScript core: build/records.js. So all cores
// accept the same files. In these functions, integers stay below 2^53 and quotients are exact, so
// that the types can be erased.
import { mkdirSync, writeFileSync } from 'node:fs';
import { rollup } from 'rollup';
import { ownLayout, withoutExtra } from './chunks.mjs';
import esbuild from 'rollup-plugin-esbuild';

/** Parts of AssemblyScript that TypeScript does not have. */
const parts = [[/^@inline$/gm, ''], [/\bload<(\w+)>\(/g, 'load_$1('], [/\bstore<(\w+)>\(/g, 'store_$1('], [
  /(?<![.\w])(min|max|ceil)(<\w+>)?\(/g,
  'Math.$1(',
], [/\bi32\.MAX_VALUE\b/g, '2147483647'], [/\bi32\(/g, 'Number('], [/\b(?:load|store)_\w+\(/g, 'memory.$&']];
const assembly = {
  name: 'assembly',
  transform: (code, id) =>
    id.includes('/assembly/') && !id.endsWith('/layout.ts')
      ? {
        code: parts.reduce((text, [part, by]) => text.replace(part, by), `import * as memory from 'loads';\n${code}`),
        map: null,
      }
      : null,
  resolveId: (id) => (id === 'loads' ? { id: '../src/js/load.ts', external: true } : null),
};

/**
 * What the core does not need: it requests no scratch, has one thread, and leaves the offsets of
 * operands as they are.
 */
const unneeded = ['needScratch'];
const pruned = {
  name: 'pruned',
  transform(code, id) {
    if (!id.includes('/assembly/')) return null;
    const holes = [];
    const visit = (node) => {
      if (node.type === 'ExpressionStatement' && unneeded.includes(node.expression.callee?.name)) holes.push(node);
      else for (const child of Object.values(node)) if (child && typeof child === 'object') visit(child);
    };
    visit(this.parse(code));
    const rest = holes.reverse().reduce((text, { start, end }) => `${text.slice(0, start)};${text.slice(end)}`, code);
    return { code: rest.replace(/^ *(resolving|unifying) = \w+;$/gm, ''), map: null };
  },
};

const entries = {
  records: `export { describe } from './assembly/describe.ts';
export { beginValidation, beginWalk, countWork, endRecord, fail, faultOf, isMixed,
  RECORD_WORK } from './assembly/record.ts';
export { beginArena, beginOperands, endOperands, FLOATS, given, keep, wanted,
  WRITTEN } from './assembly/operands.ts';
`,
  'records.extra': "export { describe } from './assembly/extra/describe.ts';",
};
const bundle = await rollup({
  input: Object.fromEntries(Object.keys(entries).map((name) => [name, name])),
  preserveEntrySignatures: 'allow-extension',
  treeshake: { moduleSideEffects: false, propertyReadSideEffects: false, unknownGlobalSideEffects: false },
  plugins: [{ name: 'entry', resolveId: (id) => (id in entries ? id : null), load: (id) => entries[id] ?? null },
    ownLayout, assembly, esbuild({ target: 'es2022' }), pruned],
  onwarn({ code, message }) {
    if (code !== 'CIRCULAR_DEPENDENCY') throw new Error(message);
  },
});
mkdirSync('build', { recursive: true });
await bundle.write({ dir: 'build', format: 'es', ...withoutExtra('records') });
writeFileSync(
  'build/records.d.ts',
  `/** Checks a record, at an address of the memory that \`readFrom\` (src/js/load.ts) has set. */
export declare function describe(record: number): void;
/** Forgets the faults. */
export declare function beginWalk(resolve: boolean): void;
/** Stores a fault, unless there is an earlier one. */
export declare function fail(code: number): void;
/** Forgets the faults and what was counted. */
export declare function beginValidation(): void;
/** Adds to the work of a record, in multiply-adds. */
export declare function countWork(work: number): void;
/** Adds the work of a record to that of the plan. */
export declare function endRecord(): void;
/** The work that every record takes, whatever it computes. */
export declare const RECORD_WORK: number;
/** The first fault found, a FAULT_ code. */
export declare function faultOf(): number;
/** Whether bits of NaN may be read as integers. */
export declare function isMixed(): boolean;
/** What the arena holds from record to record (assembly/operands.ts). */
export declare function beginArena(): void;
export declare function beginOperands(): void;
export declare function endOperands(): number;
export declare function given(from: number, to: number, state: number): void;
export declare function wanted(from: number, to: number, integers: number): void;
export declare function keep(to: number): void;
/** Flags of operands. */
export declare const FLOATS: number;
export declare const WRITTEN: number;
`,
);
writeFileSync(
  'build/records.extra.d.ts',
  `/** As \`describe\` of records.js, for a record of the extra module. */
export declare function describe(record: number): void;
`,
);
