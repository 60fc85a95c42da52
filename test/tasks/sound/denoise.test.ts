import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, importModel, wireStates } from '../../../src/compiler/index';
import { loadSync, type Model } from '../../../src/index';
import { denoise, type DenoiseOptions } from '../../../src/tasks/sound/index';
import { powerSpectrum } from '../../audio/reference';
import { anySound } from '../../audio/settings';
import { hasShared, sharedBytes } from '../../helpers/shared';

const refusal = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

/** A network that multiplies its input by numbers. */
function times(factors: number[], shape = [1, factors.length], meta: object = {}): Model {
  const b = new GraphBuilder('times');
  const weights = b.constant(Float32Array.from(factors), shape);
  const y = b.node('binary', [b.input('x', shape), weights], { kind: 'mul', activation: 'none' }, { name: 'y' });
  return loadSync(compile(b.finish([y]), { meta }));
}

/** A network that gives numbers, whatever its input is. */
function constant(values: number[]): Model {
  const b = new GraphBuilder('constant');
  const x = b.input('x', [1, values.length]);
  const zero = b.node('binary', [x, b.constant(new Float32Array(1), [1])], { kind: 'mul', activation: 'none' });
  const y = b.node('binary', [zero, b.constant(Float32Array.from(values), [1, values.length])], {
    kind: 'add',
    activation: 'none',
  });
  return loadSync(compile(b.finish([y])));
}

const ones = (count: number): number[] => new Array<number>(count).fill(1);
const settings = { sampleRate: 8000, frameLength: 16, hop: 8 } as const;
const bands = [0, 1000, 2000, 4000];

