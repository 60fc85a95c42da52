// The operators of the extra module as a chunk apart, beside the chunk that has all the others and
// what both share.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The name under which the extra module imports assembly/layout.ts */
const COPY = 'layout.extra.ts';

const isExtra = (id) => /[\\/.]extra\b|plainExtra/.test(path.relative('.', id));

/** Gives the extra module its own copy of the layout: constants are folded within a chunk only. */
export const ownLayout = {
  name: 'own-layout',
  async resolveId(source, importer) {
    if (!/\blayout(\.ts)?$/.test(source) || !importer || !isExtra(importer)) return null;
    const { id } = await this.resolve(source, importer, { skipSelf: true });
    return path.join(path.dirname(id), COPY);
  },
  load: (id) => (path.basename(id) === COPY ? readFile(path.join(path.dirname(id), 'layout.ts'), 'utf8') : null),
};

/** Options of an output with the entries `name` and `name`.extra, both without further chunks. */
export const withoutExtra = (name) => ({
  manualChunks: (id) => (isExtra(id) ? undefined : name),
  onlyExplicitManualChunks: true,
  chunkFileNames: '[name].js',
});
