import { describe, expect, test } from 'vitest';
import { audioParameters, audioToInput, createAudioFeatures, createAudioStream, featuresOf, inputFrames,
  type AudioPreprocessing } from '../../src/audio/index';
import { compile, GraphBuilder } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { topK } from '../../src/tasks/index';
import { echo, summing, toneDetector, toneLabels, toneParameters } from './networks';
import { tone } from './settings';

const sound = Float32Array.from({ length: 8000 }, (_, t) => Math.sin(t * t * 1e-4) * 0.3);
const refusal = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

function listenTo(
  file: Uint8Array,
  samples: Float32Array<ArrayBuffer>,
  options = {},
): { frame: number; output: number[] }[] {
  const stream = createAudioStream(loadSync(file), options);
  const heard: { frame: number; output: number[] }[] = [];
  for (let t = 0; t < samples.length; t += 128) {
    stream.push(samples.subarray(t, t + 128), (output, frame) => heard.push({ frame, output: [...output] }));
  }
  return heard;
}

describe('featuresOf', () => {
  test('creates the front end of the file', () => {
    expect(featuresOf(loadSync(toneDetector())).parameters).toEqual(toneParameters());
  });

  test('refuses a model without valid audio preprocessing', () => {
    const plain = (meta: object): Uint8Array => {
      const b = new GraphBuilder('plain');
      return compile(b.finish([b.node('unary', [b.input('x', [1, 4])], { kind: 'relu' })]), { meta });
    };
    expect(() => featuresOf(loadSync(plain({}))))
      .toThrow(refusal('BAD_ARGUMENT', 'the model "plain" has no preprocessing, not audio preprocessing'));
    expect(() => featuresOf(loadSync(plain({ preprocessing: { kind: 'image', channels: 1, scale: 1, offset: 0 } }))))
      .toThrow(refusal('BAD_ARGUMENT', 'has preprocessing of kind "image", not audio preprocessing'));
    expect(() => featuresOf(loadSync(plain({ preprocessing: { ...toneParameters(), hop: 0 } }))))
      .toThrow(refusal('BAD_ARGUMENT', 'as hop, not 0'));
    expect(() => featuresOf(loadSync(plain({ preprocessing: toneParameters() }))))
      .toThrow(refusal(
        'SHAPE_MISMATCH',
        'input "x" has the shape [1, 4]; the preprocessing gives 16 features per frame, [frames, 16]',
      ));
  });

  test('refuses a model with two inputs', () => {
    const b = new GraphBuilder('two');
    const file = compile(
      b.finish([b.node('binary', [b.input('a', [1, 16]), b.input('b', [1, 16])], { kind: 'add', activation: 'none' })]),
      { meta: { preprocessing: toneParameters() } },
    );
    expect(() => featuresOf(loadSync(file))).toThrow(refusal('SHAPE_MISMATCH', 'has 2 inputs'));
  });

  const inputOf = (shape: number[]) => ({ name: 'x', dtype: 'float32' as const, shape });

  const framesOf = (shape: number[], layout: AudioPreprocessing['layout']): number =>
    inputFrames(inputOf(shape), { ...toneParameters(), layout });

  test('inputFrames: takes the order of the layout, dimensions of 1, and flat inputs', () => {
    expect(framesOf([1, 49, 16, 1], 'frames-first')).toBe(49);
    expect(framesOf([49, 16], 'frames-first')).toBe(49);
    expect(framesOf([1, 16], 'frames-first')).toBe(1);
    expect(framesOf([784], 'frames-first')).toBe(49);
    expect(framesOf([1, 16, 49], 'features-first')).toBe(49);
    expect(framesOf([1, 16, 1], 'features-first')).toBe(1);
    expect(framesOf([784], 'features-first')).toBe(49);
  });

  test('inputFrames: refuses the other order, more dimensions, and another number of features', () => {
    const mismatch = (shape: number[]): unknown => refusal('SHAPE_MISMATCH', `[${shape.join(', ')}]`);
    for (const shape of [[1, 16, 49], [1, 7, 7, 16], [1, 15]]) {
      expect(() => framesOf(shape, 'frames-first')).toThrow(mismatch(shape));
    }
    expect(() => framesOf([1, 49, 16], 'features-first')).toThrow(mismatch([1, 49, 16]));
  });
});

