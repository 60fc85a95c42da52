import { describe, expect, test } from 'vitest';
import { audioParameters, checkAudioParameters, createAudioFeatures, type AudioSettings } from '../../src/audio/index';

const refusal = (text: string): unknown =>
  expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(text) as string });

describe('audioParameters', () => {
  // tf.signal.stft, tf.signal.linear_to_mel_weight_matrix, and the example of
  // tf.signal.mfccs_from_log_mel_spectrograms (log of mel + 1e-6, 13 coefficients)
  test('"tensorflow" fills in the defaults of tf.signal', () => {
    expect(audioParameters('tensorflow', { sampleRate: 8000, frameLength: 200, hop: 80, mfcc: {} })).toEqual({
      kind: 'audio',
      sampleRate: 8000,
      frameLength: 200,
      hop: 80,
      fftSize: 256,
      window: 'hann',
      windowPosition: 'start',
      padding: 'none',
      inputScale: 1,
      preemphasis: 0,
      power: 1,
      mel: { bands: 20, low: 125, high: 3800, scale: 'htk', slopes: 'mel', norm: 'none' },
      compression: { kind: 'log', unit: 'natural', floor: 0, offset: 1e-6, reference: 1, topDb: null },
      mfcc: { count: 13, scaling: 'tensorflow', lifter: 0 },
      layout: 'frames-first',
      scale: 1,
      offset: 0,
    });
  });

  // librosa.feature.melspectrogram (n_fft 2048, hop 512, pad_mode "constant", power 2),
  // librosa.power_to_db, librosa.feature.mfcc (n_mfcc 20, norm "ortho")
  test('"librosa" fills in the defaults of librosa', () => {
    expect(audioParameters('librosa', { sampleRate: 22050, mfcc: {} })).toEqual({
      kind: 'audio',
      sampleRate: 22050,
      frameLength: 2048,
      hop: 512,
      fftSize: 2048,
      window: 'hann',
      windowPosition: 'center',
      padding: 'center-zeros',
      inputScale: 1,
      preemphasis: 0,
      power: 2,
      mel: { bands: 128, low: 0, high: 11025, scale: 'slaney', slopes: 'hertz', norm: 'slaney' },
      compression: { kind: 'log', unit: 'decibel', floor: 1e-10, offset: 0, reference: 1, topDb: 80 },
      mfcc: { count: 20, scaling: 'ortho', lifter: 0 },
      layout: 'features-first',
      scale: 1,
      offset: 0,
    });
  });

  test('settings override the defaults', () => {
    const p = audioParameters('librosa', {
      sampleRate: 16000,
      fftSize: 400,
      frameLength: 320,
      window: 'hamming',
      mel: { high: 7600 },
      compression: { kind: 'log', unit: 'log10', topDb: null },
      mfcc: null,
    });
    expect(p).toMatchObject({
      hop: 80,
      window: 'hamming',
      mel: { bands: 128, high: 7600 },
      compression: { unit: 'log10', floor: 1e-10 },
      mfcc: null,
    });
    expect(audioParameters('librosa', { sampleRate: 16000, power: 1 }).compression).toMatchObject({ floor: 1e-5 });
    expect(audioParameters('tensorflow', { sampleRate: 16000, frameLength: 25, hop: 10, mel: null, compression: null }))
      .toMatchObject({ window: 'hann-symmetric', fftSize: 32, mel: null, compression: null, mfcc: null });
    expect(audioParameters('librosa', { sampleRate: 16000, compression: { kind: 'pcen', smoothing: 0.025 } })
      .compression).toEqual({
        kind: 'pcen',
        gain: 0.98,
        bias: 2,
        power: 0.5,
        epsilon: 1e-6,
        smoothing: 0.025,
        initial: 'one',
      });
  });

  test('the result survives JSON, the form in a file', () => {
    const p = audioParameters('librosa', { sampleRate: 16000, mfcc: {}, scale: new Array<number>(20).fill(0.1) });
    expect(checkAudioParameters(JSON.parse(JSON.stringify(p)))).toEqual(p);
  });

  test.each([['sampleRate', {}], ['frameLength', { sampleRate: 8000 }], ['hop', {
    sampleRate: 8000,
    frameLength: 256,
  }]])('"tensorflow" requires %s', (name, settings) => {
    expect(() => audioParameters('tensorflow', settings as AudioSettings)).toThrow(refusal(`as ${name}, not`));
  });

  test('an unknown convention is refused', () => {
    expect(() => audioParameters('htk' as 'librosa', { sampleRate: 8000 })).toThrow(refusal('"htk"'));
    expect(() => audioParameters('librosa', null as unknown as AudioSettings)).toThrow(refusal('not null'));
  });
});

