// TypeScript, bundled for one run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** @param {URL} entry bundles it to a file that stands alone, for Node or pages */
export async function bundle(entry, outfile, platform) {
  await build({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform,
    logLevel: 'error',
  });
}

/** @param {URL} entry @returns its exports, in this process */
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
