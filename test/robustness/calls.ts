import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { createAudioFeatures, createAudioStream, createMicroFeatures, createOverlapAdd,
  createSpectrum } from '../../src/audio/index';
import { compile, createKeys, GraphBuilder, NetworkSearch, sign, Study, type Graph } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { denoise, detectSound, keywords } from '../../src/tasks/sound/index';
import { GraphModel, LayersModel, Tensor, tensor as tfTensor } from '../../src/tfjs/index';
import { toneDetector, toneParameters } from '../audio/networks';
import { writeTflite } from '../tflite/writer';

// Correct calls of every public function and method, and wrong values.

export const core = readFileSync(path.resolve(import.meta.dirname, '../../build/core.simd.wasm'));
export const tones = toneDetector();
export const tflite = writeTflite({
  tensors: [{ name: 'x', shape: [1, 4], type: 'FLOAT32' }, { name: 'y', shape: [1, 4], type: 'FLOAT32' }],
  operators: [{ kind: 'RELU', inputs: ['x'], outputs: ['y'] }],
  inputs: ['x'],
  outputs: ['y'],
});

/**
 * A network with a convolution, a state and constants, new for each call because tests damage it.
 */
export function graph(): Graph {
  const b = new GraphBuilder('small');
  const x = b.input('x', [1, 4, 4, 2]);
  const weights = b.constant(Float32Array.from({ length: 16 }, (_, i) => Math.sin(i)), [8, 1, 1, 2]);
  const attributes = {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
    activation: 'none',
  } as const;
  const y = b.node('conv2d', [x, weights, b.constant(new Float32Array(8), [8])], structuredClone(attributes) as never);
  const total = b.state('total', [1, 4, 4, 8], new Float32Array(128));
  const sum = b.node('binary', [total, y], { kind: 'add', activation: 'none' }, { name: 'sum' });
  b.assign(total, sum);
  return b.finish([sum]);
}

/** A network without state, over time. */
export function sequence(): Graph {
  const b = new GraphBuilder('sequence');
  const x = b.input('x', [1, 16, 1, 4]);
  const w = b.constant(Float32Array.from({ length: 128 }, (_, i) => Math.cos(i)), [8, 4, 1, 4]);
  return b.finish([
    b.node('conv2d', [x, w, null], {
      stride: [1, 1],
      dilation: [1, 1],
      padding: [3, 0, 0, 0],
      groups: 1,
      activation: 'relu',
    }),
  ]);
}

/** A network whose state is an input. */
function counter(): Graph {
  const b = new GraphBuilder('counter');
  const x = b.input('x', [2]);
  const next = b.node('binary', [x, b.input('state', [2])], { kind: 'add', activation: 'none' }, { name: 'next' });
  return b.finish([b.node('unary', [next], { kind: 'abs' }), next]);
}

function quantized(): Graph {
  const b = new GraphBuilder('quantized');
  const quantization = { scale: [0.1], zeroPoint: [0], axis: 0 };
  const x = b.input('x', [1, 64], 'int8', { ...quantization });
  const data = Int8Array.from({ length: 512 }, (_, i) => (i * 37) % 255 - 127);
  const w = b.constant(data, [8, 64], { ...quantization });
  return b.finish([b.node('fullyConnected', [x, w, null], { activation: 'none' }, { quantization })]);
}

const samples = (
  count: number,
): Float32Array[] => [new Float32Array(count).fill(0.5), new Float32Array(count).fill(-1)];
/** Examples for `graph`, with a class for every pixel. */
const labeled = (): object[] =>
  samples(32).map((input) => ({ input, target: Array.from({ length: 16 }, (_, i) => i % 8) }));
const tensor = { name: 'x', dtype: 'float32', shape: [1, 4, 4, 3] };
export const pixels = (): object => ({ width: 2, height: 2, data: new Uint8ClampedArray(16) });
export const image = (): object => ({ kind: 'image', channels: 3, scale: [1, 1, 1], offset: 0, invert: false });
const bands = { name: 'bands', dtype: 'float32', shape: [1, 8, 16, 1] };
export const nothing = (): void => undefined;

