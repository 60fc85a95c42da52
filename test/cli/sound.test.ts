import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import wavefile from 'wavefile';
import { createAudioFeatures, resample, type AudioPreprocessing } from '../../src/audio/index';
import { decodeWave } from '../../src/tasks/wave';
import { summing, toneDetector, toneParameters } from '../audio/networks';
import { tone } from '../audio/settings';
import { shared } from '../helpers/shared';
import { writeTflite } from '../tflite/writer';
import { kinglet, temporaryFolder } from './cli';

const files = temporaryFolder();
const model = files.write('tones.klet', toneDetector());

function wav(channels: Float32Array[], sampleRate: number, depth = '16'): Uint8Array {
  const file = new wavefile.WaveFile();
  const scale = depth === '32f' ? 1 : 2 ** (parseInt(depth, 10) - 1) - 1;
  const bias = depth === '8' ? 128 : 0;
  const samples = channels.map((channel) =>
    Array.from(channel, (v) => (depth === '32f' ? v : Math.round(v * scale) + bias))
  );
  file.fromScratch(channels.length, sampleRate, depth, channels.length === 1 ? samples[0]! : samples);
  return file.toBuffer();
}

/** A .tflite network that takes frames of 16 features. */
const tflite = files.write(
  'bands.tflite',
  writeTflite({
    tensors: [{ name: 'bands', type: 'FLOAT32', shape: [1, 8, 16] }, { name: 'y', type: 'FLOAT32', shape: [1, 8, 16] }],
    operators: [{ kind: 'ABS', inputs: ['bands'], outputs: ['y'] }],
    inputs: ['bands'],
    outputs: ['y'],
  }),
);

