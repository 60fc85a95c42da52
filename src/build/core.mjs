// Compiles assembly/ to build/core.<flavor>.wasm and build/core.<flavor>.threads.wasm, and encodes
// the cores as text in build/core.js (with declarations), which assembly/unpack/index.ts decodes.
// The relaxed core differs little from the simd core, and a core with threads differs little from
// the same core without, so these are stored as patches. The extra modules are text in
// build/extra.js.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';

/** Small functions of assembly/record.ts that run for every record of a prediction. */
const inlined = ['int', 'float', 'dtypeOf', 'scratch'];
/**
 * The functions that describe and check records, which run once for each record when a file is
 * loaded. Inlined into one another they would make the core 5 % larger.
 */
const onlyAtLoad = [...readFileSync('assembly/record.ts', 'utf8').matchAll(/^(?:export )?function (\w+)/gm)].map((
  [, name],
) => name).filter((name) => !inlined.includes(name)).map((name) => `assembly/record/${name}`);

/**
 * Functions that are called few times for a record. Copied to each of their callers they would make
 * the core 5 % larger, and no network faster.
 */
const shared = Object.entries({
  'kernels/dot': ['dotForm', 'hasLowest', 'shape_i8', 'split_i8'],
  'kernels/fold': ['min_f32', 'min_i8', 'squares_f32', 'squares_i8', 'sum_f32', 'sum_i8'],
  'kernels/gates': ['add_i16', 'narrow_i16_i8', 'one_less_i16'],
  'kernels/gatesF32': ['add_f32', 'blend_f32', 'clip_f32', 'multiply_add_f32', 'multiply_f32', 'norm_f32',
    'one_less_f32', 'rescale_add_f32'],
  'kernels/gemm': ['gemm_relaxed_6x8', 'storeSums'],
  'kernels/hybrid': ['dequantize_sums', 'quantize_range'],
  'kernels/math': ['put'],
  'kernels/store': ['storePart'],
  'kernels/wide': ['gemm_i16_4x8'],
  'kernels/widen': ['sum_row_i8', 'sum_rows_i8'],
  'ops/checks': ['checkApart'],
  'ops/conv2d': ['multiplyPanels'],
  'ops/depthwiseConv2d': ['prepare3x3'],
  'ops/walk': ['walkTo'],
  'ops/window': ['panelsOf'],
  threads: ['share'],
}).flatMap(([file, names]) => names.map((name) => `assembly/${file}/${name}`));

const notInlined = [...onlyAtLoad, ...shared];

/** Keeps the optimizer from inlining these functions. */
const calls = {
  afterCompile(module) {
    for (const pattern of notInlined) {
      binaryen.setPassArgument('no-inline', pattern);
      module.runPasses(['no-inline']);
    }
  },
};

const flavors = ['relaxed', 'simd', 'scalar', 'relaxed.threads', 'simd.threads', 'scalar.threads'];
mkdirSync('build', { recursive: true });
for (const flavor of flavors) await compile('assembly/index.ts', '--target', flavor, '--debug');
const [relaxed, simd, scalar, relaxedThreads, simdThreads, scalarThreads] =
  inOneOrder(flavors.map((flavor) => `build/core.${flavor}.wasm`));
const carried = {
  simd,
  scalar,
  relaxedPatch: patchOf(simd, relaxed),
  relaxedThreadsPatch: patchOf(relaxed, relaxedThreads),
  simdThreadsPatch: patchOf(simd, simdThreads),
  scalarThreadsPatch: patchOf(scalar, scalarThreads),
};
const order = bytesByFrequency(Object.values(carried));
const text = textEncoder(order);
const unpacker = await unpackerFor([simd, carried.relaxedPatch, relaxed, carried.relaxedThreadsPatch, relaxedThreads], [
  scalar,
  carried.scalarThreadsPatch,
  scalarThreads,
], [simd, carried.simdThreadsPatch, simdThreads]);
const strings = {
  unpacker: unpacker.toString('hex'),
  order: Buffer.from(order).toString('hex'),
  ...Object.fromEntries(Object.entries(carried).map(([name, bytes]) => [name, text(bytes)])),
};
writeTexts('core', strings);
const extras = ['extra', 'extra.threads', 'extra.simd', 'extra.simd.threads'];
for (const target of extras) await compile('assembly/extra/index.ts', '--target', target);
const [extra, extraThreads, extraSimd, extraSimdThreads] = extras.map((name) =>
  readFileSync(`build/${name}.wasm`, 'hex')
);
writeTexts('extra', { extra, extraThreads, extraSimd, extraSimdThreads });
for (const name of [...flavors.map((flavor) => `core.${flavor}`), ...extras]) {
  console.log(`  ${name}.wasm ${readFileSync(`build/${name}.wasm`).length} bytes`);
}

/** Writes a module of constant strings, and its declarations. */
function writeTexts(name, strings) {
  const texts = Object.entries(strings);
  writeFileSync(`build/${name}.js`, texts.map(([key, string]) => `export const ${key} = '${string}';\n`).join(''));
  writeFileSync(`build/${name}.d.ts`, texts.map(([key]) => `export declare const ${key}: string;\n`).join(''));
}

async function compile(...options) {
  // frequent locals get small numbers, which are shorter
  const order = ['--runPasses', 'reorder-locals'];
  const { error, stderr } = await asc.main(['--config', 'asconfig.json', ...options, ...order], {
    transforms: [calls],
  });
  if (!error) return;
  console.error(stderr.toString());
  process.exit(1);
}

