// Minified names that compress well. Minifiers give each function's variables the shortest names by
// frequency, so that a variable that many functions have is named differently in each. Here, the
// variables that have one name in the sources keep one name wherever that is possible. Then similar
// functions have equal text.
import { analyze } from 'eslint-scope';
import { parseAst } from 'rollup/parseAst';
import { minify } from 'terser';

/** Letters, the most frequent in JavaScript first. */
const letters = [...'etnraoslicfuhdmpgybvwkxTESNCRAIOLDFUMPGHBVWYXKjqzJQZ$_'];
/** Keywords; some small engines mistake the last for one. */
const unusable = ['do', 'if', 'in', 'of'];
const shortNames = [...letters,
  ...letters.flatMap((first) => [...letters, ...'0123456789'].map((last) => first + last))].filter((name) =>
    !unusable.includes(name)
  );

function visit(node, see) {
  if (Array.isArray(node)) node.forEach((child) => visit(child, see));
  else if (typeof node === 'object' && node !== null) {
    if (node.type) see(node);
    Object.values(node).forEach((child) => visit(child, see));
  }
}

/** A declared class has a second variable in its own scope, with the same identifier. */
function outsideClass(variable) {
  const { scope, name, defs } = variable;
  const outside = scope.type === 'class' ? scope.upper.set.get(name) : undefined;
  return outside?.defs.some((def) => def.name === defs[0].name) ? outside : variable;
}

/**
 * The variables of a program.
 *
 * @returns `places`: the identifiers of each variable; `others`: the variables, with itself, whose
 *   names a variable must not have, because they are used in the same scopes; `foreign`: names of
 *   globals
 */
function variablesOf(program, sourceType) {
  const { scopes, globalScope } = analyze(program, { ecmaVersion: 2022, sourceType });
  const places = new Map();
  const used = new Map(scopes.map((scope) => [scope, new Set()]));
  for (const declared of scopes.flatMap(({ variables }) => variables)) {
    const { defs, references } = declared;
    // other scripts see the variables of the global scope
    if (defs.length === 0 || declared.scope === globalScope) continue;
    const variable = outsideClass(declared);
    const identifiers = [...defs.map(({ name }) => name), ...references.map(({ identifier }) => identifier)];
    places.set(variable, [...new Set([...places.get(variable) ?? [], ...identifiers])]);
    for (const from of [declared.scope, ...references.map((reference) => reference.from)]) {
      for (let scope = from; scope !== variable.scope; scope = scope.upper) used.get(scope).add(variable);
    }
    used.get(variable.scope).add(variable);
  }
  const others = new Map([...places.keys()].map((variable) => [variable, new Set()]));
  for (const set of used.values()) {
    for (const one of set) for (const other of set) others.get(one).add(other);
  }
  const globals = [...globalScope.through.map(({ identifier }) => identifier), ...globalScope.variables];
  return { places, others, foreign: new Set(globals.map(({ name }) => name)) };
}

/** Chooses a name for each variable. */
function choose({ places, others, foreign }) {
  const names = new Map();
  const available = shortNames.filter((name) => !foreign.has(name));
  const namesAround = (variable) => new Set([...others.get(variable)].map((other) => names.get(other)));
  const groups = new Map();
  for (const variable of places.keys()) {
    const name = variable.name.replace(/\$\d+$/, '');
    groups.set(name, [...(groups.get(name) ?? []), variable]);
  }
  const usesOf = (group) => group.reduce((sum, variable) => sum + places.get(variable).length, 0);
  for (const group of [...groups.values()].sort((a, b) => usesOf(b) - usesOf(a))) {
    // one letter before two, then the name that suits most uses, then the most frequent letter
    const uses = new Map(available.map((name) => [name, name.length === 1 ? 1e6 : 0]));
    for (const variable of group) {
      const around = namesAround(variable);
      for (const name of available) {
        if (!around.has(name)) uses.set(name, uses.get(name) + places.get(variable).length);
      }
    }
    const order = [...available].sort((a, b) => uses.get(b) - uses.get(a));
    for (const variable of group) {
      const around = namesAround(variable);
      names.set(variable, order.find((name) => !around.has(name)));
    }
  }
  return names;
}

/** How to write an identifier that also is the name of a property, an import or an export. */
function spellings(program) {
  const found = new Map();
  visit(program, ({ type, start, shorthand, local, exported, imported }) => {
    if (type === 'Property' && shorthand) found.set(start, (name, property) => `${property}:${name}`);
    if (type === 'ExportSpecifier' && local.start === exported.start) {
      found.set(local.start, (name, outside) => `${name} as ${outside}`);
    }
    if (type === 'ImportSpecifier' && local.start === imported.start) {
      found.set(local.start, (name, outside) => `${outside} as ${name}`);
    }
  });
  return found;
}

/**
 * Minifies code.
 *
 * @param options those of terser except `mangle`
 */
export async function minifyForGzip(code, options) {
  const { code: whole } = await minify(code, { ...options, mangle: false });
  const program = parseAst(whole);
  visit(program, (node) => {
    node.range = [node.start, node.end];
  });
  const found = variablesOf(program, options.module ? 'module' : 'script');
  const names = choose(found);
  const spelled = spellings(program);
  const edits = [...names].flatMap(([variable, name]) =>
    found.places.get(variable).map(({ start, end }) => ({
      start,
      end,
      text: spelled.get(start)?.(name, variable.name) ?? name,
    }))
  );
  let text = '';
  let at = 0;
  for (const { start, end, text: name } of edits.sort((a, b) => a.start - b.start)) {
    text += whole.slice(at, start) + name;
    at = end;
  }
  return text + whole.slice(at);
}