describe('WAV files', () => {
  const sound = tone(440, 0.05, 8000, 0.9);

  it.each([['8', 1 / 64], ['16', 1e-4], ['24', 1e-6], ['32', 1e-6], ['32f', 1e-7]])(
    'of %s bits is read',
    (depth, precision) => {
      const { samples, sampleRate } = decodeWave(wav([sound], 8000, depth));
      expect(sampleRate).toBe(8000);
      expect(samples).toHaveLength(sound.length);
      expect(Math.max(...samples.map((v, t) => Math.abs(v - sound[t]!)))).toBeLessThan(precision);
    },
  );

  it('16-bit samples are divided by 32768', () => {
    const file = new wavefile.WaveFile();
    file.fromScratch(1, 8000, '16', [-32768, 32767, 1]);
    expect([...decodeWave(file.toBuffer()).samples]).toEqual([-1, Math.fround(32767 / 32768), 1 / 32768]);
  });

  it('A-law and µ-law are decoded, and ADPCM is refused', () => {
    for (const pack of ['toALaw', 'toMuLaw'] as const) {
      const file = new wavefile.WaveFile(wav([sound], 8000));
      file[pack]();
      const { samples } = decodeWave(file.toBuffer());
      expect(Math.max(...samples.slice(40, 380).map((v, i) => Math.abs(v - sound[i + 40]!))), pack).toBeLessThan(0.05);
    }
    const file = new wavefile.WaveFile(wav([tone(440, 0.2, 8000)], 8000));
    file.toIMAADPCM();
    expect(() => decodeWave(file.toBuffer()))
      .toThrow(expect.objectContaining({
        code: 'CORRUPT',
        message: expect.stringContaining('save it as PCM') as string,
      }));
  });

  it('two channels are averaged', () => {
    expect(Math.max(...decodeWave(wav([sound, new Float32Array(sound.length)], 8000)).samples)).toBeCloseTo(
      Math.max(...sound) / 2,
      3,
    );
  });

  it('damaged files are refused', () => {
    const good = wav([sound], 8000);
    const code = (bytes: Uint8Array): unknown => {
      try {
        return decodeWave(bytes).samples.length;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(code(new Uint8Array(3))).toBe('BAD_MAGIC');
    for (const end of [12, 20, 36, 40]) expect(code(good.slice(0, end)), `cut at ${end}`).toBe('CORRUPT');
    for (let at = 12; at < 44; at++) {
      expect(['CORRUPT', expect.any(Number)])
        .toContainEqual(code(Uint8Array.from(good, (byte, i) => (i === at ? 255 - byte : byte))));
    }
  });
});

describe('run with a recording', () => {
  it.each([['low', 300], ['high', 4000]] as const)('classifies a tone as %s', async (label, hertz) => {
    const { code, out, err } = await kinglet(
      'run',
      model,
      '--input',
      files.write(`${label}.wav`, wav([tone(hertz, 0.3, 16000)], 16000)),
    );
    expect(code).toBe(0);
    expect(err)
      .toMatch(/^kinglet: note: ".*\.wav" \(0\.30 s of 16000 Hz\), as the preprocessing says: 16000 Hz, .*\n$/);
    expect(out).toMatch(new RegExp(`1\\. +${label} `));
    expect(out).toMatch(/ms a prediction/);
  });

  it('resamples a recording of another sample rate, and prints a note', async () => {
    const samples = tone(4000, 0.3, 44100);
    const values = async (name: string, content: Uint8Array): Promise<{ err: string; values: number[] }> => {
      const { out, err } = await kinglet('run', model, '--json', '--input', files.write(name, content));
      return { err, values: (JSON.parse(out) as { outputs: { values: number[] }[] }).outputs[0]!.values };
    };
    const other = await values('cd.wav', wav([samples], 44100, '32f'));
    const same = await values('16k.wav', wav([resample(samples, 44100, 16000)], 16000, '32f'));
    expect(other.err).toMatch(/note: ".*cd\.wav" \(0\.30 s of 44100 Hz, resampled to 16000 Hz\), as the/);
    expect(other.values).toEqual(same.values);
    expect(same.err).not.toContain('resampled');
  });

  it('pads a short recording and cuts a long one', async () => {
    for (const seconds of [0, 0.01, 3]) {
      expect(
        (await kinglet('run', model, '--input', files.write('any.wav', wav([tone(300, seconds, 16000)], 16000)))).code,
        `${seconds} s`,
      ).toBe(0);
    }
  });

  it('refuses audio if the network has no audio preprocessing', async () => {
    const { code, err } = await kinglet(
      'run',
      tflite,
      '--input',
      files.write('x.wav', wav([tone(300, 0.1, 16000)], 16000)),
    );
    expect(code).toBe(1);
    expect(err).toContain('BAD_ARGUMENT: "');
    expect(err).toContain('pass it with --preprocess');
  });
});

describe('run with a recording and a network with state', () => {
  interface Answer {
    steps: number;
    msPerStep: number;
    medianMs: number;
    outputs: { values: number[]; top?: { label: string }[] }[];
    answers: Record<string, number[]>[];
  }
  const answerTo = async (network: string, sound: string): Promise<Answer> => {
    const { code, out, err } = await kinglet('run', network, '--input', sound, '--steps', '--json');
    expect([code, err.replace(/^kinglet: note: .*\n$/, '')]).toEqual([0, '']);
    return JSON.parse(out) as Answer;
  };

  it.each<[number, AudioPreprocessing['layout'], number[]]>([[1, 'frames-first', [1, 1, 16]], [3, 'frames-first', [1, 3,
    16]], [3, 'features-first', [1, 16, 3]]])(
      'processes all of it, %i frames at a time, %s',
      async (frames, layout, shape) => {
        const parameters = toneParameters({ layout, padding: 'end' });
        const sound = tone(300, 0.2, 16000);
        const file = files.write('steps.wav', wav([sound], 16000, '32f'));
        const { steps, answers, outputs, medianMs, msPerStep } = await answerTo(
          files.write('summing.klet', summing(frames, parameters, shape)),
          file,
        );
        const front = createAudioFeatures(parameters);
        const count = Math.ceil(front.frameCount(sound.length) / frames);
        const padded = new Float32Array(count * frames * 256);
        padded.set(sound);
        const rows = front.compute(padded);
        const total = new Float32Array(frames * 16);
        expect(steps).toBe(count);
        expect(msPerStep).toBe(medianMs / count);
        expect(answers).toHaveLength(count);
        answers.forEach(({ sum }, step) => {
          for (let i = 0; i < total.length; i++) total[i] = total[i]! + rows[step * total.length + i]!;
          for (let i = 0; i < total.length; i++) {
            expect(sum![layout === 'frames-first' ? i : (i % 16) * frames + Math.floor(i / 16)]).toBe(total[i]);
          }
        });
        expect(outputs[0]!.values).toEqual(answers.at(-1).sum);
      },
    );

  const digits = path.resolve(import.meta.dirname, '../../models/spoken-digits/spoken-digits.klet');

  it('prints the answer after the last frame, the total time and the time per step', async () => {
    const file = files.write('hum.wav', wav([tone(300, 0.5, 8000)], 8000));
    const { out } = await kinglet('run', digits, '--input', file);
    expect(out).toMatch(/^scores: 10 classes\n/);
    expect(out).toMatch(/\n[\d.]+ ms for 32 steps, [\d.]+ µs each \(median of \d+, \w+\)\n$/);
    const { answers, outputs } = await answerTo(digits, file);
    const { out: table } = await kinglet('run', digits, '--input', file, '--steps');
    expect(outputs[0]!.values).toEqual(answers.at(-1).scores);
    const rows = [...table.matchAll(/^ *(\d+) +([\d.]+) s +(\d) +([\d.]+)$/gm)].map((
      [, step, seconds, label, score],
    ) => [step, seconds, label, score]);
    expect(rows).toEqual(answers.map(({ scores }, step) => {
      const best = Math.max(...scores!);
      return [String(step), ((step + 1) * 0.016).toFixed(2), String(scores!.indexOf(best)), best.toFixed(4)];
    }));
  });

  const recordings = path.join(shared, 'data/spoken-digits');

  it.skipIf(!existsSync(recordings))(
    'hears at least 40 of 50 spoken digits of strangers (../shared/data/spoken-digits)',
    async () => {
      const wanted = Array.from({ length: 10 }, (_, digit) =>
        ['theo_0', 'theo_20', 'theo_40', 'yweweler_10', 'yweweler_30'].map((name) => ({
          digit,
          file: path.join(recordings, `${digit}_${name}.wav`),
        }))).flat();
      let right = 0;
      for (const { digit, file } of wanted) {
        if ((await answerTo(digits, file)).outputs[0]!.top![0]!.label === String(digit)) {
          right++;
        }
      }
      expect(wanted).toHaveLength(50);
      expect(right).toBeGreaterThanOrEqual(40);
    },
  );
});

describe('audio preprocessing', () => {
  const shorthand = {
    kind: 'audio',
    convention: 'tensorflow',
    sampleRate: 16000,
    frameLength: 512,
    hop: 256,
    mel: { bands: 16, low: 60, high: 7600 },
  };

  it('is completed from its convention during conversion', async () => {
    const { code, err } = await kinglet(
      'convert',
      tflite,
      '-o',
      files.at('heard.klet'),
      '--preprocess',
      files.write('p.json', JSON.stringify(shorthand)),
    );
    expect([code, err]).toEqual([0, '']);
    const { out } = await kinglet('inspect', files.at('heard.klet'), '--json');
    expect((JSON.parse(out) as { preprocessing: object }).preprocessing).toEqual(toneParameters());
    expect((await kinglet('inspect', files.at('heard.klet'))).out)
      .toMatch(/audio +16000 Hz, 512 samples every 256, magnitudes, 16 mel bands of 60 to 7600 Hz, ln/);
    expect((await kinglet(
      'run',
      files.at('heard.klet'),
      '--input',
      files.write('low.wav', wav([tone(300, 0.3, 16000)], 16000)),
    )).code).toBe(0);
  });

  it('may list all parameters', async () => {
    expect((await kinglet(
      'convert',
      tflite,
      '-o',
      files.at('full.klet'),
      '--preprocess',
      JSON.stringify(toneParameters()),
    )).code).toBe(0);
  });

  it.each([[{ ...shorthand, hop: 0 }, 'BAD_ARGUMENT: audio preprocessing needs an integer'], [{
    ...shorthand,
    convention: 'htk',
  }, 'BAD_ARGUMENT: unknown audio convention "htk"'], [{ ...shorthand, mel: { bands: 17 } },
    'SHAPE_MISMATCH: input "bands" has the shape [1, 8, 16]; the preprocessing gives 17 features'], [{
    kind: 'audio',
    sampleRate: 16000,
  }, 'BAD_ARGUMENT: audio preprocessing needs']])('%j is refused', async (json, text) => {
    const { code, err } = await kinglet(
      'convert',
      tflite,
      '-o',
      files.at('refused.klet'),
      '--preprocess',
      JSON.stringify(json),
    );
    expect(code).toBe(1);
    expect(err).toContain(text);
  });
});
