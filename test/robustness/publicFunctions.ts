import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import * as audio from '../../src/audio/index';
import * as compiler from '../../src/compiler/index';
import * as node from '../../src/index';
import * as ort from '../../src/ort/index';
import * as slim from '../../src/slim';
import * as tasks from '../../src/tasks/index';
import * as sound from '../../src/tasks/sound/index';
import * as tfjs from '../../src/tfjs/index';
import * as unsupported from '../../src/tfjs/unsupportedNames';

// The public functions and methods, found in the entries and the sources, so that a new one is
// tested
// without being listed.

const entries = {
  kinglet: node,
  'kinglet/slim': slim,
  'kinglet/compiler': compiler,
  'kinglet/tasks': tasks,
  'kinglet/tasks/sound': sound,
  'kinglet/audio': audio,
  'kinglet/ort': { createSession: ort.InferenceSession.create },
  // test/tfjs calls the functions that are there by name only
  'kinglet/tfjs': Object.fromEntries(Object.entries(tfjs).filter(([name]) => !(name in unsupported))),
};

type AnyFunction = (...values: unknown[]) => unknown;

export interface PublicFunction {
  /** `entry.name`. */
  title: string;
  name: string;
  call: AnyFunction;
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && Function.prototype.toString.call(value).startsWith('class');
}

/** The exported functions that are not classes. */
export const publicFunctions: PublicFunction[] = Object.entries(entries).flatMap(([entry, exported]) =>
  Object.entries(exported).filter(([, value]) => typeof value === 'function' && !isClass(value)).map((
    [name, value],
  ) => ({ title: `${entry}: ${name}()`, name, call: value as AnyFunction }))
);

const root = path.resolve(import.meta.dirname, '../../src');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((
  file,
) => ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true));

/** The methods of a class that are neither private nor internal. */
export function publicMethods(className: string): string[] {
  const found = sources.flatMap((source) => source.statements).filter(ts.isClassDeclaration).find((declaration) =>
    declaration.name?.text === className
  );
  if (!found) throw new Error(`no class ${className} in src`);
  const isPublic = (member: ts.ClassElement): boolean =>
    (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) === 0 &&
    !ts.getJSDocTags(member).some((tag) => tag.tagName.text === 'internal');
  const methods = found.members.filter((member) => ts.isMethodDeclaration(member) && isPublic(member));
  return [...new Set(methods.map((member) => member.name!.getText()))];
}