export const int8 = compile(quantized());
const keys = await createKeys();
export const signed = await sign(tones, keys.privateKey);

/** Correct arguments, new for each call. */
export const correct: Record<string, () => unknown[]> = {
  load:
    () => [tones.slice(), {
      flavor: 'simd',
      maxMemory: 1e7,
      timeout: 1e4,
      threads: 1,
      signal: new AbortController().signal,
      onProgress: nothing,
      wasm: core,
    }],
  loadSync: () => [tones.slice(), { flavor: 'simd', maxMemory: 1e7, wasm: core }],
  compile:
    () => [graph(), {
      meta: { name: 'n', labels: ['a', 'b'], preprocessing: image() },
      golden: [new Float32Array(32)],
      debugInfo: true,
      compact: true,
      maxMemory: 1e7,
      weightLayout: 'dense',
      strips: true,
    }],
  cluster: () => [quantized(), 4],
  toScript: () => [compile(quantized()), { name: 'tones', weights: 'inside' }],
  repack:
    () => [tones.slice(), {
      meta: { labels: ['a', 'b'] },
      golden: [new Float32Array(128)],
      debugInfo: true,
      compact: true,
    }],
  toC: () => [tones.slice(), { name: 'tones' }],
  compare: () => [graph(), graph(), samples(32)],
  evaluate:
    () => [graph(), labeled(), {
      task: 'segment',
      classes: 8,
      ignore: 255,
      resamples: 3,
      seed: 2,
      onProgress: nothing,
    }],
  evaluatePair: () => [graph(), compile(graph()), labeled(), { task: 'segment', resamples: 3, output: 'sum' }],
  averagePrecisions:
    () => [[{
      boxes: [{ class: 0, box: [0, 0, 1, 1], ignore: false }],
      detections: [{ class: 0, box: [0, 0, 1, 0.5], score: 0.5 }],
    }]],
  calibrationError: () => [[0.5, 0.75], [true, false], 4],
  classReport: () => [[0, 1, 1], [0, 1, -1]],
  mcNemar: () => [3, 4],
  rocAuc: () => [[1, 2, 3], [true, false, true]],
  wilson: () => [3, 4],
  createKeys: () => [],
  publicKeyOf: () => [keys.privateKey],
  sign: () => [tones.slice(), [keys.privateKey]],
  verify: () => [signed.slice(), keys.publicKey],
  prunableLayerNames: () => [sequence(), 'channels'],
  importerOf: () => [tflite],
  quantizationReport: () => [sequence(), { samples: samples(64), test: samples(64), rounding: 'nearest' }],
  quantize: () => [sequence(), { samples: samples(64), floatIo: true }],
  toStream: () => [sequence(), { axis: 1, frames: 2 }],
  findStates: () => [counter()],
  importModel: () => [tflite, { name: 'tiny' }],
  wireStates: () => [counter(), { next: 'state' }, { initial: { state: new Float32Array(2) } }],
  lowRank: () => [graph(), 0.5],
  applyRecipe:
    () => [sequence(), {
      channels: 0.1,
      prune: { conv2d: { sparsity: 0.5, pattern: 'weights' } },
      int8: { bits: 8, layers: { conv2d: 4 }, activationBits: 8, keep: [] },
      cluster: 16,
    }, samples(64)],
  search: () => [sequence(), searchOptions()],
  prune:
    () => [sequence(), {
      sparsity: { conv2d: 0.5 },
      pattern: 'pairs',
      scope: 'layer',
      samples: samples(64),
      keep: [],
      onProgress: nothing,
    }],
  sensitivity: () => [sequence(), { sparsity: 0.5, samples: samples(64), pattern: 'pairs', onProgress: nothing }],
  readKlet: () => [tones.slice(), 'tones'],
  importTflite: () => [tflite, { name: 'tiny' }],
  topK: () => [[0.1, 0.7, 0.2], ['a', 'b', 'c'], 2],
  imageToInput: () => [pixels(), structuredClone(tensor), image()],
  imageShape: () => [structuredClone(tensor), image()],
  checkPreprocessing: () => [image()],
  audioParameters:
    () => ['tensorflow', {
      sampleRate: 8000,
      frameLength: 256,
      hop: 128,
      mel: { bands: 10 },
      compression: { kind: 'pcen', timeConstant: 0.3 },
      mfcc: { count: 5 },
    }],
  checkAudioParameters: () => [toneParameters()],
  createAudioFeatures: () => [toneParameters()],
  createAudioStream: () => [structuredModel(), { every: 1, output: 'scores' }],
  featuresOf: () => [structuredModel()],
  inputFrames: () => [structuredClone(bands), toneParameters()],
  audioToInput: () => [new Float32Array(4000), structuredClone(bands), toneParameters()],
  resample: () => [new Float32Array(100), 8000, 16000],
  keywords: () => [structuredModel(), { threshold: { low: 0.5 }, minLevel: -40, background: ['high'], smoothing: 0.1 }],
  denoise: () => [structuredGain(), { ...denoiseOptions(), bands: [0, 1000, 2000, 3000, 4000] }],
  createOverlapAdd: () => [{ frameLength: 8, hop: 4, window: 'hann', overlap: 'sum' }],
  createSpectrum: () => [8],
  createMicroFeatures: () => [{ sampleRate: 8000, frameLength: 200, bands: 8, high: 3800, pcan: true, scale: 0.5 }],
  detectSound: () => [structuredModel(), { onset: { low: 0.5 }, filter: 'mean', minGap: 0.1, background: [] }],
  checkTask: () => [{ kind: 'detect', decoder: 'rows', threshold: 0.5 }],
  classify: () => [pixels(), taskModel([1, 3]), { topK: 2, labels: ['a', 'b', 'c'] }],
  isKnown: () => [{ y: Float32Array.of(0.2, 0.1) }, learnedModel()],
  detect: () => [pixels(), taskModel([1, 1, 6]), { decoder: 'rows', threshold: 0.5, iou: 0.5, labels: ['a'] }],
  segment: () => [pixels(), taskModel([1, 2, 2, 2]), { labels: ['a', 'b'] }],
  pose: () => [pixels(), taskModel([1, 6]), { decoder: 'list', values: 3 }],
  embed: () => [pixels(), taskModel([1, 3]), { output: 'y' }],
  compareEmbeddings: () => [Float32Array.of(1, 0), Float32Array.of(0, 1)],
  regress: () => [pixels(), taskModel([1, 3]), { values: [{ name: 'age', unit: 'a', min: 0, max: 9, index: 1 }] }],
  imagePreprocessing: () => [{ range: 1, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], fit: 'crop', resize: 'pil' }],
  ssdAnchors: () => [{ width: 32, height: 32, strides: [8, 16], minScale: 0.2, maxScale: 0.9, aspectRatios: [1, 2] }],
  createSession: () => [tones.slice(), { executionProviders: ['wasm'], intraOpNumThreads: 1, externalData: [] }],
  setCompiler: () => [undefined],
  loadGraphModel: () => [tones.slice(), { threads: 1, onProgress: nothing, strict: true }],
  loadLayersModel: () => [tones.slice(), { threads: 1 }],
  tensor: () => [[[1, 2], [3, 4]], [2, 2], 'float32'],
  tensor1d: () => [[1, 2], 'int32'],
  tensor2d: () => [[1, 2, 3, 4], [2, 2], 'float32'],
  tensor3d: () => [[[[1, 2], [3, 4]]], [1, 2, 2], 'float32'],
  tensor4d: () => [[1, 2, 3, 4], [1, 1, 2, 2], 'float32'],
  tensor5d: () => [[1, 2, 3, 4], [1, 1, 1, 2, 2], 'float32'],
  scalar: () => [3, 'int32'],
  zeros: () => [[2, 3], 'float32'],
  ones: () => [[2, 3], 'int32'],
  fill: () => [[2, 3], 7, 'float32'],
  add: () => [[[1, 2], [3, 4]], [5, 6]],
  sub: () => [[[1, 2], [3, 4]], [5, 6]],
  mul: () => [[[1, 2], [3, 4]], [5, 6]],
  div: () => [[[1, 2], [3, 4]], [5, 6]],
  cast: () => [[1.5, 2], 'int32'],
  reshape: () => [[1, 2, 3, 4], [2, -1]],
  expandDims: () => [[1, 2], 1],
  squeeze: () => [[[1, 2]], [0]],
  slice: () => [[[1, 2], [3, 4]], [0, 1], [2, 1]],
  concat: () => [[[[1, 2]], [[3, 4]]], 1],
  stack: () => [[[1, 2], [3, 4]], 1],
  transpose: () => [[[1, 2], [3, 4]], [1, 0]],
  reverse: () => [[[1, 2], [3, 4]], [1]],
  argMax: () => [[[1, 2], [3, 4]], 1],
  argMin: () => [[[1, 2], [3, 4]], 1],
  max: () => [[[1, 2], [3, 4]], [1], true],
  min: () => [[[1, 2], [3, 4]], 1, false],
  sum: () => [[[1, 2], [3, 4]], 1, false],
  mean: () => [[[1, 2], [3, 4]], 1, false],
  softmax: () => [[[1, 2], [3, 4]], -1],
  sigmoid: () => [[[1, 2], [3, 4]]],
  topk: () => [[[1, 2], [3, 4]], 1, true],
  clone: () => [[1, 2]],
  tidy: () => ['name', nothing],
  dispose: () => [[tfTensor([1])]],
  keep: () => [tfTensor([1])],
  print: () => [[1, 2]],
  memory: () => [],
  disableDeprecationWarnings: () => [],
  enableProdMode: () => [],
  engine: () => [],
  env: () => [],
  getBackend: () => [],
  nextFrame: () => [],
  ready: () => [],
  setBackend: () => ['cpu'],
};

