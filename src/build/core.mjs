// Compiles assembly/ to build/core.<flavor>.wasm, and to build/core.js: both as base64, with types.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

const flavors = ['simd', 'scalar'];
mkdirSync('build', { recursive: true });
for (const flavor of flavors) {
  const { error, stderr } = await asc.main(['--config', 'asconfig.json', '--target', flavor]);
  if (error) {
    console.error(stderr.toString());
    process.exit(1);
  }
}
const files = flavors.map((flavor) => readFileSync(`build/core.${flavor}.wasm`));
writeFileSync('build/core.js', flavors.map((flavor, i) => `export const ${flavor} = '${files[i].toString('base64')}';\n`).join(''));
writeFileSync('build/core.d.ts', flavors.map((flavor) => `export declare const ${flavor}: string;\n`).join(''));
console.log(flavors.map((flavor, i) => `  core.${flavor}.wasm ${files[i].length} bytes`).join('\n'));
