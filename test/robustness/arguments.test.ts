import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { audioParameters, createAudioFeatures, createAudioStream, listen } from '../../src/audio/index';
import { compile, GraphBuilder, importTflite, NetworkSearch, prune, quantize, sensitivity, Study,
  toStream } from '../../src/compiler/index';
import { KletError, load, loadSync } from '../../src/index';
import { InferenceSession, Tensor as OrtTensor } from '../../src/ort/index';
import { load as loadSlim } from '../../src/slim';
import { checkPreprocessing } from '../../src/tasks/index';
import { browser, image as tfImage } from '../../src/tfjs/index';
import { toneParameters } from '../audio/networks';
import { correct, detached, features, graph, image, instances, int8, nothing, pixels, plain, searchOptions, sequence,
  space, studyOptions, tflite, tones, wrongValues } from './calls';
import { damage } from './damage';
import { publicFunctions, publicMethods } from './publicFunctions';
import { refuses, rejects } from './refusal';

// Wrong arguments of every public function and method: only a KletError may come out, and correct
// calls work afterwards.

const wrong = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...Object.values(wrongValues)).map((make) => make()) }, {
  weight: 1,
  arbitrary: fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true, withMap: true }),
});

/** Makes a call. Fails unless it succeeds or throws a KletError with a message. */
async function survives(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof KletError)) throw error;
    expect(error.message).not.toMatch(/^\s*$|\[object |undefined is not|Cannot read prop/);
  }
}

const wrongCall = fc.array(wrong, { maxLength: 5 });
const change = fc.record({ at: fc.nat(5000), by: wrong, removes: fc.boolean() });

/** Makes a call with wrong arguments, then with correct ones of which one value is wrong. */
async function fuzz(call: (values: unknown[]) => unknown, given?: () => unknown[]): Promise<void> {
  await fc.assert(fc.asyncProperty(wrongCall, (values) => survives(() => call(values))), { numRuns: 150 });
  if (!given) return;
  const damaged = fc.asyncProperty(change, async ({ at, by, removes }) => {
    const values = given();
    damage(values, at, by, removes);
    await survives(() => call(values));
  });
  await fc.assert(damaged, { numRuns: 500 });
}

describe('wrong arguments end in a KletError, and correct calls work afterwards:', () => {
  // some of the functions print
  beforeAll(() => void vi.spyOn(console, 'log').mockImplementation(nothing));
  afterAll(() => void vi.restoreAllMocks());

  test.each(publicFunctions)('$title', async ({ name, call }) => {
    const given = correct[name];
    const before = given && plain(await call(...given()));
    await fuzz((values) => call(...values), given);
    if (given) expect(plain(await call(...given()))).toBe(before);
  }, 60_000);

  for (const { name, make, calls, reset } of instances) {
    test.each(publicMethods(name))(`${name}.%s()`, async (method) => {
      const instance = make() as Record<string, (...values: unknown[]) => unknown>;
      const given = calls[method];
      const run = (): string => {
        if (reset && method !== 'dispose') instance[reset]!();
        return plain(instance[method]!(...(given?.(instance as never) ?? [])));
      };
      const before = run();
      await fuzz((values) => instance[method]!(...values), given && (() => given(instance as never)));
      if (name !== 'GraphBuilder' && name !== 'Study' && method !== 'times') expect(run()).toBe(before);
    }, 60_000);
  }

  test('session.run()', async () => {
    const session = await InferenceSession.create(tones);
    const feeds = (): object => ({ bands: new OrtTensor(new Float32Array(features), [1, 8, 16, 1]) });
    const run = (values: unknown[]): unknown => session.run(...(values as [never]));
    await fuzz(run, () => [feeds(), { scores: null }, { tag: 'x' }]);
    await fuzz(run, () => [feeds(), ['scores']]);
    expect(Object.keys(await session.run(feeds() as never))).toEqual(['scores']);
  }, 60_000);

  test('new Tensor() of kinglet/ort, and reshape()', async () => {
    const make = (values: unknown[]): unknown => new OrtTensor(...(values as [never, never]));
    await fuzz(make, () => ['int64', [1, 2, 3, 4], [2, 2]]);
    await fuzz(make, () => [new Float32Array(4), [2, 2]]);
    await fuzz(([dims]) => new OrtTensor(new Float32Array(4)).reshape(dims as never), () => [[2, 2]]);
  }, 60_000);

  test('functions on images of kinglet/tfjs', async () => {
    const input = (): unknown => [[[1], [2]], [[3], [4]]];
    for (const resize of [tfImage.resizeBilinear, tfImage.resizeNearestNeighbor]) {
      await fuzz((values) => resize(...(values as [never, never])), () => [input(), [3, 3], false, true]);
    }
    await fuzz(([image, channels]) => browser.fromPixels(image as never, channels as never), () => [pixels(), 3]);
  }, 60_000);

  test('new GraphBuilder()', () => fuzz(([name]) => new GraphBuilder(name as string)));

  test('new Study()', () =>
    fuzz(([given, options]) => new Study(given as never, options as never), () => [space(), studyOptions()]));

  test(
    'new NetworkSearch()',
    () =>
      fuzz(
        ([given, options]) => new NetworkSearch(given as never, options as never).study,
        () => [sequence(), searchOptions()],
      ),
    60_000,
  );
});

