import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAudioStream } from '../../../src/audio/index';
import { detectSound, type DetectSoundOptions, type SoundEvent } from '../../../src/tasks/sound/index';
import { HOP, pieces, RATE, samplesOf, scoreNetwork } from './networks';

const refusal = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

const score = fc.integer({ min: 0, max: 8 }).map((n) => n / 8);
const anyScores = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), score, score), { maxLength: 25 }).map((list) =>
  list.flatMap(([length, a, b]) => new Array<[number, number]>(length).fill([a, b]))
);
const cuts = fc.array(fc.integer({ min: 1, max: 35 }), { minLength: 1, maxLength: 5 });

interface Rules {
  size: number;
  filter: 'median' | 'mean';
  onset: number;
  offset: number;
  /** Outputs. */
  minGap: number;
  minLength: number;
}

/** Segments [start, end, peak] in outputs, from the whole sequence. */
function reference(values: number[], rules: Rules): [number, number, number][] {
  const reach = (rules.size - 1) / 2;
  const smooth = values.map((_, k) => {
    const window = values.slice(Math.max(0, k - reach), k + reach + 1).sort((a, b) => a - b);
    if (rules.filter === 'mean') return window.reduce((sum, v) => sum + v, 0) / window.length;
    return (window[Math.ceil(window.length / 2) - 1]! + window[Math.floor(window.length / 2)]!) / 2;
  });
  const runs: [number, number, number][] = [];
  smooth.forEach((value, k) => {
    if (value < rules.offset) return;
    const last = runs.at(-1);
    if (last?.[1] === k) runs[runs.length - 1] = [last[0], k + 1, Math.max(last[2], value)];
    else runs.push([k, k + 1, value]);
  });
  const joined: [number, number, number][] = [];
  for (const run of runs.filter(([, , peak]) => peak >= rules.onset)) {
    const last = joined.at(-1);
    if (last && run[0] - last[1] < rules.minGap) {
      joined[joined.length - 1] = [last[0], run[1], Math.max(last[2], run[2])];
    } else {
      joined.push(run);
    }
  }
  return joined.filter(([start, end]) => end - start >= rules.minLength);
}

function inPieces(
  samples: Float32Array<ArrayBuffer>,
  lengths: number[],
  network: Parameters<typeof scoreNetwork>[0],
  options: DetectSoundOptions,
): SoundEvent[] {
  const detector = detectSound(scoreNetwork(network), options);
  const found: SoundEvent[] = [];
  for (const piece of pieces(samples, lengths)) detector.push(piece, (event) => found.push(event));
  detector.end((event) => found.push(event));
  return found;
}

const byStart = (a: SoundEvent, b: SoundEvent): number => a.start - b.start || a.label.localeCompare(b.label);

