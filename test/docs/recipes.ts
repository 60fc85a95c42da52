import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { docsPages, fencesOf, readPage, root } from './page';

// The files that the pages of docs/recipes/ show.

/** Pages with files, by name. */
export function recipesWithFiles(): string[] {
  return docsPages().filter((page) => page.startsWith('docs/recipes/')).map((page) => path.basename(page, '.md'))
    .filter((name) => Object.keys(recipeFiles(name)).length > 0);
}

/** The files of a page, by path. */
export function recipeFiles(name: string): Record<string, string> {
  const fences = fencesOf(readPage(`docs/recipes/${name}.md`));
  return Object.fromEntries(fences.flatMap(({ title, code }) => (title === undefined ? [] : [[title, code]])));
}

/** Writes the files of a page, and copies others of the repository (target: source). */
export function writeRecipe(name: string, folder: string, copies: Record<string, string> = {}): void {
  for (const [file, code] of Object.entries(recipeFiles(name))) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), code);
  }
  for (const [target, source] of Object.entries(copies)) {
    cpSync(path.join(root, source), path.join(folder, target), { recursive: true });
  }
}

/** A project with the files of a page and kinglet installed. Needs dist/. */
export function makeRecipe(name: string, copies: Record<string, string> = {}): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), `kinglet-${name}-`));
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(root, path.join(folder, 'node_modules/kinglet'), 'junction');
  writeRecipe(name, folder, copies);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
