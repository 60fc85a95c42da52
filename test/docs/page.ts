import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

// Reads and parses the pages of the project.

export const root = path.resolve(import.meta.dirname, '../..');

export function readPage(name: string): string {
  return readFileSync(path.join(root, name), 'utf8');
}

/** All pages below `docs/`, as paths from the root. */
export function docsPages(): string[] {
  return readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) =>
    `docs/${name.replaceAll('\\', '/')}`
  ).filter((name) => name.endsWith('.md')).sort();
}

/** The specification of the file format: all pages of docs/format/, one after another. */
export function readFormat(): string {
  return docsPages().filter((name) => name.startsWith('docs/format/')).map(readPage).join('\n');
}

/** Rows of all tables of a page, as trimmed cells; `\|` is a bar inside a cell. */
export function tableRows(page: string): string[][] {
  return page.split('\n').filter((line) => line.startsWith('|') && !/^\|[-|:\s]+\|$/.test(line)).map((line) =>
    line.slice(1, line.lastIndexOf('|')).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
  );
}

/** The constants of a page, from table rows of the form | number | `NAME` | … */
export function constantsOf(page: string): [name: string, value: number][] {
  return tableRows(page).flatMap(([number = '', name = '']) => {
    const constant = /^`([A-Z][A-Z0-9_]+)`$/.exec(name)?.[1];
    return constant && /^(0x[0-9a-f]+|\d+)$/.test(number) ? [[constant, Number(number)] as [string, number]] : [];
  });
}

export interface Fence {
  /** The info string after the three backquotes. */
  language: string;
  code: string;
  line: number;
  /** The nearest heading above. */
  heading: string;
  /** The file that the block shows, if the paragraph before it is a name in bold. */
  title?: string;
}

/** The fenced blocks of a page. */
export function fencesOf(page: string): Fence[] {
  const fences: Fence[] = [];
  let open: Fence | undefined;
  let heading = '';
  let title: string | undefined;
  page.split('\n').forEach((text, i) => {
    const mark = /^```(.*)$/.exec(text);
    if (open && mark) {
      fences.push(open);
      open = undefined;
    } else if (open) {
      open.code += `${text}\n`;
    } else if (mark) {
      open = { language: mark[1]!.trim(), code: '', line: i + 1, heading, ...(title && { title }) };
      title = undefined;
    } else if (text !== '') {
      if (text.startsWith('#')) heading = text.replace(/^#+ /, '');
      title = /^\*\*([\w./-]+\.\w+)\*\*$/.exec(text)?.[1];
    }
  });
  return fences;
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(page: string): Set<string> {
  const code = new Set(fencesOf(page).flatMap(({ line, code }) => code.split('\n').map((_, i) => line + 1 + i)));
  return new Set(page.split('\n').filter((text, i) => /^#+ /.test(text) && !code.has(i + 1)).map((text) =>
    text.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
  ));
}
