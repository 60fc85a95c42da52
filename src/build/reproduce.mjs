// Builds the last commit again, in a clone in a temporary folder, and compares every file of dist/
// and of the core with those here. `npm run reproduce`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });

/** SHA-256 of every file in a folder, by path, without the folders that tools make in build/. */
function hashes(folder) {
  const recursive = path.basename(folder) !== 'build';
  const files = readdirSync(folder, { recursive, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    return [path.relative(folder, file), createHash('sha256').update(readFileSync(file)).digest('hex')];
  }));
}

/** Files that differ or are in one folder only. */
function differences(here, there) {
  return [...new Set([...here.keys(), ...there.keys()])].filter((file) => here.get(file) !== there.get(file)).sort();
}

const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-again-'));
try {
  run(process.execPath, ['src/build/ready.mjs', '--dist'], root);
  run('git', ['clone', '--quiet', root, folder], root);
  run(process.execPath, ['src/build/ready.mjs', '--dist'], folder);
  const different = ['dist', 'build'].flatMap((name) =>
    differences(hashes(path.join(root, name)), hashes(path.join(folder, name))).filter((file) =>
      !file.endsWith('.stamp')
    ).map((file) => `${name}/${file}`)
  );
  if (different.length > 0) {
    console.error(`a second build of the last commit differs in ${different.join(', ')}`);
    process.exitCode = 1;
  } else {
    const { size } = hashes(path.join(root, 'dist'));
    console.log(`a second build of the last commit gave the same ${size} files of dist/, byte for byte`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
