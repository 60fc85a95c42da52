import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAudioStream } from '../../../src/audio/index';
import { loadSync } from '../../../src/index';
import { keywords, type Keyword, type KeywordOptions } from '../../../src/tasks/sound/index';
import { decodeWave } from '../../../src/tasks/wave';
import { hasShared, shared } from '../../helpers/shared';
import { HOP, pieces, RATE, samplesOf, scoreNetwork } from './networks';

const refusal = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

const score = fc.integer({ min: 0, max: 256 }).map((n) => n / 256);
const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), score, score), { maxLength: 20 }).map((list) =>
  list.flatMap(([length, a, b]) => new Array<[number, number]>(length).fill([a, b]))
);

interface Rules {
  count: number;
  threshold: number[];
  rearm: number[];
  refractory: number;
  isBackground?: boolean[];
  isLoud?: (output: number) => boolean;
}

/** The outputs that fire, and which class, by the rules of the documentation, in plain loops. */
function reference(scores: number[][], rules: Rules, timeOf: (output: number) => number): [number, number][] {
  const fired: [number, number][] = [];
  const armed = rules.threshold.map(() => true);
  let silence = -1;
  scores.forEach((row, k) => {
    if (rules.isLoud?.(k) === false) silence = k;
    const window = scores.slice(Math.max(silence + 1, k - rules.count + 1), k + 1);
    const means = row.map((_, i) => window.reduce((sum, values) => sum + values[i]!, 0) / rules.count);
    means.forEach((mean, i) => armed[i] ||= mean < rules.rearm[i]!);
    const best = means.indexOf(Math.max(...means));
    const last = fired.at(-1)?.[0];
    const rests = last !== undefined && timeOf(k) - timeOf(last) < rules.refractory;
    if (means[best]! >= rules.threshold[best]! && armed[best] && !rules.isBackground?.[best] && !rests) {
      armed[best] = false;
      fired.push([k, best]);
    }
  });
  return fired;
}

/** The keywords in samples that come in pieces. */
function inPieces(
  samples: Float32Array<ArrayBuffer>,
  lengths: number[],
  network: Parameters<typeof scoreNetwork>[0],
  options: KeywordOptions,
): Keyword[] {
  const detector = keywords(scoreNetwork(network), options);
  const found: Keyword[] = [];
  for (const piece of pieces(samples, lengths)) detector.push(piece, (keyword) => found.push(keyword));
  detector.end((keyword) => found.push(keyword));
  return found;
}

const endOf = (frame: number): number => (frame * HOP + 2) / RATE;

