// Prepares a release: `npm run release`. It checks that the tree is clean and tested, builds it
// twice, and writes to release/ the package, the hashes of its files and a bill of materials. With
// --publish it publishes the package with a statement of its provenance, which needs a build server
// that npm trusts (https://docs.npmjs.com/generating-provenance-statements).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

process.chdir(path.resolve(import.meta.dirname, '../..'));
const FOLDER = 'release';
const run = (...[command, ...args]) => execFileSync(command, args, { stdio: 'inherit' });
const textOf = (...[command, ...args]) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });

if (textOf('git', 'status', '--porcelain') !== '') {
  console.error('the tree has changes that are not committed; a release is made of a commit');
  process.exit(1);
}
rmSync(FOLDER, { recursive: true, force: true });
run('npm', 'test');
run('npm', 'run', 'lint');
run('npm', 'run', 'types');
run('npm', 'run', 'reproduce');
run('npm', 'audit', '--omit=dev');
mkdirSync(FOLDER);
const [{ filename }] = JSON.parse(textOf('npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', FOLDER));
writeFileSync(`${FOLDER}/sbom.cdx.json`, textOf('npm', 'sbom', '--sbom-format=cyclonedx', '--omit=dev'));
const sha256 = (file) => createHash('sha256').update(readFileSync(`${FOLDER}/${file}`)).digest('hex');
writeFileSync(`${FOLDER}/SHA256SUMS`, [filename, 'sbom.cdx.json'].map((file) => `${sha256(file)}  ${file}\n`).join(''));
console.log(`${FOLDER}/ has ${filename}, sbom.cdx.json and SHA256SUMS`);
if (process.argv.includes('--publish')) {
  run('npm', 'publish', `${FOLDER}/${filename}`, '--provenance', '--access=public');
}