describe('denoise', () => {
  const networks: Record<string, [Model[], DenoiseOptions]> = {
    'gains of bins': [[constant(ones(9))], settings],
    'gains of bands': [[constant(ones(4))], { ...settings, bands }],
    'a spectrum, interleaved': [[times(ones(18), [1, 9, 1, 2])], settings],
    'a spectrum, planar': [[times(ones(18), [1, 2, 9])], { ...settings, window: 'vorbis' }],
    'samples of frames': [[times(ones(16))], { ...settings, window: 'hann', hop: 4 }],
    'several in a row': [[constant(ones(9)), times(ones(16)), times(ones(18), [1, 9, 2]), times(ones(16))], {
      ...settings,
      hop: 5,
      inputScale: 32768,
    }],
  };

  test.each(Object.entries(networks))('with gains of 1 gives the input, delayed: %s', (_, [models, options]) => {
    const filter = denoise(models, options);
    const latency = options.frameLength! - options.hop!;
    expect(filter.latency).toBe(latency);
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(anySound, cuts, (sound, lengths) => {
      filter.reset();
      const out: number[] = [];
      for (let at = 0, i = 0; at < sound.length; at += lengths[i++ % lengths.length]!) {
        out.push(...filter.push(sound.subarray(at, at + lengths[i % lengths.length]!)));
      }
      out.push(...filter.end());
      expect(out).toHaveLength(sound.length + latency);
      out.forEach((x, i) => expect(Math.abs(x - (sound[i - latency] ?? 0))).toBeLessThan(1e-6));
      expect([...filter.process(sound)]).toEqual(out.slice(latency));
    }));
  });

  test('multiplies bins by their gains', () => {
    // a tone in the middle of bin 2, and one in bin 5, which is removed
    const wave = (bin: number): Float32Array<ArrayBuffer> =>
      Float32Array.from({ length: 160 }, (_, t) => Math.cos((2 * Math.PI * bin * t) / 16));
    const gains = [1, 1, 0.5, 1, 1, 0, 1, 1, 1];
    const [two, five] = [wave(2), wave(5)];
    // without a window each tone is in one bin
    const options = { ...settings, window: 'rectangular', hop: 16 } as const;
    const out = denoise(constant(gains), options).process(two.map((x, t) => x + five[t]!));
    out.forEach((x, t) => expect(x).toBeCloseTo(0.5 * two[t]!, 6));
  });

  test
    .each([['magnitude', Math.sqrt], ['power', (p: number) => p], ['log-power',
      (p: number) => Math.log(Math.max(p, 1e-3))], ['log10-power',
      (p: number) => Math.log10(Math.max(p, 1e-3))]] as const)(
        'gives bins and bands to the network as %s',
        (features, formula) => {
          const inputs: number[][] = [];
          const spy = (count: number): Model => {
            const model = times(ones(count));
            return {
              inputs: model.inputs,
              outputs: model.outputs,
              meta: model.meta,
              predictInto: (x: Float32Array) => void inputs.push([...x]),
            } as unknown as Model;
          };
          const frame = Float32Array.from({ length: 16 }, (_, t) => Math.sin(t * t));
          const options = { ...settings, window: 'rectangular', hop: 16, features, floor: 1e-3 } as const;
          denoise(spy(9), options).push(frame);
          const power = powerSpectrum(frame, 16);
          power.forEach((p, k) => expect(inputs[0]![k]).toBeCloseTo(formula(p), 4));
          denoise(spy(4), { ...options, bands }).push(frame);
          // the edges are at the bins 0, 2, 4, 8
          const energies = [2 * (power[0]! + 0.5 * power[1]!), 0.5 * power[1]! + power[2]! + 0.5 * power[3]!,
            0.5 * power[3]! + power[4]! + 0.75 * power[5]! + 0.5 * power[6]! + 0.25 * power[7]!,
            2 * (0.25 * power[5]! + 0.5 * power[6]! + 0.75 * power[7]!)];
          energies.forEach((p, i) => expect(inputs[1]![i]).toBeCloseTo(formula(p), 4));
        },
      );

  test('interpolates the gains of bands', () => {
    const impulse = new Float32Array(16);
    impulse[0] = 1;
    const options = { ...settings, window: 'rectangular', hop: 16, bands: [500, 1500, 3500] } as const;
    const out = denoise(constant([0.25, 0.75, 0.5]), options).push(impulse);
    const gains = powerSpectrum(out, 16).map(Math.sqrt);
    const expected = [0.25, 0.25, 0.5, 0.75, 0.6875, 0.625, 0.5625, 0.5, 0.5];
    expected.forEach((gain, k) => expect(gains[k]).toBeCloseTo(gain, 6));
  });

  test('keeps the state of networks from frame to frame, apart from other filters', () => {
    const b = new GraphBuilder('growing');
    const total = b.state('total', [1, 9], new Float32Array(9));
    const x = b.node('binary', [b.input('x', [1, 9]), b.constant(new Float32Array(1), [1])], {
      kind: 'mul',
      activation: 'none',
    });
    const more = b.node('binary', [x, b.constant(Float32Array.of(1), [1])], { kind: 'add', activation: 'none' });
    const next = b.node('binary', [total, more], { kind: 'add', activation: 'none' }, { name: 'next' });
    b.assign(total, next);
    const model = loadSync(compile(b.finish([next])));
    const options = { ...settings, window: 'rectangular', hop: 16 } as const;
    const [first, second] = [denoise(model, options), denoise(model, options)];
    const sound = new Float32Array(48).fill(0.5);
    // the gain is 1 in the first frame, 2 in the second, 3 in the third
    const expected = [0.5, 1, 1.5].flatMap((value) => new Array<number>(16).fill(value));
    const check = (out: Float32Array): void => out.forEach((y, t) => expect(y).toBeCloseTo(expected[t]!, 6));
    check(first.push(sound));
    check(second.push(sound));
    check(first.process(sound));
  });

  test('takes options from the task in the first file', () => {
    const model = times(ones(16), [1, 16], {
      task: { kind: 'denoise', ...settings, window: 'rectangular', overlap: 'sum' },
    });
    expect(denoise(model).process(new Float32Array(16).fill(0.25))[3]).toBe(0.5);
    expect(denoise([model], { overlap: 'normalized' }).process(new Float32Array(16).fill(0.25))[3]).toBe(0.25);
  });

  test('refuses options and networks that do not fit', () => {
    const make = (models: Model | Model[], options: object = settings) => () => denoise(models, options);
    expect(make([])).toThrow(refusal('BAD_ARGUMENT', 'needs a network'));
    expect(make(times(ones(9)), { ...settings, sampleRate: undefined }))
      .toThrow(refusal('BAD_ARGUMENT', '"sampleRate" of denoise() takes a number above 0, not 0'));
    expect(make(times(ones(9)), { sampleRate: 8000 })).toThrow(refusal('BAD_ARGUMENT', 'the frame length must be'));
    expect(make(times(ones(9)), { ...settings, features: 'mel' }))
      .toThrow(refusal('BAD_ARGUMENT', 'is one of magnitude'));
    expect(make(times(ones(9)), { ...settings, bands: [0, 100] }))
      .toThrow(refusal('BAD_ARGUMENT', 'ascending edges from 0 to 4000 Hz, at least 500 Hz apart'));
    expect(make(times(ones(9)), { ...settings, bands: [0, 5000] })).toThrow(refusal('BAD_ARGUMENT', '"bands"'));
    expect(make(times(ones(10))))
      .toThrow(refusal(
        'SHAPE_MISMATCH',
        'takes 10 values and gives 10; frames of 16 samples need 16 (samples), 18 (spectrum) or 9 (gains)',
      ));
    const b = new GraphBuilder('two');
    const sum = b.node('binary', [b.input('a', [1, 9]), b.input('b', [1, 9])], { kind: 'add', activation: 'none' });
    expect(make(loadSync(compile(b.finish([sum])))))
      .toThrow(refusal('SHAPE_MISMATCH', 'one of inputs, not 2; keep states inside'));
    const filter = denoise(times(ones(9)), settings);
    expect(() => filter.push(Float32Array.of(NaN))).toThrow(refusal('NOT_A_NUMBER', 'sample 0 of 1'));
    expect(() => filter.push(new Int16Array(2) as never)).toThrow(refusal('TYPE_MISMATCH', 'divide 16-bit samples'));
  });
});