/**
 * Gives the functions of cores the same order. Those that all cores have then have the same numbers
 * in calls, and patches are a seventh to a third smaller. Similar functions are close to each
 * other, which gzip compresses better: first those of records, then those that describe and check
 * them, and of the others the kernels first. Removes the names that this needs.
 *
 * @returns the contents of the files
 */
function inOneOrder(files) {
  const modules = files.map((file) => binaryen.readBinary(readFileSync(file)));
  const functions = modules.map((module) =>
    Array.from({ length: module.getNumFunctions() }, (_, i) => binaryen.getFunctionInfo(module.getFunctionByIndex(i)))
      .filter((info) => !info.module)
  );
  const infos = functions.map((list) => new Map(list.map((info) => [info.name, info])));
  const names = new Set(functions.flatMap((list) => list.map(({ name }) => name)));
  binaryen.setDebugInfo(false);
  const kind = (name) => {
    if (name.startsWith('assembly/record/')) return 0;
    return /describe|check/i.test(name) ? 1 : 2;
  };
  // the functions of all cores first
  const shares = (name) => infos.filter((info) => info.has(name)).length;
  const isKernel = (name) => name.startsWith('assembly/kernels/');
  const order = [...names].sort((a, b) =>
    kind(a) - kind(b) || shares(b) - shares(a) || Number(isKernel(b)) - Number(isKernel(a))
  );
  return modules.map((module, i) => {
    for (const name of order) {
      const info = infos[i].get(name);
      if (!info) continue;
      module.removeFunction(name);
      module.addFunction(name, info.params, info.results, info.vars, info.body);
    }
    const bytes = Buffer.from(module.emitBinary());
    writeFileSync(files[i], bytes);
    return bytes;
  });
}

/**
 * Compiles assembly/unpack/index.ts with enough memory for the largest chain. A chain is a file, a
 * patch, the result, and so on. Each takes up to three times its size, because its text has up to
 * two characters a byte.
 */
async function unpackerFor(...chains) {
  const bytes = 1024 + 3 * Math.max(...chains.map((files) => files.reduce((sum, file) => sum + file.length, 0)));
  await compile('assembly/unpack/index.ts', '--target', 'unpack', '--initialMemory', `${Math.ceil(bytes / 65536)}`);
  return readFileSync('build/unpack.wasm');
}

function bytesByFrequency(files) {
  const counts = new Array(256).fill(0);
  for (const file of files) for (const byte of file) counts[byte]++;
  return [...counts.keys()].sort((a, b) => counts[b] - counts[a]);
}

/**
 * Returns an encoder of bytes as printable ASCII. assembly/unpack/index.ts describes the encoding.
 */
function textEncoder(order) {
  const SINGLE = 87;
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  const alphabet = printable.filter((c) => !'\'"\\`$<'.includes(c));
  const codes = [];
  order.forEach((byte, rank) => {
    codes[byte] = rank < SINGLE
      ? alphabet[rank]
      : alphabet[SINGLE + Math.floor(rank / SINGLE) - 1] + alphabet[rank % SINGLE];
  });
  return (bytes) => Array.from(bytes, (byte) => codes[byte]).join('');
}

/**
 * Returns the patch that derives `to` from `from`. assembly/unpack/index.ts describes the format.
 */
function patchOf(from, to) {
  const SEED = 4;
  // What a copy must save. It takes fewer bytes, but numbers of copies compress worse than code.
  const [NEAR, FAR] = [3, 12];
  const seeds = new Map();
  const key = (bytes, i) => bytes.readUInt32LE(i);
  for (let i = 0; i + SEED <= from.length; i++) {
    const known = seeds.get(key(from, i));
    if (known) known.push(i);
    else seeds.set(key(from, i), [i]);
  }
  const lengthAt = (source, i) => {
    let length = 0;
    while (source + length < from.length && i + length < to.length && from[source + length] === to[i + length]) {
      length++;
    }
    return length;
  };
  /** The copy at i that saves most. A copy that continues the last one costs less to write. */
  const bestAt = (i, expected) => {
    let best = { source: expected, gain: 0, length: 0 };
    const consider = (source, cost) => {
      const length = lengthAt(source, i);
      if (length - cost > best.gain) best = { source, length, gain: length - cost };
    };
    if (expected >= 0 && expected < from.length) consider(expected, NEAR);
    const sources = i + SEED <= to.length ? seeds.get(key(to, i)) ?? [] : [];
    for (const source of sources) consider(source, FAR);
    return best;
  };
  const bytes = [];
  const number = (value) => {
    for (; value > 127; value >>>= 7) bytes.push(value & 127 | 128);
    bytes.push(value);
  };
  for (let i = 0, start = 0, end = 0; start < to.length;) {
    const expected = end + i - start;
    const copy = bestAt(i, expected);
    if (i < to.length && (copy.gain === 0 || bestAt(i + 1, expected + 1).gain > copy.gain + 1)) {
      i++;
      continue;
    }
    number(i - start);
    bytes.push(...to.subarray(start, i));
    const jump = copy.source - expected;
    number(copy.length);
    number(jump < 0 ? -2 * jump - 1 : 2 * jump);
    i += copy.length;
    start = i;
    end = copy.source + copy.length;
  }
  return Uint8Array.from(bytes);
}
