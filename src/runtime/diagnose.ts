import { show } from '../arguments';
import { KletError } from '../errors';
import { debugInfoOf } from '../format/debugInfo';
import { now } from './clock';
import type { Engine } from './engine';
import type { Inputs, ProfileEntry } from './types';

// The diagnostics of `Model`: golden cases, and the time of each record.

/** Upper limit, because `profile` stores every measured time until it returns. */
const MAX_RUNS = 100_000;

/** Runs the golden cases of the file. @returns their number */
export function selfTest(engine: Engine): number {
  engine.alive();
  const golden = engine.readGolden();
  if (!golden) return 0;
  const ports = [...engine.inputPorts, ...engine.outputPorts];
  const caseBytes = ports.reduce((sum, port) => sum + port.bytes().length, 0);
  if (golden.length % caseBytes !== 0) {
    throw new KletError('CORRUPT', `the golden section has ${golden.length} bytes, not a multiple of ${caseBytes}`);
  }
  const count = golden.length / caseBytes;
  for (let index = 0; index < count; index++) {
    testCase(engine, golden.subarray(index * caseBytes, (index + 1) * caseBytes), index);
  }
  return count;
}

function testCase(engine: Engine, golden: Uint8Array, index: number): void {
  let at = 0;
  do {
    at = 0;
    engine.forget();
    for (const port of engine.inputPorts) {
      const bytes = port.bytes();
      bytes.set(golden.subarray(at, at + bytes.length));
      at += bytes.length;
    }
  } while (!engine.runAll());
  for (const port of engine.outputPorts) {
    const bytes = port.bytes();
    const different = bytes.findIndex((byte, i) => byte !== golden[at + i]);
    if (different >= 0) {
      throw new KletError(
        'SELF_TEST_FAILED',
        `golden case ${index}: output "${port.info.name}" differs first at byte ${different} ` +
          `(expected ${golden[at + different]}, found ${bytes[different]}) in flavor ${engine.info.flavor}`,
      );
    }
    at += bytes.length;
  }
}

/** Runs once and returns copies of the input and output bytes, which make one golden case. */
export function record(engine: Engine, inputs: Inputs): Uint8Array[] {
  const values = engine.read(inputs);
  let given: Uint8Array[];
  do {
    engine.write(values);
    given = engine.inputPorts.map((port) => port.bytes().slice());
  } while (!engine.runAll());
  return [...given, ...engine.outputPorts.map((port) => port.bytes().slice())];
}

/** Measures the run time of each record, as the median of `runs` runs. */
export function profile(engine: Engine, inputs: Inputs | undefined, runs: number): ProfileEntry[] {
  engine.alive();
  if (!(Number.isInteger(runs) && runs > 0 && runs <= MAX_RUNS)) {
    throw new KletError('BAD_ARGUMENT', `runs must be an integer above 0 and at most ${MAX_RUNS}, not ${show(runs)}`);
  }
  const { records } = engine;
  const given = inputs === undefined ? undefined : engine.read(inputs);
  const times = records.map(() => new Float64Array(runs));
  for (let run = 0; run < runs;) {
    if (given !== undefined) engine.write(given);
    engine.activate();
    const whole = records.every((from, i) => {
      const start = now();
      const done = engine.run(from, records[i + 1] ?? engine.planBytes);
      times[i]![run] = now() - start;
      return done;
    });
    if (whole) run++;
  }
  const debugInfo = debugInfoOf(engine);
  return times.map((samples, index) => {
    const record = debugInfo?.records[index];
    return {
      index,
      name: record?.name ?? `record ${index}`,
      op: record?.op ?? '',
      ms: samples.sort()[runs >> 1]!,
      ...(record && { macs: record.macs }),
    };
  });
}