/** A tone with noise, 0.3 s of 16 kHz, after some silence. */
function noisyTone(): { clean: Float32Array; noisy: Float32Array<ArrayBuffer> } {
  let seed = 7;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
  const clean = Float32Array.from({ length: 4800 }, (_, t) => (t > 1600 ? 0.3 * Math.sin(t * 0.2) : 0));
  return { clean, noisy: clean.map((x) => x + 0.1 * random()) };
}

describe.skipIf(!hasShared)('denoise with networks from elsewhere', () => {
  const load = async (folder: string, states: Record<string, string>): Promise<Model> => {
    const graph = await importModel(sharedBytes('formats/onnx', folder, `${folder}.onnx`));
    return loadSync(compile(wireStates(graph, states)));
  };

  test('DTLN: gains of magnitudes every 128 samples, as in a plain loop', async () => {
    const options = { sampleRate: 16000, frameLength: 512, hop: 128, window: 'rectangular', overlap: 'sum' } as const;
    const model = await load('dtln_1', { tf_op_layer_stack_2: 'input_3' });
    const sound = noisyTone().noisy.subarray(0, 1280);
    const stream = model.createState();
    const buffer = new Array<number>(512).fill(0);
    const sum = new Float64Array(1280 + 512);
    for (let at = 0; at < sound.length; at += 128) {
      buffer.splice(0, 128);
      buffer.push(...sound.subarray(at, at + 128));
      const bins = Array.from({ length: 257 }, (_, k) => transformed(buffer, k));
      const gains = stream.predict(Float32Array.from(bins, ([re, im]) => Math.hypot(re, im)));
      for (let t = 0; t < 512; t++) {
        let x = 0;
        bins.forEach(([re, im], k) => {
          const angle = (2 * Math.PI * ((k * t) % 512)) / 512;
          const both = k === 0 || k === 256 ? 1 : 2;
          x += both * gains[k]! * (re * Math.cos(angle) - im * Math.sin(angle)) / 512;
        });
        sum[at + t] = sum[at + t]! + x;
      }
    }
    const out = denoise(model, options).push(sound);
    expect(out).toHaveLength(1280);
    out.forEach((x, t) => expect(Math.abs(x - sum[t]!)).toBeLessThan(1e-5));
  });

  test('GTCRN: spectra every 256 samples; silence between words becomes quieter', async () => {
    const model = await load('gtcrn_simple', {
      conv_cache_out: 'conv_cache',
      tra_cache_out: 'tra_cache',
      inter_cache_out: 'inter_cache',
    });
    const { noisy } = noisyTone();
    const out = denoise(model, { sampleRate: 16000, frameLength: 512, hop: 256 }).process(noisy);
    const level = (samples: Float32Array): number =>
      10 * Math.log10(samples.subarray(0, 1400).reduce((sum, x) => sum + x * x, 0) / 1400);
    expect(level(noisy) - level(out)).toBeGreaterThan(10);
  });
});

function transformed(frame: readonly number[], k: number): [re: number, im: number] {
  let re = 0;
  let im = 0;
  frame.forEach((x, t) => {
    const angle = (2 * Math.PI * ((k * t) % frame.length)) / frame.length;
    re += x * Math.cos(angle);
    im -= x * Math.sin(angle);
  });
  return [re, im];
}
