import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { load, type TensorInfo } from '../../src/index';
import { durationBin, quantileOf, RELATIVE_ERROR } from '../../src/monitor/counts';
import { distanceOf, drift, merge, report, toOtlp, toPrometheus, watch, type Counts, type Monitor,
  type Snapshot } from '../../src/monitor/index';

/** A parser of the text format of Prometheus, and the protocol of OpenTelemetry, without types. */
const require = createRequire(import.meta.url);
const parsePrometheus = require('parse-prometheus-text-format') as (
  text: string,
) => { name: string; type: string; metrics: object[] }[];
interface Message {
  fromObject(json: object): object;
  verify(message: object): string | null;
  toObject(message: object, options: object): object;
}
const otlpProtocol = require('@opentelemetry/otlp-transformer/build/src/generated/root.js') as {
  opentelemetry: { proto: { collector: { metrics: { v1: { ExportMetricsServiceRequest: Message } } } } };
};

const root = path.resolve(import.meta.dirname, '../..');
const image: TensorInfo = { name: 'image', dtype: 'int8', shape: [4], scale: 1 / 255, zeroPoint: -128 };
const scores: TensorInfo = { name: 'scores', dtype: 'float32', shape: [3] };

/** A monitor of a model that is never run. */
function monitorOf(inputs: TensorInfo[] = [image]): Monitor {
  return watch({ inputs, outputs: [scores], predict: () => new Float32Array([0.2, 0.7, 0.1]) as never });
}

/** What is observed: pixels, scores and milliseconds. */
const observation = fc.record({
  // multiples of 1/256, whose sums are exact in any order
  pixels: fc.array(fc.integer({ min: -300, max: 600 }).map((x) => x / 256), { minLength: 4, maxLength: 4 }),
  scores: fc.array(fc.integer({ min: 0, max: 64 }).map((x) => x / 64), { minLength: 3, maxLength: 3 }),
  ms: fc.integer({ min: 1, max: 1_000_000 }).map((x) => x / 64),
});

function seenOf(list: { pixels: number[]; scores: number[]; ms: number }[]): Snapshot {
  const monitor = monitorOf();
  for (const { pixels, scores: values, ms } of list) monitor.observe(pixels, values, ms);
  return monitor.snapshot();
}

describe('a snapshot', () => {
  test('of two streams merges to that of both, in any order', () => {
    fc.assert(fc.property(fc.array(observation), fc.array(observation), (a, b) => {
      const both = seenOf([...a, ...b]);
      expect(merge(seenOf(a), seenOf(b))).toEqual(both);
      expect(merge(seenOf(b), seenOf(a))).toEqual(both);
      expect(merge(JSON.parse(JSON.stringify(seenOf(a))) as Snapshot, seenOf(b))).toEqual(both);
    }));
  });

  test('has counts, sums and extremes only, and bounded memory', () => {
    const allowed = ['version', 'predictions', 'latency', 'milliseconds', 'classes', 'confidence', 'inputs', 'values',
      'sum', 'squares', 'min', 'max', 'outside', 'bins', 'means', 'image', 'other'];
    const monitor = monitorOf([image, { name: 'other', dtype: 'float32', shape: [1000] }]);
    let random = 1;
    const next = (): number => (random = (random * 16807) % 2147483647) / 2147483647;
    for (let i = 0; i < 3000; i++) {
      const other = Float32Array.from({ length: 1000 }, () => (next() - 0.5) * 10 ** (20 * next() - 10));
      monitor.observe(
        { image: [next(), next(), 2 * next(), -next()], other },
        [next(), next(), next()],
        10 ** (12 * next() - 6),
      );
    }
    const walk = (value: unknown): number => {
      if (value === null || typeof value === 'number') return 1;
      expect(typeof value).toBe('object');
      expect(Array.isArray(value) || ArrayBuffer.isView(value)).toBe(false);
      return Object.entries(value as object).reduce((sum, [key, child]) => {
        if (!/^-?\d+$/.test(key)) expect(allowed).toContain(key);
        return sum + walk(child);
      }, 0);
    };
    expect(walk(monitor.snapshot())).toBeLessThan(36 * 32 + 20 + 3 + 2 * (32 + 83 + 20));
    // the monitor itself holds the snapshot, the model and the ranges of its inputs
    const held = Object.values(monitor as object).filter((value) => typeof value === 'object');
    expect(held).toHaveLength(3);
    expect(JSON.stringify(held.filter((value) => 'predictions' in (value as object))))
      .toBe(JSON.stringify([monitor.snapshot()]));
  });

  test('is a window: take forgets it', () => {
    const monitor = monitorOf();
    monitor.observe([0, 0, 0, 0], [1, 0, 0], 5);
    expect(monitor.take().predictions).toBe(1);
    expect(monitor.snapshot()).toEqual(seenOf([]));
  });
});

