import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import license from 'rollup-plugin-license';

const FILE = 'dist/THIRD-PARTY.txt';
const HEAD = 'The files of this folder contain code of the following packages.\n';

/** The packages found so far, by name. */
const bundled = new Map();

/**
 * Lists the packages whose code is in the bundles, with their licences. Each bundle adds to the
 * list, so it is complete after the last one.
 */
export const licenses = license({
  thirdParty: {
    includePrivate: false,
    output(dependencies) {
      for (const dependency of dependencies) bundled.set(dependency.name, dependency);
      const names = [...bundled.keys()].sort();
      mkdirSync('dist', { recursive: true });
      writeFileSync(FILE, [HEAD, ...names.map((name) => textOf(bundled.get(name)))].join(`\n${'─'.repeat(80)}\n\n`));
    },
  },
});

function textOf({ name, version, license: kind, licenseText, noticeText, homepage, repository }) {
  const isApache = /\bApache-2\.0\b/.test(kind);
  if (!licenseText && !isApache) throw new Error(`the package ${name} (${kind}) has no text of its licence`);
  const origin = homepage ?? repository?.url ?? repository;
  const text = licenseText ?? readFileSync(new URL('../../LICENSE', import.meta.url), 'utf8');
  return [`${name} ${version}\n${kind}\n${origin}`, text.trim(), noticeText?.trim()].filter(Boolean).join('\n\n') +
    '\n';
}
