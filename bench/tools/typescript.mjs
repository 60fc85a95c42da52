// Bundles and imports TypeScript modules.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Bundles a module and its imports into one file, for Node or the browser. */
export async function bundle(entry, outfile, platform) {
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform,
    // the library of networks printed as C
    loader: { '.c': 'text' },
    logLevel: 'error',
  });
}

/**
 * Bundles a module and imports it into this process.
 *
 * @param {URL} entry
 * @returns {Promise<object>} its exports
 */
export async function importTypeScript(entry) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-bench-'));
  try {
    const outfile = join(folder, 'bundle.mjs');
    await bundle(entry, outfile, 'node');
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