describe('quantiles of durations', () => {
  test('are within the stated relative error', () => {
    fc.assert(fc.property(
      fc.array(fc.double({ min: 1e-4, max: 4e6, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (durations, quantile) => {
        const counts: Counts = {};
        for (const ms of durations) counts[durationBin(ms)] = (counts[durationBin(ms)] ?? 0) + 1;
        const exact = [...durations].sort((a, b) => a - b)[Math.max(1, Math.ceil(quantile * durations.length)) - 1]!;
        expect(Math.abs(quantileOf(counts, quantile) - exact) / exact).toBeLessThanOrEqual(RELATIVE_ERROR);
      },
    ));
  });

  test('count too short and too long ones at the ends', () => {
    expect([durationBin(0), durationBin(Infinity)]).toEqual([-449, 703]);
  });
});

describe('report', () => {
  test('gives mean, deviation, extremes and the part that quantization clamps', () => {
    const monitor = monitorOf();
    monitor.observe([0, 0.5, 1, 2.5], [0.1, 0.8, 0.1], 4);
    monitor.observe([-1, 0.5, 1, 0.5], [0.9, 0.1, 0], 8);
    const { predictions, latency, classes, confidence, inputs } = report(monitor.snapshot());
    expect([predictions, latency.mean]).toEqual([2, 6]);
    expect(Math.abs(latency.p50 - 4) / 4).toBeLessThan(RELATIVE_ERROR);
    expect(Math.abs(latency.p99 - 8) / 8).toBeLessThan(RELATIVE_ERROR);
    expect(classes).toEqual({ 0: 0.5, 1: 0.5 });
    expect(confidence).toBeCloseTo(0.85, 1);
    expect(inputs.image).toMatchObject({ mean: 0.625, min: -1, max: 2.5, outside: 0.25 });
    expect(inputs.image!.std).toBeCloseTo(0.9270, 3);
  });

  test('reads raw int8 values as the real numbers that they stand for', () => {
    const [real, raw] = [monitorOf(), monitorOf()];
    real.observe(new Float32Array([0, 1, 0.2, 0.6]), [1, 0, 0], 1);
    raw.observe(new Int8Array([-128, 127, -77, 25]), [1, 0, 0], 1);
    const [a, b] = [real, raw].map((monitor) => monitor.snapshot().inputs.image!);
    expect(b!.bins).toEqual(a!.bins);
    expect(b!.sum).toBeCloseTo(a!.sum, 6);
  });
});

describe('what is no snapshot', () => {
  const good = monitorOf().snapshot();
  const broken = [undefined, null, [], {}, { ...good, version: 2 }, { ...good, classes: [1] }, {
    ...good,
    inputs: { x: 1 },
  }, { ...good, latency: { 0: 'many' } }, { ...good, predictions: Number.NaN }];

  test.each(broken)('is refused by name (%#)', (value) => {
    const snapshot = value as Snapshot;
    const refusal = expect.objectContaining({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('is not a snapshot of version 1') as string,
    }) as Error;
    for (const call of [() => report(snapshot), () => toPrometheus(snapshot), () => toOtlp(snapshot), () =>
      merge(good, snapshot), () => merge(snapshot, good), () => drift(good, snapshot), () =>
      drift(snapshot, good)])
    {
      expect(call).toThrow(refusal);
    }
  });
});

describe('drift', () => {
  test('is 0 for the same distribution, symmetric, and never negative', () => {
    const counts = fc.dictionary(fc.integer({ min: 0, max: 9 }).map(String), fc.integer({ min: 1, max: 99 }), {
      minKeys: 1,
    });
    fc.assert(fc.property(counts, counts, (a, b) => {
      const [there, back] = [distanceOf(a, b), distanceOf(b, a)];
      expect(distanceOf(a, a)).toEqual({ psi: 0, ks: 0 });
      expect(there.psi).toBeCloseTo(back.psi, 9);
      expect(there.ks).toBeCloseTo(back.ks, 9);
      expect(there.psi).toBeGreaterThanOrEqual(0);
      expect(there.ks).toBeGreaterThanOrEqual(0);
      expect(there.ks).toBeLessThanOrEqual(1 + 1e-12);
    }));
  });

  test('has the values of a calculation by hand', () => {
    const { psi, ks } = distanceOf({ 0: 50, 1: 30, 2: 20 }, { 0: 2, 1: 3, 2: 5 });
    const byHand = (0.2 - 0.5) * Math.log(0.2 / 0.5) + (0.5 - 0.2) * Math.log(0.5 / 0.2);
    expect(psi).toBeCloseTo(byHand, 12);
    expect(ks).toBeCloseTo(0.3, 12);
  });

  test('finds a dark camera', () => {
    const text = execFileSync(process.execPath, [path.join(root, 'examples/monitor/dark.mjs')], { encoding: 'utf8' });
    const lines = text.trim().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines.map((line) => line.includes('ALARM'))).toEqual([false, false, false, true, true]);
    expect(lines[0]).toMatch(/^window 1: brightness 0\.\d+, KS \d\.\d+, all is well$/);
  });
});

describe('exports', () => {
  /** Two predictions, the labels with what must be escaped. */
  function sample(): Snapshot {
    const monitor = monitorOf();
    monitor.observe([0, 0.5, 1, 2.5], [0.1, 0.8, 0.1], 4);
    monitor.observe([0, 0.5, 1, 0.5], [0.9, 0.1, 0], 6);
    return monitor.snapshot();
  }
  const labels = ['quo"te', 'back\\slash\n'];

  test('Prometheus: another program reads the text, and buckets are cumulative', () => {
    const text = toPrometheus(sample(), labels);
    const families = new Map(parsePrometheus(text).map((family) => [family.name, family]));
    expect([...families.keys()])
      .toEqual(['latency_seconds', 'predictions_total', 'input_mean', 'input_std', 'input_min', 'input_max',
        'input_outside'].map((name) => `kinglet_${name}`));
    const latency = families.get('kinglet_latency_seconds')!;
    const [histogram] = latency.metrics as { buckets: Record<string, string>; count: string; sum: string }[];
    expect([latency.type, histogram!.count, histogram!.sum]).toEqual(['HISTOGRAM', '2', '0.01']);
    const { '+Inf': all, ...ends } = histogram!.buckets;
    expect(Object.keys(ends).map(Number)).toEqual(Array.from({ length: 21 }, (_, i) => 2 ** (i - 6) / 1000));
    expect(Object.values(ends)).toEqual([...Array<string>(8).fill('0'), '1', ...Array<string>(12).fill('2')]);
    expect(all).toBe('2');
    expect(families.get('kinglet_predictions_total')).toMatchObject({
      type: 'COUNTER',
      metrics: labels.map((label) => ({ value: '1', labels: { class: label } })),
    });
    expect(families.get('kinglet_input_outside')).toMatchObject({
      type: 'GAUGE',
      metrics: [{ value: '0.125', labels: { input: 'image' } }],
    });
  });

  test('Prometheus: all snapshots have the same buckets, which it adds', () => {
    const endsOf = (snapshot: Snapshot): (string | undefined)[] =>
      [...toPrometheus(snapshot).matchAll(/le="([^"]+)"/g)].map(([, end]) => end);
    const slow = monitorOf();
    slow.observe([0, 0, 0, 0], [1, 0, 0], 90_000);
    expect(endsOf(slow.snapshot())).toEqual(endsOf(sample()));
    expect(toPrometheus(slow.snapshot())).toContain('le="16.384"} 0\nkinglet_latency_seconds_bucket{le="+Inf"} 1\n');
  });

  test('OpenTelemetry: is a message of the protocol, with the buckets of scale 5', () => {
    const otlp = toOtlp(sample(), { labels, resource: { 'service.name': 'door' }, start: 1000, now: 2000 });
    const { ExportMetricsServiceRequest } = otlpProtocol.opentelemetry.proto.collector.metrics.v1;
    const message = ExportMetricsServiceRequest.fromObject(otlp);
    expect(ExportMetricsServiceRequest.verify(message)).toBeNull();
    // what the protocol does not know would be missing
    expect(ExportMetricsServiceRequest.toObject(message, { longs: String })).toEqual(otlp);
    const text = JSON.stringify(otlp);
    expect(text).toContain('"startTimeUnixNano":"1000000000","timeUnixNano":"2000000000"');
    // 4 ms is the upper end of bucket 63, and 6 ms in bucket ⌈32·log2 6⌉ − 1 = 82
    expect(text)
      .toContain(`"scale":5,"zeroCount":"0","positive":{"offset":63,"bucketCounts":["1",${'"0",'.repeat(18)}"1"]}`);
    expect(text).toContain('"asInt":"1"');
  });

  test('are empty, not wrong, before the first prediction', () => {
    const empty = monitorOf().snapshot();
    expect(toPrometheus(empty)).toContain('kinglet_latency_seconds_count 0');
    expect(JSON.stringify(toOtlp(empty))).not.toMatch(/NaN|null/);
    expect(drift(empty, empty).classes).toEqual({ psi: NaN, ks: NaN });
  });
});

test('watch gives the answers of the model, counts them, and not those that throw', async () => {
  const model = await load(new Uint8Array(readFileSync(path.join(root, 'models/digits/digits.klet'))));
  const monitor = watch(model);
  const input = new Float32Array(784).fill(0.5);
  expect(monitor.predict(input)).toEqual(model.predict(input));
  expect(() => monitor.predict(new Float32Array(3))).toThrow(/784 values/);
  const { predictions, inputs } = report(monitor.snapshot());
  expect(predictions).toBe(1);
  expect(inputs.image).toMatchObject({ mean: 0.5, std: 0, outside: 0 });
  expect(() => watch(undefined as never)).toThrow(/takes a loaded model/);
});