export const searchOptions = (): object => ({
  samples: samples(64),
  test: samples(64),
  budget: { sqnr: 10 },
  include: ['bits'],
  trials: 2,
  sampler: 'random',
  seed: 3,
  parallel: 2,
  compact: true,
  debugInfo: false,
  meta: { name: 'n' },
  originalMs: 1,
  onTrial: nothing,
});
export const space = (): object => ({
  x: { choices: ['a', 1, true] },
  y: { min: 1, max: 2, log: false, when: { x: ['a', 1] } },
  z: { min: 1, max: 1e6, step: 0.5 },
});
export const studyOptions = (): object => ({
  measures: { loss: { goal: 'minimize', atMost: 3, atLeast: -3 } },
  sampler: 'tpe',
  seed: 1,
  first: [{ x: 1 }],
  parallel: 1024,
});
const networkSearch = (): NetworkSearch => new NetworkSearch(sequence(), searchOptions() as never);
const int8Sequence = networkSearch().build({ 'bits conv2d': 8 });

/** A model as a plain object, so that its parts can be damaged. */
function structuredModel(): object {
  const { inputs, outputs, meta } = loadSync(tones);
  return { ...structuredClone({ inputs, outputs, meta }), predictInto: nothing, memory: { state: 0 } };
}

/** A network of gains for frames of 8 samples. */
function structuredGain(): object {
  const tensors = (name: string): object[] => [{ name, dtype: 'float32', shape: [1, 5] }];
  return { inputs: tensors('x'), outputs: tensors('y'), meta: { name: 'gain' }, predictInto: nothing };
}
/** A network for images of 2 × 2 pixels, with zeros as its output. */
const taskModel = (shape: number[]): object => ({
  inputs: [{ name: 'image', dtype: 'float32', shape: [1, 2, 2, 3] }],
  outputs: [{ name: 'y', dtype: 'float32', shape }],
  meta: { name: 'n' },
  predictInto: nothing,
});
const learnedModel = (): object => {
  const known = { output: 'y', metric: 'cosine', mean: [0, 0], scale: [1, 1], means: [[1, 0]], thresholds: [0.5] };
  return { ...taskModel([1, 2]), meta: { name: 'n', task: { kind: 'classify', known } } };
};
const denoiseOptions = () => ({ sampleRate: 8000, frameLength: 8, hop: 4, window: 'hann' as const });

