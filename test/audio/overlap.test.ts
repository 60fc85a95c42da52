import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createOverlapAdd, createSpectrum } from '../../src/audio/index';
import { anySound } from './settings';

const refusal = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

const evenSize = fc.integer({ min: 1, max: 40 }).map((half) => 2 * half);

describe('createSpectrum', () => {
  test('gives the discrete Fourier transform of a frame, and the frame of a spectrum', () => {
    fc.assert(fc.property(evenSize, fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })), (size, stream) => {
      const frame = Float64Array.from({ length: size }, () => stream.next().value as number);
      const spectrum = createSpectrum(size);
      spectrum.forward(frame);
      for (let k = 0; k <= size / 2; k++) {
        let re = 0;
        let im = 0;
        frame.forEach((x, t) => {
          re += x * Math.cos((2 * Math.PI * ((k * t) % size)) / size);
          im -= x * Math.sin((2 * Math.PI * ((k * t) % size)) / size);
        });
        expect(Math.abs(spectrum.re[k]! - re)).toBeLessThan(1e-12);
        expect(Math.abs(spectrum.im[k]! - im)).toBeLessThan(1e-12);
      }
      const back = new Float64Array(size);
      spectrum.inverse(back);
      back.forEach((x, t) => expect(Math.abs(x - frame[t]!)).toBeLessThan(1e-13));
    }));
  });

  test('inverse ignores imaginary parts at 0 Hz and half the sample rate', () => {
    const spectrum = createSpectrum(4);
    spectrum.re[1] = 2;
    spectrum.im[0] = spectrum.im[2] = 5;
    const frame = new Float64Array(4);
    spectrum.inverse(frame);
    expect([...frame].map((x) => +x.toFixed(12))).toEqual([1, 0, -1, 0]);
  });

  test('refuses sizes and frames that do not fit', () => {
    for (const size of [0, 3, -2, 65538, NaN, '8']) {
      expect(() => createSpectrum(size as number)).toThrow(refusal('BAD_ARGUMENT', 'an even number of samples'));
    }
    expect(() => createSpectrum(4).forward(new Float32Array(4) as never))
      .toThrow(refusal('TYPE_MISMATCH', 'Float64Array'));
    expect(() => createSpectrum(4).inverse(new Float64Array(5)))
      .toThrow(refusal('SHAPE_MISMATCH', '5 samples; expected 4'));
  });
});

describe('createOverlapAdd', () => {
  const anySettings = fc.record({
    frameLength: evenSize,
    part: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
    window: fc.constantFrom('hann', 'sqrt-hann', 'vorbis', 'rectangular'),
  }).map(({ frameLength, part, window }) => ({ frameLength, hop: Math.max(1, Math.floor(frameLength * part)), window }))
    .filter(({ frameLength }) => frameLength > 2);

  test('gives the signal back, delayed by latency samples, in pieces of any length', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 5 }).filter((list) =>
      list.some((length) => length > 0)
    );
    fc.assert(fc.property(anySettings, anySound, cuts, (settings, sound, lengths) => {
      const frames = createOverlapAdd(settings);
      const out: number[] = [];
      for (let at = 0, i = 0; at < sound.length; at += lengths[i++ % lengths.length]!) {
        const piece = frames.push(sound.subarray(at, at + lengths[i % lengths.length]!), () => undefined);
        expect(piece.length % settings.hop).toBe(0);
        out.push(...piece);
      }
      out.push(...frames.end(() => undefined));
      expect(out).toHaveLength(sound.length + frames.latency);
      out.forEach((x, i) => expect(Math.abs(x - (sound[i - frames.latency] ?? 0))).toBeLessThan(1.2e-7));
    }));
  });

  test('with "sum", adds frames as they are', () => {
    const frames = createOverlapAdd({ frameLength: 8, hop: 2, window: 'rectangular', overlap: 'sum' });
    const sound = Float32Array.of(1, 2, 3, 4, 5, 6);
    const all = [...frames.push(sound, () => undefined), ...frames.end(() => undefined)];
    expect(all).toEqual([0, 0, 0, 0, 0, 0, ...[...sound].map((x) => 4 * x)]);
  });

  test('windows a frame before it changes and again after that', () => {
    const seen: number[][] = [];
    const frames = createOverlapAdd({ frameLength: 4, hop: 2, window: 'hann' });
    const out = frames.push(Float32Array.of(1, 1, 1, 1), (frame) => {
      seen.push([...frame]);
      frame.fill(1);
    });
    // hann 0 ½ 1 ½
    expect(seen)
      .toEqual([[0, 0, 1, 0.5], [0, 0.5, 1, 0.5]].map((row) => row.map((x): unknown => expect.closeTo(x, 12))));
    // Σ w² is 1 at even samples and ½ at odd ones; the frames add 0 + 1 and ½ + ½
    expect([...out]).toEqual([0, 1, 1, 2]);
  });

  test('refuses settings that leave out samples, or are out of range', () => {
    const make = (settings: object) => () => createOverlapAdd({ frameLength: 8, hop: 4, ...settings });
    expect(make({ hop: 8, window: 'hann' }))
      .toThrow(refusal('BAD_ARGUMENT', 'do not overlap enough for the window "hann"'));
    expect(make({ hop: 8, window: 'rectangular' })).not.toThrow();
    expect(make({ hop: 9 })).toThrow(refusal('BAD_ARGUMENT', 'from 1 to 8, not 9'));
    expect(make({ frameLength: 7 })).toThrow(refusal('BAD_ARGUMENT', 'even number'));
    expect(make({ window: 'kaiser' })).toThrow(refusal('BAD_ARGUMENT', 'is one of hann, sqrt-hann'));
    expect(make({ overlap: 'add' })).toThrow(refusal('BAD_ARGUMENT', 'normalized, sum'));
    const frames = createOverlapAdd({ frameLength: 4, hop: 2 });
    expect(() => frames.push(Float32Array.of(0, Infinity), () => undefined))
      .toThrow(refusal('NOT_A_NUMBER', 'sample 1'));
  });
});
