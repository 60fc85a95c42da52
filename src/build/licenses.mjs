import { mkdirSync, writeFileSync } from 'node:fs';
import license from 'rollup-plugin-license';
import { LINE, textOf } from './licenseText.mjs';

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
      writeFileSync(FILE, [HEAD, ...names.map((name) => textOf(bundled.get(name)))].join(LINE));
    },
  },
});