/** A result as text, without measured times and new keys. */
export function plain(result: unknown): string {
  return JSON.stringify(
    result,
    (name, value: unknown) => (['ms', 'privateKey', 'publicKey'].includes(name) ? typeof value : value),
  );
}

export interface Instance {
  name: string;
  make: () => object;
  /** Correct arguments of its methods. */
  calls: Record<string, (instance: never) => unknown[]>;
  /** The method that returns the object to its initial state. */
  reset?: string;
}

export const features = 8 * 16;
const onModel = {
  predict: () => [{ bands: new Float32Array(features) }, { output: 'raw' }],
  predictInto: () => [{ bands: new Float32Array(features) }, { scores: new Float32Array(2) }],
};
const detectorCalls = {
  push: () => [new Float32Array(600), nothing],
  take: () => [new Float32Array(2), 3, nothing, 0.5],
  end: () => [nothing],
  detect: () => [new Float32Array(600)],
};
export const instances: Instance[] = [{
  name: 'Study',
  make: () => new Study(space() as never, studyOptions() as never),
  calls: {
    tell: (study: Study) => [study.ask()!.number, { loss: 1 }],
    fail: (study: Study) => [study.ask()!.number, 'no memory'],
    isWithin: (study: Study) => [study.ask()!.number],
  },
}, {
  name: 'NetworkSearch',
  make: networkSearch,
  calls: {
    recipeOf: () => [{ 'bits conv2d': 4 }],
    evaluate: () => [{ 'bits conv2d': 4 }],
    build: () => [{ 'bits conv2d': 4 }],
    times: () => [[int8Sequence]],
    report: () => [int8Sequence],
  },
}, {
  name: 'Model',
  make: () => loadSync(tones),
  reset: 'reset',
  calls: { ...onModel, profile: () => [{ inputs: new Float32Array(features), runs: 2 }] },
}, {
  name: 'Stream',
  make: () => loadSync(tones).createState(),
  reset: 'reset',
  calls: { ...onModel, restore: () => [new Uint8Array(0)] },
}, {
  name: 'AudioFeatures',
  make: () => createAudioFeatures(toneParameters()),
  reset: 'reset',
  calls: {
    frameCount: () => [1000],
    push: () => [new Float32Array(600), nothing],
    end: () => [nothing],
    compute: () => [new Float32Array(600)],
  },
}, {
  name: 'MicroFeatures',
  make: () => createMicroFeatures({ sampleRate: 8000, bands: 8, high: 3800 }),
  reset: 'reset',
  calls: { push: () => [new Float32Array(600), nothing], compute: () => [new Float32Array(600)] },
}, {
  name: 'AudioStream',
  make: () => createAudioStream(loadSync(tones)),
  reset: 'reset',
  calls: { push: () => [new Float32Array(600), nothing], end: () => [nothing] },
}, { name: 'Detector', make: () => keywords(loadSync(tones), { minLevel: -40 }), reset: 'reset', calls: detectorCalls },
  { name: 'Detector', make: () => detectSound(loadSync(tones)), reset: 'reset', calls: detectorCalls }, {
  name: 'SoundDetector',
  make: () => detectSound(loadSync(tones)),
  reset: 'reset',
  calls: detectorCalls,
}, {
  name: 'Denoiser',
  make: () => denoise(structuredGain() as never, denoiseOptions()),
  reset: 'reset',
  calls: { push: () => [new Float32Array(20)], process: () => [new Float32Array(20)] },
}, {
  name: 'OverlapAdd',
  make: () => createOverlapAdd({ frameLength: 8, hop: 4 }),
  reset: 'reset',
  calls: { push: () => [new Float32Array(20), nothing], end: () => [nothing] },
}, {
  name: 'Spectrum',
  make: () => createSpectrum(8),
  calls: { forward: () => [new Float64Array(8)], inverse: () => [new Float64Array(8)] },
}, {
  name: 'GraphModel',
  make: () => new GraphModel(loadSync(tones)),
  calls: {
    predict: () => [tfTensor(new Float32Array(features), [1, 8, 16, 1])],
    predictAsync: () => [{ bands: tfTensor(new Float32Array(features), [1, 8, 16, 1]) }],
    execute: () => [[tfTensor(new Float32Array(features), [1, 8, 16, 1])], ['scores']],
    executeAsync: () => [tfTensor(new Float32Array(features), [1, 8, 16, 1]), 'scores'],
  },
}, {
  name: 'LayersModel',
  make: () => new LayersModel(loadSync(tones)),
  calls: {
    predict: () => [tfTensor(new Float32Array(features), [1, 8, 16, 1]), { batchSize: 1 }],
    predictOnBatch: () => [[tfTensor(new Float32Array(features), [1, 8, 16, 1])]],
    summary: () => [80, [], nothing],
  },
}, { name: 'Tensor', make: () => new Tensor(Float32Array.of(1, 2), [2], 'float32'), calls: { print: () => [false] } }, {
  name: 'GraphBuilder',
  make: () => new GraphBuilder('b'),
  calls: {
    input: () => ['x', [1, 4], 'int8', { scale: [1], zeroPoint: [0], axis: 0 }],
    constant: () => [new Float32Array(4), [1, 4], undefined, 'c'],
    state: () => ['s', [4], new Float32Array(4)],
    assign: (b: GraphBuilder) => [b.state('s', [4], new Float32Array(4)), b.constant(new Float32Array(4), [4])],
    node: (b: GraphBuilder) => ['softmax', [b.input('x', [1, 4])], { beta: 1 }, { name: 'y', dtype: 'float32' }],
    nodeWithOutputs: (b: GraphBuilder) => ['split', [b.input('x', [1, 4])], { axis: 1 }, [[1, 2], [1, 2]], {}],
    finish: (b: GraphBuilder) => [[b.node('softmax', [b.input('x', [1, 4])], { beta: 1 })]],
  },
}];