describe('keywords', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 35 }), { minLength: 1, maxLength: 5 });

  test('follows its rules, in pieces of any length, for networks with and without state', () => {
    const options = fc.record({
      smoothing: fc.constantFrom(0, 0.01, 0.03, 0.08),
      threshold: fc.constantFrom(0.5, 0.75),
      rearm: fc.constantFrom(0, 0.25, 0.5),
      refractory: fc.constantFrom(0, 0.05, 0.2),
    });
    fc.assert(fc.property(
      runs,
      cuts,
      options,
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (scores, lengths, given, frames, hasState) => {
        const step = hasState ? frames : 1;
        const outputs = scores.map((_, f) => f).filter((f) => f >= frames - 1 && (f - frames + 1) % step === 0);
        const time = (k: number): number => endOf(outputs[k]!);
        const expected = reference(outputs.map((f) => scores[f]!), {
          count: Math.max(1, Math.round(given.smoothing / (step * HOP / RATE))),
          threshold: [given.threshold, given.threshold],
          rearm: [given.rearm, given.rearm],
          refractory: given.refractory,
        }, time);
        const found = inPieces(samplesOf(scores), lengths, { frames, hasState }, given);
        expect(found.map(({ label, time: at }) => [label, at]))
          .toEqual(expected.map(([k, best]) => [['a', 'b'][best], time(k)]));
      },
    ));
  });

  test('counts only outputs near loud frames with minLevel', () => {
    const loud = fc.record({ smoothing: fc.constantFrom(0, 0.02, 0.05), minLevel: fc.constantFrom(-9, -15, -30) });
    fc.assert(fc.property(runs, cuts, loud, (scores, lengths, given) => {
      const count = Math.max(1, Math.round(given.smoothing * RATE / HOP));
      const samples = samplesOf(scores);
      const levels = scores.map((_, f) => {
        // the 10 samples up to the end of the frame
        const part = samples.subarray(Math.max(0, f * HOP + 2 - HOP), f * HOP + 2);
        return Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / HOP);
      });
      const limit = 10 ** (given.minLevel / 20);
      const expected = reference(scores, {
        count,
        threshold: [0.5, 0.5],
        rearm: [0.25, 0.25],
        refractory: 0,
        isLoud: (k) => levels.slice(Math.max(0, k - count + 1), k + 1).some((level) => level >= limit),
      }, endOf);
      const found = inPieces(samples, lengths, {}, { ...given, threshold: 0.5, refractory: 0 });
      expect(found.map(({ label, time }) => [label, time]))
        .toEqual(expected.map(([k, best]) => [['a', 'b'][best], endOf(k)]));
    }));
  });

  test('gives the levels of frames that end in the padding', () => {
    // the last frames reach 2 samples beyond the end, and only their first half is loud
    const settings = { windowPosition: 'center', padding: 'center-zeros', fftSize: 4, frameLength: 4 } as const;
    const network = scoreNetwork({ labels: ['a', 'b', 'c'], frames: 1, settings: { ...settings, fftSize: 4 } });
    expect(() => keywords(network, { minLevel: -20 })).toThrow(refusal('SHAPE_MISMATCH', 'gives 3 features'));
    const detector = keywords(scoreNetwork({ settings: { windowPosition: 'center', padding: 'center-zeros' } }), {
      minLevel: -20,
      smoothing: 0,
      threshold: 0.5,
    });
    // frame 2 is centred on sample 20, of which only sample 19 is there
    const samples = new Float32Array(20);
    samples[19] = 1;
    expect(detector.detect(samples)).toEqual([{ label: 'a', confidence: 1, time: 0.021 }]);
    // a second recording hears nothing of the first
    expect(detector.detect(new Float32Array(20))).toEqual([]);
  });

  test('has thresholds by class, and classes that never fire', () => {
    const scores: [number, number][] = [[0.75, 0], [0.75, 0], [0, 0], [0, 0.75], [0, 0], [0, 1]];
    const find = (labels: string[], options: KeywordOptions): string[] =>
      keywords(scoreNetwork({ labels }), { smoothing: 0, refractory: 0, ...options }).detect(samplesOf(scores)).map((
        { label, time },
      ) => `${label} ${time}`);
    expect(find(['a', 'b'], {})).toEqual(['a 0.002', 'b 0.032', 'b 0.052']);
    expect(find(['a', 'b'], { threshold: { b: 0.8 } })).toEqual(['a 0.002', 'b 0.052']);
    expect(find(['a', '_silence_'], {})).toEqual(['a 0.002']);
    expect(find(['Unknown', 'b'], {})).toEqual(['b 0.032', 'b 0.052']);
    expect(find(['a', '_silence_'], { background: ['a'] })).toEqual(['_silence_ 0.032', '_silence_ 0.052']);
    expect(find(['a', 'a background b'], { background: [] })).toHaveLength(3);
  });

  test('a higher score of the background keeps a class from firing', () => {
    const detector = keywords(scoreNetwork({ labels: ['a', 'silence'] }), { smoothing: 0, threshold: 0.25 });
    expect(detector.detect(samplesOf([[0.5, 0.75], [0.5, 0.75]]))).toEqual([]);
    expect(detector.detect(samplesOf([[0.5, 0.75], [0.5, 0.25]]))).toHaveLength(1);
  });

  test('take() takes the scores of listen(), with the level of the signal', () => {
    const model = scoreNetwork();
    const scores = Array.from({ length: 60 }, (_, f): [number, number] => [f % 20 < 9 ? 1 : 0, f > 40 ? 1 : 0]);
    const options = { smoothing: 0.05, minLevel: -20 };
    const detector = keywords(model, options);
    const found: Keyword[] = [];
    createAudioStream(model).push(
      samplesOf(scores),
      (values, frame) => detector.take(values, frame, (keyword) => found.push(keyword), 0.1),
    );
    expect(found).toEqual(keywords(model, { smoothing: 0.05 }).detect(samplesOf(scores)));
    expect(found).toHaveLength(2);
    detector.reset();
    detector.take(Float32Array.of(1, 0), 0, () => expect.unreachable(), 0.0999);
  });

  test('takes options from the task in the file, and options of the call before those', () => {
    const scores: [number, number][] = [[0.5, 0], [0, 0.5]];
    const model = scoreNetwork({ task: { kind: 'keywords', threshold: 0.4, smoothing: 0, refractory: 0 } });
    expect(keywords(model).detect(samplesOf(scores))).toHaveLength(2);
    expect(keywords(model, { threshold: { b: 0.4 } }).detect(samplesOf(scores))).toHaveLength(1);
    expect(keywords(scoreNetwork({ task: { kind: 'classify' } }), { smoothing: 0 }).detect(samplesOf(scores)))
      .toEqual([]);
    expect(() => keywords(scoreNetwork({ task: { kind: 'keywords', smooth: 1 } })))
      .toThrow(refusal('BAD_ARGUMENT', 'the model\'s task has no option "smooth"; did you mean "smoothing"?'));
  });

  test('refuses options out of range, and unknown classes', () => {
    const make = (options: object) => () => keywords(scoreNetwork(), options);
    expect(make({ smoothing: -1 })).toThrow(refusal('BAD_ARGUMENT', 'takes seconds from 0 to 3600, not -1'));
    expect(make({ refractory: NaN })).toThrow(refusal('BAD_ARGUMENT', '"refractory" takes seconds'));
    expect(make({ threshold: { yes: 1 } }))
      .toThrow(refusal('BAD_ARGUMENT', '"threshold" names "yes"; the classes are a, b'));
    expect(make({ threshold: { a: '1' } })).toThrow(refusal('BAD_ARGUMENT', 'a finite number, or one for each label'));
    expect(make({ background: 'a' })).toThrow(refusal('BAD_ARGUMENT', 'takes an array of labels'));
    expect(make({ background: ['c'] })).toThrow(refusal('BAD_ARGUMENT', 'names "c"'));
    const detector = keywords(scoreNetwork());
    const nothing = (): void => undefined;
    expect(() => detector.push(new Int16Array(4) as never, nothing))
      .toThrow(refusal('TYPE_MISMATCH', 'divide 16-bit samples by 32768'));
    expect(() => detector.push(Float32Array.of(0, NaN), nothing)).toThrow(refusal('NOT_A_NUMBER', 'sample 1 of 2'));
    expect(() => detector.push(new Float32Array(1), undefined as never)).toThrow(refusal('BAD_ARGUMENT', 'callback'));
    expect(() => detector.take(new Float32Array(3), 0, nothing))
      .toThrow(refusal('SHAPE_MISMATCH', 'there are 3 scores for 2 classes'));
    expect(() => detector.take(new Float32Array(2), 0.5, nothing))
      .toThrow(refusal('TYPE_MISMATCH', 'needs scores, a frame and a level'));
  });

  test('takes none of the samples of a piece with a NaN', () => {
    const scores: [number, number][] = [[1, 0], [0, 0], [0, 1], [0, 0]];
    const detector = keywords(scoreNetwork(), { smoothing: 0, refractory: 0, minLevel: -30 });
    const bad = samplesOf(scores);
    bad[35] = NaN;
    expect(() => detector.push(bad, () => expect.unreachable())).toThrow(refusal('NOT_A_NUMBER', 'sample 35'));
    const found: Keyword[] = [];
    detector.push(samplesOf(scores), (keyword) => found.push(keyword));
    expect(found.map(({ time }) => time)).toEqual([0.002, 0.022]);
  });

  test('names classes by their index if the file has no labels for them', () => {
    expect(keywords(scoreNetwork({ labels: ['only one'] })).labels).toEqual(['0', '1']);
  });
});