describe('audioToInput', () => {
  const parameters = toneParameters();
  const front = createAudioFeatures(parameters);
  const input = { name: 'x', dtype: 'float32' as const, shape: [1, 5, 16] };
  const samplesOf5 = 512 + 4 * 256;

  test('cuts a recording to the frames of the input', () => {
    const five = [...front.compute(sound.subarray(0, samplesOf5))];
    expect([...audioToInput(sound.subarray(0, samplesOf5), input, parameters)]).toEqual(five);
    expect([...audioToInput(sound, input, parameters)]).toEqual(five);
    expect([...audioToInput(sound.subarray(0, samplesOf5 + 255), input, parameters)]).toEqual(five);
  });

  test('pads a short recording with silence', () => {
    const short = sound.slice(0, 700);
    const filled = new Float32Array(samplesOf5);
    filled.set(short);
    expect([...audioToInput(short, input, parameters)]).toEqual([...front.compute(filled)]);
    expect([...audioToInput(new Float32Array(0), input, parameters)]).toEqual([
      ...front.compute(new Float32Array(samplesOf5)),
    ]);
  });

  const paddings: Record<string, Parameters<typeof audioParameters>> = {
    'center-zeros': ['librosa', { sampleRate: 8000, frameLength: 64, hop: 16, fftSize: 128 }],
    'none, centred': ['librosa', { sampleRate: 8000, frameLength: 64, hop: 16, fftSize: 128, padding: 'none' }],
    'center-reflect': ['librosa', {
      sampleRate: 8000,
      frameLength: 33,
      hop: 16,
      fftSize: 128,
      padding: 'center-reflect',
    }],
    end: ['tensorflow', { sampleRate: 8000, frameLength: 100, hop: 130, fftSize: 128, padding: 'end' }],
    'none, frames shorter than the hop': ['tensorflow', { sampleRate: 8000, frameLength: 3, hop: 200, fftSize: 128 }],
  };

  test.each(Object.entries(paddings))('fills the input exactly with padding %s', (_, [convention, settings]) => {
    const p = audioParameters(convention, { ...settings, mel: { bands: 16 } });
    for (const frames of [1, 2, 9]) {
      for (const length of [0, 1, 15, 16, 17, 127, 128, 129, 1000, 5000]) {
        expect(audioToInput(sound.subarray(0, length), { ...input, shape: [frames * 16] }, p))
          .toHaveLength(frames * 16);
      }
    }
  });

  test('transposes for the layout features-first', () => {
    const transposed = audioToInput(sound, { ...input, shape: [1, 16, 5] }, {
      ...parameters,
      layout: 'features-first',
    });
    const plain = audioToInput(sound, input, parameters);
    for (let frame = 0; frame < 5; frame++) {
      for (let n = 0; n < 16; n++) expect(transposed[n * 5 + frame]).toBe(plain[frame * 16 + n]);
    }
  });
});