export function detached(): Float32Array {
  const array = new Float32Array(features);
  structuredClone(array, { transfer: [array.buffer] });
  // fast-check cannot print it
  return Object.assign(array, { [fc.toStringMethod]: () => 'a detached array' });
}

/** Values that no function takes for every argument, by name, new for each call. */
export const wrongValues: Readonly<Record<string, () => unknown>> = {
  'null': () => null,
  'undefined': () => undefined,
  'NaN': () => NaN,
  '-1': () => -1,
  '0': () => 0,
  '1.5': () => 1.5,
  'Infinity': () => Infinity,
  '2 ** 40': () => 2 ** 40,
  "''": () => '',
  "'text'": () => 'text',
  'true': () => true,
  '10n': () => 10n,
  "Symbol('s')": () => Symbol('s'),
  'nothing': () => nothing,
  '[]': () => [],
  '[[1, 2], [3, 4]]': () => [[1, 2], [3, 4]],
  '[null]': () => [null],
  '{}': () => ({}),
  'Object.create(null)': () => Object.create(null) as object,
  '{ length: 3 }': () => ({ length: 3 }),
  'new Map([[1, 2]])': () => new Map([[1, 2]]),
  'new Date(0)': () => new Date(0),
  '/x/': () => /x/,
  "new Error('e')": () => new Error('e'),
  'new Int16Array(features)': () => new Int16Array(features),
  'new BigInt64Array(features)': () => new BigInt64Array(features),
  'new Uint8Array(features)': () => new Uint8Array(features),
  'new Float32Array(features)': () => new Float32Array(features),
  'new Float32Array(3)': () => new Float32Array(3),
  'new ArrayBuffer(16)': () => new ArrayBuffer(16),
  'detached()': () => detached(),
  'detached().buffer': () => detached().buffer,
  'new DataView(new ArrayBuffer(8))': () => new DataView(new ArrayBuffer(8)),
  'new SharedArrayBuffer(8)': () => new SharedArrayBuffer(8),
  'new Array(features)': () => new Array<unknown>(features),
  "new Array(features).fill('1')": () => new Array<unknown>(features).fill('1'),
  'pixels()': () => pixels(),
};
