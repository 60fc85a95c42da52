import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, quantizationReport, quantize, type Graph } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { report, watch, type Snapshot } from '../../src/monitor/index';
import { Random } from '../helpers/random';

// quantize() counts the samples of the calibration, and the file carries the counts.

const SIDE = 12;

/** Tells dark images from bright ones, and those with a bright left half. */
function network(): Graph {
  const b = new GraphBuilder('light');
  const weights = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const output = Math.floor(i / (SIDE * SIDE));
    const isLeft = i % SIDE < SIDE / 2;
    return [-4, 4, isLeft ? 8 : -8][output]! / (SIDE * SIDE);
  });
  const bias = b.constant(Float32Array.of(0.8, -0.8, -1), [3]);
  const x = b.input('image', [1, SIDE * SIDE]);
  const scores = b.node('fullyConnected', [x, b.constant(weights, [3, SIDE * SIDE]), bias], { activation: 'none' });
  return b.finish([b.node('softmax', [scores], { beta: 1 }, { name: 'scores' })]);
}

const random = new Random(7);
/** An image of bytes, with light from 0 to 1. */
const image = (light: number): Float32Array =>
  Float32Array.from({ length: SIDE * SIDE }, () => Math.round(255 * light * random.next()) / 255);
const samples = Array.from({ length: 200 }, () => image(random.between(0.6, 1)));

function referenceIn(klet: Uint8Array): Snapshot {
  return loadSync(klet).meta.reference as Snapshot;
}

describe('the reference that quantize() writes', () => {
  const int8 = quantize(network(), { samples });
  const klet = compile(int8);

  test('has the counts of a monitor that sees the samples, and takes a few hundred bytes', () => {
    const reference = referenceIn(klet);
    const monitor = watch(loadSync(klet));
    for (const sample of samples) monitor.predict(sample);
    const [wanted, found] = [report(monitor.snapshot()), report(reference)];
    expect(reference.predictions).toBe(200);
    expect(found.classes).toEqual(wanted.classes);
    expect(found.confidence).toBeCloseTo(wanted.confidence, 1);
    expect(found.inputs.image!.mean).toBeCloseTo(wanted.inputs.image!.mean, 2);
    expect(found.inputs.image!.std).toBeCloseTo(wanted.inputs.image!.std, 2);
    expect(found.inputs.image!.max).toBeCloseTo(wanted.inputs.image!.max!, 2);
    expect(JSON.stringify(reference).length).toBeLessThan(900);
    const { inputs, classes, confidence } = monitor.drift();
    for (const { psi, ks } of [inputs.image!.values, inputs.image!.means, classes, confidence]) {
      expect(psi).toBeLessThan(0.05);
      expect(ks).toBeLessThan(0.05);
    }
  });

  test('shows that a camera has become dark, at once', () => {
    const monitor = watch(loadSync(klet, { flavor: 'js' }));
    for (let i = 0; i < 60; i++) monitor.predict(image(0.1));
    const { inputs, classes } = monitor.drift(monitor.take());
    expect(inputs.image!.values.psi).toBeGreaterThan(1);
    expect(inputs.image!.means.ks).toBe(1);
    expect(classes.psi).toBeGreaterThan(1);
  });

  test('has bins of real numbers if the inputs stay float32', () => {
    const floats = compile(quantize(network(), { samples, floatIo: true }));
    const monitor = watch(loadSync(floats));
    for (const sample of samples) monitor.predict(sample);
    expect(monitor.drift().inputs.image!.values.ks).toBeLessThan(0.05);
    expect(Object.keys(referenceIn(floats).inputs.image!.bins).map(Number).every((bin) => bin <= 21)).toBe(true);
  });

  test('comes from generators and reports too, and gives way to an entry of META', () => {
    const given = (function*() {
      yield* samples;
    })();
    expect(referenceIn(compile(quantize(network(), { samples: given })))).toEqual(referenceIn(klet));
    expect(referenceIn(compile(quantizationReport(network(), { samples }).graph))).toEqual(referenceIn(klet));
    const own = { version: 1, note: 'of the first week' };
    expect(referenceIn(compile(int8, { meta: { reference: own } }))).toEqual(own);
    expect(loadSync(compile(network())).meta).not.toHaveProperty('reference');
  });

  test('is refused if it is no snapshot', () => {
    const damaged = watch(loadSync(compile(int8, { meta: { reference: { version: 1, inputs: {} } } })));
    expect(() => damaged.drift()).toThrow(/^the reference is not a snapshot of version 1; pass what snapshot\(\)/);
  });

  test('is missed by name', () => {
    const monitor = watch(loadSync(compile(network())));
    expect(() => monitor.drift()).toThrow(/has no reference to compare with; quantize\(\)/);
  });
});