describe('AudioStream', () => {
  const whole = createAudioFeatures(toneParameters()).compute(sound);
  const frame = (k: number): number[] => [...whole.subarray(k * 16, (k + 1) * 16)];

  test('a network without state sees a sliding window of the last frames, from the first full window on', () => {
    const heard = listenTo(echo(3), sound);
    expect(heard.map((answer) => answer.frame)).toEqual(Array.from({ length: whole.length / 16 - 2 }, (_, i) => i + 2));
    for (const { frame: last, output } of heard) {
      expect(output).toEqual([frame(last - 2), frame(last - 1), frame(last)].flat());
    }
  });

  test('the window has the layout of the input', () => {
    const parameters = toneParameters({ layout: 'features-first' });
    for (const { frame: last, output } of listenTo(echo(3, parameters, [1, 16, 3]), sound)) {
      expect(output)
        .toEqual(Array.from({ length: 16 }, (_, n) => [frame(last - 2)[n], frame(last - 1)[n], frame(last)[n]]).flat());
    }
  });

  test('`every` sets the number of frames between predictions', () => {
    expect(listenTo(echo(3), sound, { every: 5 }).map((answer) => answer.frame)).toEqual([2, 7, 12, 17, 22, 27]);
    for (const every of [0, -1, 1.5, NaN]) {
      expect(() => createAudioStream(loadSync(echo(1)), { every })).toThrow(refusal('BAD_ARGUMENT', 'every must be'));
    }
  });

  test('classifies tones like audioToInput with predict', () => {
    for (const [label, hertz] of [['low', 300], ['high', 4000]] as const) {
      const model = loadSync(toneDetector());
      const samples = tone(hertz, 0.5, 16000);
      const heard = listenTo(toneDetector(), samples);
      expect(heard.length).toBeGreaterThan(10);
      for (const { output } of heard) expect(topK(output, toneLabels, 1)[0]!.label).toBe(label);
      expect(topK(model.predict(audioToInput(samples, model.inputs[0]!, toneParameters())), toneLabels, 1)[0]!.label)
        .toBe(label);
    }
  });

  test('reset starts again at frame 0', () => {
    const stream = createAudioStream(loadSync(echo(2)));
    const frames: number[] = [];
    stream.push(sound.subarray(0, 1024), (_, index) => frames.push(index));
    stream.reset();
    stream.push(sound.subarray(0, 1024), (_, index) => frames.push(index));
    expect(frames).toEqual([1, 2, 1, 2]);
  });

  test('uses a recurrent state of its own if the model makes streams', () => {
    const model = loadSync(echo(1));
    const seen: number[][] = [];
    let resets = 0;
    const stateful = {
      inputs: model.inputs,
      outputs: model.outputs,
      meta: model.meta,
      predictInto: () => expect.unreachable(),
      createState: () => ({
        predictInto: (x: Float32Array) => {
          seen.push([...x]);
        },
        reset: () => {
          resets++;
        },
      }),
    };
    const stream = createAudioStream(stateful);
    stream.push(sound, () => undefined);
    stream.reset();
    expect(seen).toEqual(Array.from({ length: whole.length / 16 }, (_, k) => frame(k)));
    expect(resets).toBe(1);
  });

  test.each([1, 3])('gives a network with state each frame once, %i at a time, for any `every`', (frames) => {
    const sums = (every?: number): number[][] =>
      listenTo(summing(frames), sound, every === undefined ? {} : { every }).map((
        { frame: last, output },
      ) => [last, ...output]);
    const size = frames * 16;
    const total = new Float32Array(size);
    const all = Array.from({ length: Math.floor(whole.length / size) }, (_, step) => {
      for (let i = 0; i < size; i++) total[i] = total[i]! + whole[step * size + i]!;
      return [(step + 1) * frames - 1, ...total];
    });
    expect(all.length).toBeGreaterThan(8);
    expect(sums()).toEqual(all);
    expect(sums(frames * 4)).toEqual(all.filter((_, step) => step % 4 === 0));
  });

  test('refuses an `every` that would skip frames of a network with state', () => {
    expect(() => createAudioStream(loadSync(summing(3)), { every: 4 }))
      .toThrow(refusal('BAD_ARGUMENT', 'every must be a multiple of the 3 frames in the input'));
  });

  test.each(['none', 'end', 'center-zeros', 'center-reflect'] as const)(
    'end gives the frames of the whole recording, with padding %s',
    (padding) => {
      const parameters = audioParameters('librosa', {
        sampleRate: 16000,
        fftSize: 512,
        mel: { bands: 16 },
        compression: { kind: 'log', topDb: null },
        layout: 'frames-first',
        padding,
        ...(padding === 'end' && { windowPosition: 'start' }),
      });
      const front = createAudioFeatures(parameters);
      const stream = createAudioStream(loadSync(echo(2, parameters)));
      for (const length of [0, 100, 700, 8000]) {
        const samples = sound.subarray(0, length);
        const all = front.compute(samples);
        const heard: [number, number[]][] = [];
        const note = (output: Float32Array, last: number): void => {
          heard.push([last, [...output]]);
        };
        for (let t = 0; t < length; t += 128) stream.push(samples.subarray(t, Math.min(length, t + 128)), note);
        const before = heard.length;
        stream.end(note);
        expect(heard)
          .toEqual(Array.from(
            { length: Math.max(0, all.length / 16 - 1) },
            (_, k) => [k + 1, [...all.subarray(k * 16, k * 16 + 32)]],
          ));
        if (length === 8000) expect(heard.length > before).toBe(padding !== 'none');
      }
    },
  );

  test('end resets the stream and its state', () => {
    const stream = createAudioStream(loadSync(summing(1)));
    const hear = (): number[][] => {
      const heard: number[][] = [];
      const note = (output: Float32Array, last: number): void => {
        heard.push([last, ...output]);
      };
      stream.push(sound, note);
      stream.end(note);
      return heard;
    };
    expect(hear()).toEqual(hear());
  });

  test('the option `output` selects an output by name', () => {
    const b = new GraphBuilder('both');
    const x = b.input('x', [1, 16]);
    const relu = b.node('unary', [x], { kind: 'relu' }, { name: 'relu' });
    const neg = b.node('unary', [x], { kind: 'neg' }, { name: 'neg' });
    const file = compile(b.finish([relu, neg]), { meta: { preprocessing: toneParameters() } });
    expect(listenTo(file, sound, { output: 'neg' })[4]!.output).toEqual(frame(4).map((v) => -v));
    expect(listenTo(file, sound)[4]!.output).toEqual(frame(4).map((v) => Math.max(0, v)));
    expect(() => createAudioStream(loadSync(file), { output: 'abs' }))
      .toThrow(refusal('BAD_ARGUMENT', 'no output "abs"; its outputs are "relu", "neg"'));
  });

  test('refuses topDb when it is created', () => {
    const parameters = audioParameters('librosa', { sampleRate: 16000, mel: { bands: 16 } });
    expect(() => createAudioStream(loadSync(echo(1, parameters)))).toThrow(refusal('BAD_ARGUMENT', 'topDb'));
  });
});
