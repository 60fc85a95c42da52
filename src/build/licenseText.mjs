import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The line between two packages. */
export const LINE = `\n${'─'.repeat(80)}\n\n`;

/** The entry of a package in a list of packages. */
export function textOf({ name, version, license: kind, licenseText, noticeText, homepage, repository }) {
  const isApache = /\bApache-2\.0\b/.test(kind);
  if (!licenseText && !isApache) throw new Error(`the package ${name} (${kind}) has no text of its licence`);
  const origin = homepage ?? repository?.url ?? repository;
  const text = licenseText ?? readFileSync(new URL('../../LICENSE', import.meta.url), 'utf8');
  return [`${name} ${version}\n${kind}\n${origin}`, text.trim(), noticeText?.trim()].filter(Boolean).join('\n\n') +
    '\n';
}

/** The entry of a package in a folder. */
export function textOfPackage(folder) {
  const description = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return textOf({ ...description, licenseText: file && readFileSync(path.join(folder, file), 'utf8') });
}