describe('detectSound', () => {
  test('follows its rules, in pieces of any length', () => {
    const options = fc.record({
      smoothing: fc.constantFrom(0, 0.03, 0.05),
      filter: fc.constantFrom('median', 'mean'),
      onset: fc.constantFrom(0.5, 0.75),
      offset: fc.constantFrom(0.25, 0.5),
      minGap: fc.constantFrom(0, 0.02, 0.035, 0.06),
      minDuration: fc.constantFrom(0, 0.03, 0.045),
    });
    fc.assert(fc.property(
      anyScores,
      cuts,
      options,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 2 }),
      (scores, lengths, given, frames, every) => {
        const outputs = scores.filter((_, f) => f >= frames - 1 && (f - frames + 1) % every === 0);
        const step = every * HOP / RATE;
        // the middle of the frames of output 0: (frames − 1) · HOP + 2 samples from the first on
        const middle = ((frames - 1) * HOP + 2) / 2 / RATE;
        const rules = {
          ...given,
          size: 2 * Math.floor(Math.max(1, Math.round(given.smoothing / step)) / 2) + 1,
          minGap: given.minGap / step - 1e-9,
          minLength: given.minDuration / step - 1e-9,
        };
        const expected = ['a', 'b'].flatMap((label, i) =>
          reference(outputs.map((row) => row[i]!), rules).map(([start, end, confidence]) => ({
            label,
            start: Math.max(0, middle + (start - 0.5) * step),
            end: middle + (end - 0.5) * step,
            confidence,
          }))
        ).sort(byStart);
        const found = inPieces(samplesOf(scores), lengths, { frames }, { ...given, every });
        expect(found.sort(byStart).map(rounded)).toEqual(expected.map(rounded));
        const whole = detectSound(scoreNetwork({ frames }), { ...given, every }).detect(samplesOf(scores));
        expect(whole.map(({ start }) => start)).toEqual(found.map(({ start }) => start));
        expect(whole.sort(byStart)).toEqual(found);
      },
    ));
  });

  const rounded = ({ label, start, end, confidence }: SoundEvent): SoundEvent => ({
    label,
    start: +start.toFixed(6),
    end: +end.toFixed(6),
    confidence: +confidence.toFixed(6),
  });

  test('reports an event as soon as no later sound can continue it', () => {
    const detector = detectSound(scoreNetwork(), { minGap: 0.03 });
    const ended: number[] = [];
    const scores = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0].map((a): [number, number] => [a, 0]);
    scores.forEach((row, f) => detector.push(samplesOf([row]), () => ended.push(f)));
    // the gap of 2 outputs is closed; after the third silent output (8) no sound can join the event
    expect(ended).toEqual([8]);
  });

  test('finishes events at the end of a recording, and forgets them at a reset', () => {
    const detector = detectSound(scoreNetwork());
    const samples = samplesOf([[0, 0], [1, 0], [1, 0]]);
    const events = detector.detect(samples);
    expect(events).toEqual([{ label: 'a', start: 0.006, end: 0.026, confidence: 1 }]);
    detector.push(samples, () => expect.unreachable());
    detector.reset();
    expect(detector.detect(new Float32Array(40))).toEqual([]);
    expect(detector.detect(samples)).toEqual(events);
  });

  test('take() takes the scores of other streams', () => {
    const model = scoreNetwork();
    const samples = samplesOf([[0, 1], [1, 0], [1, 0], [0, 1], [0, 0]]);
    const detector = detectSound(model);
    const found: SoundEvent[] = [];
    const keep = (event: SoundEvent): number => found.push(event);
    createAudioStream(model).push(samples, (scores, frame) => detector.take(scores, frame, keep));
    detector.end(keep);
    expect(found.sort(byStart)).toEqual(detectSound(model).detect(samples));
    expect(found).toHaveLength(3);
  });

  test('leaves out the background, and has thresholds by class', () => {
    const samples = samplesOf([[0.5, 0.5], [0, 0], [0.75, 0.75], [0, 0]]);
    const find = (labels: string[], options = {}): string[] =>
      detectSound(scoreNetwork({ labels }), options).detect(samples).map(({ label, start }) => `${label} ${start}`);
    expect(find(['a', 'noise'])).toEqual(['a 0', 'a 0.016']);
    expect(find(['a', 'noise'], { background: ['a'] })).toEqual(['noise 0', 'noise 0.016']);
    expect(find(['a', 'b'], { onset: { b: 0.75 } })).toEqual(['a 0', 'a 0.016', 'b 0.016']);
  });

  test('takes options from the task in the file', () => {
    const model = scoreNetwork({ task: { kind: 'detectSound', onset: 0.9 } });
    expect(detectSound(model).detect(samplesOf([[0.8, 0]]))).toEqual([]);
    expect(detectSound(model, { onset: 0.8 }).detect(samplesOf([[0.8125, 0]]))).toHaveLength(1);
  });

  test('refuses options out of range', () => {
    const make = (options: object) => () => detectSound(scoreNetwork(), options);
    expect(make({ filter: 'max' })).toThrow(refusal('BAD_ARGUMENT', 'is one of median, mean'));
    expect(make({ minGap: -0.1 })).toThrow(refusal('BAD_ARGUMENT', '"minGap" takes seconds'));
    expect(make({ onset: { c: 1 } })).toThrow(refusal('BAD_ARGUMENT', 'names "c"'));
    const detector = detectSound(scoreNetwork());
    expect(() => detector.push(['1'] as never, () => undefined)).toThrow(refusal('TYPE_MISMATCH', 'Float32Array'));
    expect(() => detector.take(new Float32Array(1), 0, () => undefined)).toThrow(refusal('SHAPE_MISMATCH', '1 scores'));
  });
});
