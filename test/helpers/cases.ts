import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { bytesOfArray } from './gcc';
import type { TensorData } from '../../src/graph/graph';

// Networks of the operators' tests with the outputs that were found right, for engines that cannot
// run the tests themselves. test/matrix/operators.mjs reads them.

/** A folder, which each process adds a file to. */
const folder = process.env.KINGLET_CASES;

/**
 * Appends a case, if cases are recorded: its length, then the .klet file, the name and the values
 * of each input, and the outputs in order. A u32 length precedes each part.
 */
export function recordCase(klet: Uint8Array, inputs: Record<string, TensorData>, outputs: readonly TensorData[]): void {
  if (folder === undefined) return;
  const parts = [klet, ...Object.entries(inputs).flatMap(([name, values]) => [Buffer.from(name), bytesOfArray(values)]),
    ...outputs.map(bytesOfArray)];
  const lengthOf = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
  const body = Buffer.concat(parts.flatMap((part) => [lengthOf(part.length), part]));
  appendFileSync(path.join(folder, `${process.pid}.cases`), Buffer.concat([lengthOf(body.length), body]));
}
