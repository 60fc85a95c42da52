import { describe, expect, it } from 'vitest';
import { threadedFlavors } from '../helpers/flavors';
import { chain, kinglet, pair, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();
const net = files.write('quadrants.tflite', quadrants('uint8'));
const quick = ['--runs', '20', '--warmup', '2'];

describe('bench', () => {
  it('times every flavor and names the machine', async () => {
    const { code, out, err } = await kinglet('bench', net, ...quick);
    expect([code, err]).toEqual([0, '']);
    for (const text of ['simd', 'scalar', 'median', 'p95', 'GMAC/s', 'Node v', 'first prediction']) {
      expect(out).toContain(text);
    }
    expect(out).not.toContain('records in flavor');
  });

  it('times only the flavor of --flavor', async () => {
    const { out } = await kinglet('bench', net, ...quick, '--flavor', 'scalar');
    expect(out).toMatch(/^scalar /m);
    expect(out).not.toMatch(/^simd /m);
  });

  it('lists the time of every record with --profile', async () => {
    const { out } = await kinglet('bench', files.write('chain.klet', chain(5)), ...quick, '--profile');
    expect(out).toMatch(/records in flavor (relaxed|simd), .* ms in total/);
    for (const name of ['add_0', 'square_1', 'add_4']) expect(out).toContain(name);
  });

  it('prints numbers as JSON with --json', async () => {
    const { code, out } = await kinglet('bench', net, ...quick, '--profile', '--json');
    expect(code).toBe(0);
    const all = JSON.parse(out) as { macs: number; machine: object; flavors: Record<string, number>[];
      profile: { records: { ms: number }[] } };
    expect(all.macs).toBeGreaterThanOrEqual(64);
    expect(all.flavors.map(({ flavor }) => flavor)).toEqual(threadedFlavors);
    for (const { runs, minMs, medianMs, p95Ms, loadMs, firstMs, gmacPerSecond } of all.flavors) {
      expect(runs).toBe(20);
      expect(minMs).toBeLessThanOrEqual(medianMs!);
      expect(medianMs).toBeLessThanOrEqual(p95Ms!);
      for (const value of [loadMs, firstMs, gmacPerSecond]) expect(value).toBeGreaterThan(0);
    }
    expect(all.profile.records.length).toBeGreaterThan(1);
  });

  it('leaves out MACs for a stripped file', async () => {
    const { code, out } = await kinglet(
      'bench',
      files.write('stripped.klet', pair({ debugInfo: false })),
      ...quick,
      '--profile',
    );
    expect(code).toBe(0);
    expect(out).toContain('record 1');
  });
});