describe('the list of fuzzed functions', () => {
  test('has every function that a page of the documentation names', () => {
    const titles = publicFunctions.map(({ title }) => title);
    for (const title of ['kinglet: load()', 'kinglet/slim: loadSync()', 'kinglet/compiler: prune()',
      'kinglet/tfjs: loadGraphModel()', 'kinglet/tasks: topK()', 'kinglet/audio: listen()'])
    {
      expect(titles).toContain(title);
    }
    expect(publicMethods('Model')).toEqual(expect.arrayContaining(['predict', 'profile', 'dispose']));
    expect(publicMethods('Model')).not.toContain('record');
    expect(publicMethods('AudioFeatures')).not.toContain('take');
  });

  test('has correct arguments for every function but listen(), which needs a page', () => {
    const without = publicFunctions.filter(({ name }) => !(name in correct)).map(({ name }) => name);
    expect(without).toEqual(['listen']);
  });
});

describe('an unknown option', () => {
  const model = loadSync(tones);
  const input = new Float32Array(features);
  const wrongOptions = (options: object): never => options as never;
  const cases: [string, () => unknown, RegExp][] = [['load', () => load(tones, wrongOptions({ thread: 2 })),
    /load\(\) has no option "thread"; did you mean "threads"\?/], ['loadSync',
    () => loadSync(tones, wrongOptions({ flavour: 'simd' })), /loadSync\(\) .* did you mean "flavor"\?/], ['predict',
    () => model.predict(input, wrongOptions({ outputs: 'raw' })), /predict\(\) .* did you mean "output"\?/], [
    'stream.predict',
    () => model.createState().predict(input, wrongOptions({ raw: true })),
    /predict\(\) has no option "raw"; it has output$/,
  ], ['profile', () => model.profile(wrongOptions({ run: 3 })), /profile\(\) .* did you mean "runs"\?/], ['compile',
    () => compile(graph(), wrongOptions({ compat: true })), /compile\(\) .* did you mean "compact"\?/], ['quantize',
    () => quantize(sequence(), wrongOptions({ sample: [] })), /quantize\(\) .* did you mean "samples"\?/], ['toStream',
    () => toStream(sequence(), wrongOptions({ frame: 2 })), /toStream\(\) .* did you mean "frames"\?/], ['prune',
    () => prune(sequence(), wrongOptions({ sparsety: 0.5 })), /prune\(\) .* did you mean "sparsity"\?/], ['sensitivity',
    () => sensitivity(sequence(), wrongOptions({ scope: 'layer' })),
    /sensitivity\(\) has no option "scope"; it has sparsity, samples, pattern, onProgress/], ['importTflite',
    () => importTflite(tflite, wrongOptions({ names: 'x' })), /importTflite\(\) .* did you mean "name"\?/], [
    'GraphBuilder.node',
    () => new GraphBuilder('b').node('reshape', [], {}, wrongOptions({ shapes: [1] })),
    /node\(\) .* did you mean "shape"\?/,
  ], ['createAudioStream', () => createAudioStream(model, wrongOptions({ evry: 2 })), /did you mean "every"\?/], [
    'listen',
    () => listen(wrongOptions({ onOutputs: nothing })),
    /listen\(\) .* did you mean "onOutput"\?/,
  ], ['audioParameters', () => audioParameters('librosa', wrongOptions({ sampleRate: 8000, hopp: 1 })),
    /unknown property hopp/], ['checkPreprocessing', () => checkPreprocessing({ ...image(), scales: 1 }),
    /unknown property "scales"/]];

  test.each(cases)('of %s is refused, and the error names it', async (_, call, text) => {
    await rejects(() => new Promise((resolve) => resolve(call())), 'BAD_ARGUMENT', text);
  });

  test('is accepted if its value is undefined', () => {
    expect(loadSync(tones, wrongOptions({ flavor: undefined })).predict(input, {})).toHaveLength(2);
  });
});

describe('the error recognizes a common mistake:', () => {
  const model = loadSync(tones);
  const anything = (value: unknown): never => value as never;

  test('an image in place of an array', () => {
    for (const drawn of [{ ...pixels() }, { videoWidth: 640, videoHeight: 480 }]) {
      refuses(() => model.predict(anything(drawn)), 'TYPE_MISMATCH', /model\.predict\(imageToInput\(image, model\)\)/);
    }
  });

  test('bytes in place of int8, nested arrays, and an unknown name of an input', () => {
    refuses(
      () => loadSync(int8).predict(anything(new Uint8Array(64))),
      'TYPE_MISMATCH',
      /convert pixels with imageToInput/,
    );
    refuses(
      () => model.predict(anything([[1, 2], [3, 4]])),
      'SHAPE_MISMATCH',
      /has 2 arrays, flatten it with array\.flat/,
    );
    refuses(
      () => model.predict(anything({ input: new Float32Array(1) })),
      'MISSING_INPUT',
      /takes "bands", it got "input"/,
    );
  });

  test('a loaded model in place of a file, and bytes whose buffer was transferred', async () => {
    await rejects(() => load(anything(model)), 'BAD_ARGUMENT', /not a loaded model; call its predict/);
    await rejects(() => load(anything(detached().buffer)), 'BAD_ARGUMENT', /their buffer was transferred/);
  });

  test('an array that predictInto cannot fill', () => {
    refuses(() => model.predictInto(new Float32Array(features), anything([0, 0])), 'TYPE_MISMATCH', /written into/);
  });

  test('16-bit samples', () => {
    const front = createAudioFeatures(toneParameters());
    refuses(() => front.compute(anything(new Int16Array(600))), 'TYPE_MISMATCH', /divide 16-bit samples by 32768/);
  });

  test('a path where only URLs are read', async () => {
    await rejects(() => loadSlim('models/digits.klet'), 'FETCH_FAILED', /reads URLs and bytes, not paths/);
  });
});
