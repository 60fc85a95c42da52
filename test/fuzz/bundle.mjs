// Bundles the fuzzers, which are TypeScript, to one program that any Node runs.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');

/** The program, beside node_modules so that it finds its packages. */
export const program = path.join(root, 'build/fuzz/main.mjs');

/** Modules keep the folder of their source, and C files are text. */
const sources = {
  name: 'sources',
  setup(bundler) {
    bundler.onLoad(
      { filter: /\/(?:src|test)\/.*\.ts$/ },
      ({ path: file }) => ({
        contents: readFileSync(file, 'utf8').replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file))),
        loader: 'ts',
      }),
    );
  },
};

/** Writes the program, in less than a second. */
export async function bundle() {
  await build({
    entryPoints: [path.join(root, 'test/fuzz/main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // packages are inside, because some are CommonJS, which Node imports differently
    banner: {
      js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);",
    },
    external: ['typescript', 'vitest'],
    loader: { '.c': 'text' },
    plugins: [sources],
    logLevel: 'error',
  });
}
