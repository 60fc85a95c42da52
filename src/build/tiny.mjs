// The plain-JavaScript core for int8 networks as ECMAScript 5: kinglet/tiny, one script, and
// build/tiny.js, its parts, of which `kinglet convert --script` writes those that a model needs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { rollup } from 'rollup';
import esbuild from 'rollup-plugin-esbuild';
import { parseAst } from 'rollup/parseAst';
import { minify } from 'terser';
import { minifyForGzip } from './names.mjs';
import typescript from 'typescript';

/** Leaves out the code for float32 records: replaces the calls of src/js/floats.ts. */
const withoutFloats = {
  name: 'without-floats',
  transform: (code, id) =>
    /\/src\/js\/(?!floats)/.test(id) ? { code: code.replaceAll('isFloat(r, m)', 'false'), map: null } : null,
};

/** Names that small engines mistake for keywords. */
const reserved = ['of', 'get', 'set', 'let', 'async', 'await', 'static', 'yield'];
const compress = { passes: 4 };

function toES5(code) {
  const { ScriptTarget, ModuleKind } = typescript;
  const compilerOptions = { target: ScriptTarget.ES5, module: ModuleKind.ESNext, removeComments: true };
  return typescript.transpileModule(code, { compilerOptions }).outputText;
}

/** A chunk that defines `kinglet` as a script with that global, also as a module of CommonJS. */
async function toScript(chunk) {
  const code = `${chunk}\nif (typeof exports === 'object') exports.load = kinglet.load;\n`;
  return minifyForGzip(toES5(code), { ecma: 5, compress });
}

const script = { name: 'es5', renderChunk: async (code) => ({ code: await toScript(code), map: null }) };

/** Plugins of the bundle kinglet/tiny, after the resolver and esbuild. */
export const tinyPlugins = [withoutFloats, script];

/**
 * Divides code into its statements.
 *
 * @returns for each statement its code, the numbers of the statements that it needs, and for one
 *   that registers the function of an opcode, that opcode; and the new names of what it declares
 */
function divide(code) {
  const statements = parseAst(code).body;
  const owners = new Map();
  statements.forEach((statement, i) => {
    for (const name of declaredBy(statement)) owners.set(name, i);
  });
  const names = shortNames([...owners.keys()], code);
  const parts = statements.map((statement, i) => {
    const used = identifiersIn(statement).filter(({ name }) => owners.has(name));
    let text = '';
    let at = statement.start;
    for (const { start, end, name } of used) {
      text += code.slice(at, start) + names.get(name);
      at = end;
    }
    text += code.slice(at, statement.end);
    const needs = new Set(used.map(({ name }) => owners.get(name)));
    needs.delete(i);
    const opcode = /^\w+\[(\d+)\]=/.exec(code.slice(statement.start, statement.end))?.[1];
    return { code: text, needs: [...needs].sort((a, b) => a - b), ...(opcode && { opcode: Number(opcode) }) };
  });
  // a loop that fills a table belongs to the table
  parts.forEach(({ needs, opcode }, i) => {
    if (opcode === undefined && declaredBy(statements[i]).length === 0) {
      needs.forEach((owner) => parts[owner].needs.push(i));
    }
  });
  return { parts, names, owners };
}

function declaredBy({ type, id, declarations }) {
  if (type === 'FunctionDeclaration') return [id.name];
  return type === 'VariableDeclaration' ? declarations.map((one) => one.id.name) : [];
}

/** Identifiers that name variables, in the order of the code. */
function identifiersIn(node, found = []) {
  if (Array.isArray(node)) node.forEach((child) => identifiersIn(child, found));
  else if (typeof node === 'object' && node !== null) {
    if (node.type === 'Identifier') found.push(node);
    for (const [key, child] of Object.entries(node)) {
      const isName = (key === 'property' && node.type === 'MemberExpression' && !node.computed)
        || (key === 'key' && node.type === 'Property' && !node.computed);
      if (!isName) identifiersIn(child, found);
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Short names that occur nowhere in the code. */
function shortNames(names, code) {
  const taken = new Set(code.match(/[\w$]+/g));
  let number = 0;
  const next = () => {
    const name = `k${(number++).toString(36)}`;
    return taken.has(name) ? next() : name;
  };
  return new Map(names.map((name) => [name, next()]));
}

/** Writes build/tiny.js: the parts, and where the functions of src/tiny/script.ts are. */
async function writeParts() {
  const bundle = await rollup({ input: 'src/tiny/script.ts', plugins: [esbuild({ target: 'es2022' }), withoutFloats] });
  const { output: [{ code, exports }] } = await bundle.generate({ format: 'es' });
  // functions stay apart, so that a script can leave them out
  const apart = {
    ...compress,
    toplevel: true,
    inline: false,
    reduce_funcs: false,
    collapse_vars: false,
    sequences: false,
    join_vars: false,
  };
  const { code: whole } = await minify(toES5(code), { ecma: 5, compress: apart, mangle: { reserved } });
  const small = whole.replace(/export\{[^}]*\};?/, '');
  const { parts, names, owners } = divide(small);
  const functions = Object
    .fromEntries(exports.map((name) => [name, { name: names.get(name), part: owners.get(name) }]));
  mkdirSync('build', { recursive: true });
  writeFileSync(
    'build/tiny.js',
    `export const parts = ${JSON.stringify(parts)};\nexport const functions = ${JSON.stringify(functions)};\n`,
  );
  const part = '{ code: string; needs: number[]; opcode?: number }';
  writeFileSync(
    'build/tiny.d.ts',
    `export declare const parts: ${part}[];\n`
      + `export declare const functions: Record<${exports.map((name) => `'${name}'`).join(' | ')}, `
      + '{ name: string; part: number }>;\n',
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await writeParts();
