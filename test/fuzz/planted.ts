import { KletError } from '../../src/index';
import { Failure, Meter, judgeError } from './oracles';
import type { Target } from './target';

// Targets with a defect, which the oracles and the watchdog must find. An input of them is harmless
// unless it holds a byte of 255.

function planted(name: string, defect: (bytes: Uint8Array) => void, maxSeconds = 0.5): Target {
  return {
    name: `planted ${name}`,
    about: `has a defect: ${name}`,
    seeds: () => [new Uint8Array(64)],
    make(random, pick) {
      const base = pick();
      const bytes = base.slice();
      for (let n = 8; n > 0; n--) bytes[random.int(0, 63)] = random.pick([1, 2, 3, 255]);
      return { base, bytes };
    },
    run(bytes) {
      const meter = new Meter(maxSeconds);
      try {
        if (bytes.includes(255)) defect(bytes);
      } catch (error) {
        return judgeError(error);
      }
      meter.check();
      return 'fine';
    },
  };
}

/** Takes processor time, which on a busy machine is less than what passes. */
const spin = (milliseconds: number): void => {
  const start = process.cpuUsage();
  const used = (): number => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  while (used() < milliseconds);
};
/** Keeps what `memory` takes. */
const kept: Uint8Array[] = [];
/** Takes more memory than the process ever had, because the meter sees no less. */
const hoard = (): void => {
  const unused = process.resourceUsage().maxRSS * 1024 - process.memoryUsage.rss();
  kept.push(new Uint8Array(unused + (128 << 20)).fill(1));
};

export const plantedTargets: readonly Target[] = [planted('wrong error', () => {
  throw new TypeError('x is not a function');
}), planted('unhelpful message', () => {
  throw new KletError('CORRUPT', 'the record [object Object] is wrong');
}), planted('different answers', () => {
  throw new Failure('different answers', 'simd differs from scalar');
}), planted('changed input', (bytes) => bytes.fill(7)), planted('slow', () => spin(1500)),
  planted('hang', () => spin(1e9)), planted('crash', () => process.abort()), planted('memory', hoard, Infinity)];