describe.skipIf(!hasShared)('keywords of models/spoken-digits', () => {
  const folder = path.join(shared, 'data/spoken-digits');
  const model =
    loadSync(readFileSync(path.resolve(import.meta.dirname, '../../../models/spoken-digits/spoken-digits.klet')));

  test('names each digit of a known speaker once, while or shortly after it is spoken', () => {
    const names = readdirSync(folder).filter((name) => /^\d_jackson_\d\.wav$/.test(name));
    expect(names).toHaveLength(100);
    const spoken: { label: string; start: number; end: number }[] = [];
    const tape: number[] = [];
    // 0.4 s of silence before each word
    for (const name of names) {
      const { samples } = decodeWave(new Uint8Array(readFileSync(path.join(folder, name))));
      tape.push(...new Array<number>(3200).fill(0));
      spoken.push({ label: name[0]!, start: tape.length / 8000, end: (tape.length + samples.length) / 8000 });
      tape.push(...samples);
    }
    const found = keywords(model, { minLevel: -50 }).detect(Float32Array.from(tape));
    const right = spoken.filter(({ label, start, end }) => {
      const near = found.filter(({ time }) => time > start && time < end + 0.3);
      return near.length === 1 && near[0]!.label === label;
    });
    expect(right.length).toBeGreaterThanOrEqual(97);
    expect(found.length).toBeLessThanOrEqual(101);
  });
});
