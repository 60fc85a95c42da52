import arithmetic from './arithmetic.c';
import convolution from './convolution.c';
import elementwise from './elementwise.c';
import hybrid from './hybrid.c';
import math from './math.c';
import movement from './movement.c';
import recurrent from './recurrent.c';
import reduction from './reduction.c';
import wide from './wide.c';

// The C sources of the operators. A file is a sequence of parts with an empty line between them:
// each is a comment, and a function, a type or a macro. A network gets the parts that it needs.

/** A function, a type or a macro, with its comment. */
export interface Part {
  names: string[];
  text: string;
  /** The names in the part, some of which are those of other parts. */
  words: Set<string>;
}

const files = [arithmetic, math, hybrid, convolution, reduction, elementwise, movement, recurrent, wide];

const definitions = [/^#define (\w+)/gm, /^typedef [^;{(]*?\b(\w+)(?:;|\()/gm, /^\} (\w+);/gm,
  /^static [^=;(]*?\b(\w+)\(/gm];

/** All parts, in the order of their definition. */
export const parts: readonly Part[] = files.flatMap((file) => file.trim().split('\n\n')).flatMap((text) => {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  const names = [...new Set(definitions.flatMap((form) => [...code.matchAll(form)]).map((match) => match[1]!))];
  return names.length === 0 ? [] : [{ names, text, words: new Set(code.match(/\b[A-Za-z_]\w*\b/g)) }];
});

/** The parts with these names and all that they need, in the order of their definition. */
export function partsFor(names: Iterable<string>): Part[] {
  const byName = new Map(parts.flatMap((part) => part.names.map((name) => [name, part] as const)));
  const needed = new Set<Part>();
  const visit = (name: string): void => {
    const part = byName.get(name);
    if (!part || needed.has(part)) return;
    needed.add(part);
    for (const word of part.words) visit(word);
  };
  for (const name of names) visit(name);
  return parts.filter((part) => needed.has(part));
}

const structs = new Map(parts.flatMap(({ text }) => {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  const [, fields] = /\bstruct \w* ?\{\n([^}]*)\}/.exec(code) ?? [];
  const names = definitions.flatMap((form) => [...code.matchAll(form)]).map((match) => match[1]!);
  return fields === undefined ? [] : names.map((name) => [name, fields] as const);
}));

const lengths =
  new Map(parts.flatMap(({ text }) =>
    [...text.matchAll(/^#define (\w+) (\d+)$/gm)].map(([, name, value]) => [name!, Number(value)] as const)
  ));

/** Bytes of a struct of the library where pointers have 32 bits, as all of its numbers do. */
export function structBytes(type: string): number {
  const fields = structs.get(type);
  if (fields === undefined) return 4;
  return fields.trim().split('\n').reduce((sum, line) => {
    const [, own, name, length] = /^\s*(?:const )?(\w+) (\**\w+)(?:\[(\w+)\])?;/.exec(line)!;
    const bytes = name!.startsWith('*') ? 4 : structBytes(own!);
    return sum + bytes * (length === undefined ? 1 : lengths.get(length)!);
  }, 0);
}
