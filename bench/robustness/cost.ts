import { loadSync, type Flavor } from '../../src/index';
import { encodeWeights } from '../../src/compiler/entropy';
import { codedZeros, convolution, enlargement, fileOf, repeated, roomFor } from '../../test/robustness/costly';

// Times of load for small files that ask for much, as processor time.

const MIB = 2 ** 20;
const ENTRIES = 1_300_000;

/** 16 MiB of weights, almost all of them zeros, in a kilobyte. */
function skewed(): Uint8Array {
  const weights = new Uint8Array(16 * MIB);
  weights[77] = 1;
  return encodeWeights(weights, [{ offset: 0, quads: weights.length / 4, lanes: 1 }]);
}

function files(): [name: string, file: Uint8Array][] {
  const table = { weights: codedZeros(12 * ENTRIES), coded: true, arenaBytes: ENTRIES + 64 };
  const room = roomFor(4096, 4096);
  return [['nothing', fileOf({})], ['coded zeros', fileOf({ weights: codedZeros(16 * MIB, 8), coded: true })], [
    'coded, almost zero',
    fileOf({ weights: skewed(), coded: true }),
  ], ['1,000 records share a table', fileOf({ plan: repeated(enlargement(ENTRIES), 1000), ...table }, true)], [
    'a million records',
    fileOf({ plan: repeated(enlargement(1), 1e6), weights: new Uint8Array(64) }, true),
  ], ['1,000 records share weights', fileOf({ plan: repeated(convolution(4096, 4096), 1000), ...room })], [
    'an arena of 1 GiB',
    fileOf({ arenaBytes: 2 ** 30 - 65536 }),
  ]];
}

/** One line for each file and flavor. */
export function costTable(): string[] {
  const lines: string[] = [];
  const all = files();
  for (const flavor of ['simd', 'scalar', 'js'] satisfies Flavor[]) {
    for (const [name, file] of all) {
      const start = process.cpuUsage();
      loadSync(file, { flavor }).dispose();
      const { user, system } = process.cpuUsage(start);
      const ms = Math.round((user + system) / 1000);
      lines.push(`${flavor.padEnd(7)} ${name.padEnd(28)} ${String(file.length).padStart(9)} bytes ${ms} ms`);
    }
  }
  return lines;
}
