// Measures networks that were printed as C: bytes of code, constants and RAM on a Cortex-M4, and
// the time of a prediction on this machine beside the scalar WebAssembly core.
//
//   node bench/c.mjs [network …]   prints a table; networks are .tflite and .klet files
//   node bench/c.mjs --code        writes src/c/library/codeBytes.ts, the bytes of each function
//
// It needs gcc, and arm-none-eabi-gcc for the sizes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const board = ['-std=c99', '-mcpu=cortex-m4', '-mthumb', '-mfpu=fpv4-sp-d16', '-mfloat-abi=hard', '-Os'];
const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-c-'));

function command(name, args) {
  const { status, stdout, stderr, error } = spawnSync(name, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Bytes of each function of the library, compiled apart. */
function functionBytes() {
  const library = path.join(root, 'src/c/library');
  const order = ['arithmetic', 'math', 'hybrid', 'convolution', 'reduction', 'elementwise', 'movement', 'recurrent',
    'wide'];
  const text = order.map((name) => readFileSync(path.join(library, `${name}.c`), 'utf8')).join('\n');
  const head = '#include <stdint.h>\n#include <string.h>\n#include <math.h>\n';
  writeFileSync(path.join(folder, 'all.c'), head + text.replace(/^static /gm, ''));
  command('arm-none-eabi-gcc', [...board, '-fno-inline', '-c', 'all.c', '-o', 'all.o']);
  const symbols = command('arm-none-eabi-nm', ['-S', 'all.o']).trim().split('\n').map((line) => line.split(/\s+/));
  return symbols.filter(([, , kind]) => kind === 'T').map(([, bytes, , name]) => [name, parseInt(bytes, 16)]).sort();
}

function writeCodeBytes() {
  const [version] = command('arm-none-eabi-gcc', ['--version']).split('\n');
  const lines = functionBytes().map(([name, bytes]) => `  ${name}: ${bytes},\n`).join('');
  writeFileSync(
    path.join(root, 'src/c/library/codeBytes.ts'),
    `/**\n * Bytes of the functions of the library on a Cortex-M4 with FPU, by gcc -Os. Written by\n`
      + ` * \`node bench/c.mjs --code\` with ${
        version.replace(/^.*?(\d+\.\d+\.\d+).*$/, 'arm-none-eabi-gcc $1')
      }.\n */\n`
      + `export const codeBytes: Readonly<Record<string, number>> = {\n${lines}};\n`,
  );
}

/** A main function that prints the nanoseconds of a prediction, in the fastest of ten rounds. */
function timing({ name, inputs, outputs }) {
  const types = { float32: 'float', int8: 'int8_t', uint8: 'uint8_t' };
  const buffer = ({ dtype, shape }, variable) =>
    `static ${types[dtype]} ${variable}[${shape.reduce((a, b) => a * b, 1)}];\n`;
  const names = [...inputs.map((_, i) => `in${i}`), ...outputs.map((_, i) => `out${i}`)];
  return `#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "${name}.h"
${[...inputs, ...outputs].map((port, i) => buffer(port, names[i])).join('')}
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}
int main(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 1;
    double best = 1e30;
    for (int round = 0; round < 10; round++) {
        double start = now();
        for (int i = 0; i < runs; i++) { kinglet_${name}_predict(${names.join(', ')}); }
        double time = (now() - start) / runs;
        if (time < best) { best = time; }
    }
    printf("%.0f\\n", best);
    return 0;
}
`;
}

async function measure(file) {
  const { compile, importerOf, toC } = await import(path.join(root, 'dist/compiler.js'));
  const { loadSync } = await import(path.join(root, 'dist/index.js'));
  const source = new Uint8Array(readFileSync(file));
  const importer = file.endsWith('.klet') ? undefined : importerOf(source);
  const klet = importer ? compile(importer.import(source, { name: path.basename(file).replace(/\..*/, '') })) : source;
  const program = toC(klet);
  const { name } = program;
  for (const [own, text] of Object.entries(program.files)) writeFileSync(path.join(folder, own), text);
  command('arm-none-eabi-gcc', [...board, '-c', `${name}.c`, '-o', `${name}.o`]);
  const sections = command('arm-none-eabi-size', ['-A', `${name}.o`]);
  const bytes = (section) =>
    [...sections.matchAll(new RegExp(`^\\${section}\\S*\\s+(\\d+)`, 'gm'))].reduce(
      (sum, [, own]) => sum + Number(own),
      0,
    );
  const model = loadSync(klet, { flavor: 'scalar' });
  writeFileSync(path.join(folder, 'time.c'), timing({ name, inputs: model.inputs, outputs: model.outputs }));
  command('gcc', ['-std=c99', '-O2', `${name}.c`, 'time.c', '-o', 'time', '-lm']);
  const inputs = Object
    .fromEntries(model.inputs.map((
      { name: port, dtype, shape },
    ) => [port,
      new { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[dtype](shape.reduce((a, b) => a * b, 1))]
    ));
  const predict = () => model.predict(inputs, { output: 'raw' });
  for (let i = 0; i < 20; i++) predict();
  const start = performance.now();
  predict();
  const runs = Math.max(1, Math.ceil(20 / Math.max(0.001, performance.now() - start)));
  let scalar = Infinity;
  let c = Infinity;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 10; i++) {
      const { user } = process.cpuUsage();
      for (let run = 0; run < runs; run++) predict();
      scalar = Math.min(scalar, (process.cpuUsage().user - user) * 1000 / runs);
    }
    c = Math.min(c, Number(command(path.join(folder, 'time'), [String(runs)])));
  }
  return {
    name,
    code: bytes('.text'),
    constants: bytes('.rodata'),
    ram: bytes('.bss'),
    estimate: program.codeBytes,
    ratio: c / scalar,
  };
}

const args = process.argv.slice(2);
try {
  if (args.includes('--code')) writeCodeBytes();
  else {
    const models = path.resolve(root, '../shared/models');
    const tiny = ['kws_dscnn', 'vww', 'ic_resnet8', 'ad01'].map((name) => path.join(models, `${name}_int8.tflite`));
    const own = path.join(root, 'models/digits');
    const files = args.length > 0
      ? args
      : [...tiny, ...readdirSync(own).filter((name) => name.endsWith('.klet')).map((name) => path.join(own, name))];
    console.log('| network | code | constants | RAM | time / scalar WebAssembly | code, estimate |');
    for (const file of files) {
      const { code, constants, ram, ratio, estimate } = await measure(file);
      console.log(`| ${path.basename(file)} | ${code} | ${constants} | ${ram} | ${ratio.toFixed(2)} | ${estimate} |`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