describe('checkAudioParameters', () => {
  const good = audioParameters('tensorflow', { sampleRate: 8000, frameLength: 200, hop: 80, mfcc: { count: 10 } });
  const log = good.compression!;
  const pcen = audioParameters('librosa', { sampleRate: 8000, compression: { kind: 'pcen' } }).compression!;

  const refused: Record<string, Record<string, unknown>> = {
    'needs one of "audio" as kind, not "image"': { kind: 'image' },
    'a number above 0 and at most 1000000 as sampleRate, not 0': { sampleRate: 0 },
    'as sampleRate, not "8000"': { sampleRate: '8000' },
    'as sampleRate, not NaN': { sampleRate: NaN },
    'as hop, not 0': { hop: 0 },
    'as hop, not 1.5': { hop: 1.5 },
    'as frameLength': { frameLength: 0 },
    'frames of 257 samples, more than its fftSize 256': { frameLength: 257 },
    'the fftSize 255, which is odd': { fftSize: 255 },
    'an integer from 2 to 65536 as fftSize': { fftSize: 2 ** 17 },
    '"rectangular", "povey" as window, not "kaiser"': { window: 'kaiser' },
    windowPosition: { windowPosition: 'end' },
    'needs the windowPosition "center"': { padding: 'center-reflect' },
    'needs the windowPosition "start"': { padding: 'end', windowPosition: 'center' },
    'as padding, not true': { padding: true },
    'a number above 0 as inputScale': { inputScale: 0 },
    'a number from 0 to 1 as preemphasis': { preemphasis: -1 },
    'one of 1, 2 as power': { power: 3 },
    'an object or null as mel, not nothing': { mel: undefined },
    'as mel.bands': { mel: { ...good.mel, bands: 0 } },
    'from 125 to 4001 Hz; expected low < high <= 4000 (half the sample rate)': { mel: { ...good.mel, high: 4001 } },
    'expected low < high': { mel: { ...good.mel, low: 3800 } },
    'as mel.scale, not "bark"': { mel: { ...good.mel, scale: 'bark' } },
    'as mel.slopes': { mel: { ...good.mel, slopes: null } },
    'as mel.norm': { mel: { ...good.mel, norm: 2 } },
    'unknown property mel.n_mels': { mel: { ...good.mel, n_mels: 3 } },
    'as compression.unit': { compression: { ...log, unit: 'bel' } },
    'floor or offset must be above 0': { compression: { ...log, offset: 0 } },
    'needs the unit "decibel", not "natural"': { compression: { ...log, topDb: 80 } },
    'as compression.kind, not "root"': { compression: { ...log, kind: 'root' } },
    'as compression.reference': { compression: { ...log, reference: 0 } },
    'a number above 0 and at most 1 as compression.smoothing': { compression: { ...pcen, smoothing: 0 } },
    'as compression.initial': { compression: { ...pcen, initial: 0 } },
    'as compression.epsilon': { compression: { ...pcen, epsilon: 0 } },
    '21 coefficients of 20 bands': { mfcc: { ...good.mfcc, count: 21 } },
    'as mfcc.scaling': { mfcc: { ...good.mfcc, scaling: null } },
    'as mfcc.lifter': { mfcc: { ...good.mfcc, lifter: -1 } },
    'coefficients of 32769 bands; at most 1024': { mel: null, fftSize: 65536 },
    'as layout': { layout: 'nhwc' },
    'a number or one per feature as scale': { scale: 'x' },
    'has 2 numbers as offset for 10 features': { offset: [1, 2] },
    '0 numbers as scale': { scale: [] },
    'has the unknown property preemphasys': { preemphasys: 0.97 },
  };

  test.each(Object.entries(refused))('refuses with "%s": %j', (text, change) => {
    expect(() => checkAudioParameters({ ...good, ...change })).toThrow(refusal(text));
    expect(() => createAudioFeatures({ ...good, ...change })).toThrow(refusal(text));
  });

  test.each([null, undefined, 3, 'audio', [good]])('refuses %j in place of an object', (value) => {
    expect(() => checkAudioParameters(value)).toThrow(refusal('must be an object'));
  });

  test('refuses parameters with a missing property', () => {
    for (const name of Object.keys(good)) {
      const { [name]: _, ...rest } = good as unknown as Record<string, unknown>;
      expect(() => checkAudioParameters(rest), name).toThrow(refusal(`as ${name}, not nothing`));
    }
  });
});
