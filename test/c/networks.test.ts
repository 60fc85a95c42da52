import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { toC } from '../../src/c/index';
import { compile, importTflite, readKlet } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { canCompile, CompiledC, hasGcc, predictBytes, randomInputs } from '../helpers/gcc';
import { Random } from '../helpers/random';
import { hasShared, sharedBytes } from '../helpers/shared';

// Real networks as C: the outputs of the core, bit for bit.

const models = path.resolve(import.meta.dirname, '../../models');
const own = ['digits/digits', 'digits/digits-pruned', 'digits/digits-4bit', 'spoken-digits/spoken-digits',
  'spoken-digits/spoken-digits-pruned', 'spoken-digits/spoken-digits-4bit'];
const foreign = ['kws_dscnn_int8', 'vww_int8', 'ic_resnet8_int8', 'ad01_int8', 'person_detect_int8',
  'mobilenet_v1_025_128_uint8', 'lstm_mnist_int8', 'lstm_mnist_f32', 'kws_dscnn_f32'];
const networks: [name: string, read: () => Uint8Array<ArrayBuffer>][] = [
  ...own.map((file): [string, () => Uint8Array<ArrayBuffer>] => [path.basename(file), () =>
    new Uint8Array(readFileSync(path.join(models, `${file}.klet`)))]
  ),
  ...(hasShared ? foreign : []).map((name): [string, () => Uint8Array<ArrayBuffer>] => [name, () => {
    const graph = importTflite(sharedBytes('models', `${name}.tflite`));
    const inputs = randomInputs(compile(graph), new Random(3)).record;
    return compile(graph, { golden: [inputs] }) as Uint8Array<ArrayBuffer>;
  }]),
];

/** Compilers, and flags that change how floats and overflows are computed. */
const builds: [title: string, compiler: string, flags: string[]][] =
  ([['gcc -O2', 'gcc', ['-O2']], ['gcc, checking for undefined behavior', 'gcc', ['-O1', '-fsanitize=undefined,address',
    '-fno-sanitize-recover=all']], ['gcc with fused multiply-adds', 'gcc', ['-std=gnu99', '-O3', '-mfma', '-mavx2']], [
    'gcc for 32 bits',
    'gcc',
    ['-O2', '-m32', '-msse2', '-mfpmath=sse'],
  ], ['clang -O2', 'clang', ['-O2']]] as [string, string, string[]][]).filter(([, compiler, flags]) =>
    canCompile(compiler, flags)
  );

describe.skipIf(!hasGcc).each(networks)('%s as C', (_, read) => {
  test.each(builds)('gives the bits of the core, built by %s', (_, compiler, flags) => {
    const klet = read();
    using compiled = new CompiledC([{ program: toC(klet), meta: readKlet(klet).meta }], flags, compiler, true);
    expect(compiled.selfTest(), 'the first golden case that is not reproduced').toBe(0);
    const random = new Random(7);
    const inputs = Array.from({ length: 4 }, () => randomInputs(klet, random));
    const model = loadSync(klet, { flavor: 'scalar' });
    // networks that keep a state continue from one prediction to the next
    const found = compiled.run(inputs.map(({ bytes }) => bytes), { reset: false });
    inputs.forEach(({ record }, i) => expect(found[i], `prediction ${i}`).toEqual(predictBytes(model, record)));
    model.dispose();
  });
});
