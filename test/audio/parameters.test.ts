import { describe, expect, test } from 'vitest';
import { audioParameters, checkAudioParameters, createAudioFeatures, type AudioSettings } from '../../src/audio/index';

const refusal = (text: string): unknown =>
  expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(text) as string });

describe('the convention', () => {
  // tf.signal.stft, tf.signal.linear_to_mel_weight_matrix, and the example of
  // tf.signal.mfccs_from_log_mel_spectrograms (log of mel + 1e-6, 13 coefficients)
  test('"tensorflow" fills in what tf.signal does', () => {
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
  test('"librosa" fills in what librosa does', () => {
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

  test('gives way to what is said', () => {
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

  test('survives JSON, as it lies in a file', () => {
    const p = audioParameters('librosa', { sampleRate: 16000, mfcc: {}, scale: new Array<number>(20).fill(0.1) });
    expect(checkAudioParameters(JSON.parse(JSON.stringify(p)))).toEqual(p);
  });

  test.each([['sampleRate', {}], ['frameLength', { sampleRate: 8000 }], ['hop', {
    sampleRate: 8000,
    frameLength: 256,
  }]])('"tensorflow" needs %s', (name, settings) => {
    expect(() => audioParameters('tensorflow', settings as AudioSettings)).toThrow(refusal(`as ${name}, not`));
  });

  test('of another name is refused', () => {
    expect(() => audioParameters('kaldi' as 'librosa', { sampleRate: 8000 })).toThrow(refusal('"kaldi"'));
    expect(() => audioParameters('librosa', null as unknown as AudioSettings)).toThrow(refusal('not null'));
  });
});

describe('parameters', () => {
  const good = audioParameters('tensorflow', { sampleRate: 8000, frameLength: 200, hop: 80, mfcc: { count: 10 } });
  const log = good.compression!;
  const pcen = audioParameters('librosa', { sampleRate: 8000, compression: { kind: 'pcen' } }).compression!;

  test.each<[Record<string, unknown>, string]>([[{ kind: 'image' }, 'needs one of "audio" as kind, not "image"'], [{
    sampleRate: 0,
  }, 'a number above 0 to 1000000 as sampleRate, not 0'], [{ sampleRate: '8000' }, 'as sampleRate, not "8000"'], [{
    sampleRate: NaN,
  }, 'as sampleRate, not NaN'], [{ hop: 0 }, 'as hop, not 0'], [{ hop: 1.5 }, 'as hop, not 1.5'], [{ frameLength: 0 },
    'as frameLength'], [{ frameLength: 257 }, 'frames of 257 samples, more than its fftSize 256'], [{ fftSize: 255 },
    'the fftSize 255, which is odd'], [{ fftSize: 2 ** 17 }, 'a whole number from 2 to 65536 as fftSize'], [{
    window: 'kaiser',
  }, '"rectangular" as window, not "kaiser"'], [{ windowPosition: 'end' }, 'windowPosition'], [{
    padding: 'center-reflect',
  }, 'needs the windowPosition "center"'], [{ padding: 'end', windowPosition: 'center' },
    'needs the windowPosition "start"'], [{ padding: true }, 'as padding, not true'], [{ inputScale: 0 },
    'a number above 0 as inputScale'], [{ preemphasis: -1 }, 'a number from 0 to 1 as preemphasis'], [{ power: 3 },
    'one of 1, 2 as power'], [{ mel: undefined }, 'an object, or null as mel, not nothing'], [{
    mel: { ...good.mel, bands: 0 },
  }, 'as mel.bands'], [{ mel: { ...good.mel, high: 4001 } },
    'from 125 to 4001 Hz; they must rise, to at most half the sample rate (4000)'], [{
    mel: { ...good.mel, low: 3800 },
  }, 'they must rise'], [{ mel: { ...good.mel, scale: 'bark' } }, 'as mel.scale, not "bark"'], [{
    mel: { ...good.mel, slopes: null },
  }, 'as mel.slopes'], [{ mel: { ...good.mel, norm: 2 } }, 'as mel.norm'], [{ mel: { ...good.mel, n_mels: 3 } },
    'unknown property mel.n_mels'], [{ compression: { ...log, unit: 'bel' } }, 'as compression.unit'], [{
    compression: { ...log, offset: 0 },
  }, 'floor or offset must be above 0'], [{ compression: { ...log, topDb: 80 } },
    'needs the unit "decibel", not "natural"'], [{ compression: { ...log, kind: 'root' } },
    'as compression.kind, not "root"'], [{ compression: { ...log, reference: 0 } }, 'as compression.reference'], [{
    compression: { ...pcen, smoothing: 0 },
  }, 'above 0 to 1 as compression.smoothing'], [{ compression: { ...pcen, initial: 0 } }, 'as compression.initial'], [{
    compression: { ...pcen, epsilon: 0 },
  }, 'as compression.epsilon'], [{ mfcc: { ...good.mfcc, count: 21 } }, '21 coefficients of 20 bands'], [{
    mfcc: { ...good.mfcc, scaling: null },
  }, 'as mfcc.scaling'], [{ mfcc: { ...good.mfcc, lifter: -1 } }, 'as mfcc.lifter'], [{ mel: null, fftSize: 65536 },
    'coefficients of 32769 bands; at most 1024'], [{ layout: 'nhwc' }, 'as layout'], [{ scale: 'x' },
    'a number, or one number per feature as scale'], [{ offset: [1, 2] }, 'has 2 numbers as offset for 10 features'], [{
    scale: [],
  }, '0 numbers as scale'], [{ preemphasys: 0.97 }, 'has the unknown property preemphasys']])(
    'with %j are refused',
    (change, text) => {
      expect(() => checkAudioParameters({ ...good, ...change })).toThrow(refusal(text));
      expect(() => createAudioFeatures({ ...good, ...change })).toThrow(refusal(text));
    },
  );

  test.each([null, undefined, 3, 'audio', [good]])('that are %j are refused', (value) => {
    expect(() => checkAudioParameters(value)).toThrow(refusal('must be an object'));
  });

  test('lacking anything are refused', () => {
    for (const name of Object.keys(good)) {
      const { [name]: _, ...rest } = good as unknown as Record<string, unknown>;
      expect(() => checkAudioParameters(rest), name).toThrow(refusal(`as ${name}, not nothing`));
    }
  });
});
