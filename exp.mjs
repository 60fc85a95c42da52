import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
const names = [...readFileSync('assembly/record.ts', 'utf8').matchAll(/^(?:export )?function (\w+)/gm)].map((m) => m[1])
  .filter((n) => !['int', 'float', 'dtypeOf', 'scratch', 'toF64', 'bytesOf'].includes(n));
const record = names.map((n) => 'assembly/record/' + n);
const R = (...x) => [...record, ...x.map((n) => 'assembly/record/' + n)];
const sets = { t: R('toF64'), tb: R('toF64', 'bytesOf'), tbd: R('toF64', 'bytesOf', 'dtypeOf') };
for (const [name, patterns] of Object.entries(sets)) {
  const t = {
    afterCompile(module) {
      for (const p of patterns) {
        binaryen.setPassArgument('no-inline', p);
        module.runPasses(['no-inline']);
      }
    },
  };
  const { error, stderr } = await asc.main(['--config', 'asconfig.json', 'assembly/index.ts', '--target', 'simd',
    '--outFile', `/tmp/t/x-${name}.wasm`, '--runPasses', 'reorder-functions,reorder-locals'], { transforms: [t] });
  if (error) console.log(stderr.toString().slice(0, 500));
  const b = readFileSync(`/tmp/t/x-${name}.wasm`);
  console.log(name, b.length, gzipSync(b, { level: 9 }).length);
}
