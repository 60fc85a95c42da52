// Runs the cases that tests recorded (test/helpers/cases.ts) on this engine, and compares the
// outputs bit by bit; two NaNs are equal. Arguments: the folder of the cases, a flavor, and which
// share of the cases runs (one in so many).
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { loadSync, type Flavor } from '../../src/index';
import { views } from '../../src/runtime/tensor';

/** Differences that are printed; the others are counted. */
const PRINTED = 10;

const [folder = '', flavor, share] = process.argv.slice(2);
let cases = 0;
let wrong = 0;
for (const file of readdirSync(folder).sort()) {
  partsOf(readFileSync(path.join(folder, file))).forEach((recorded, i) => {
    if (i % Number(share) !== 0) return;
    cases++;
    const difference = differenceOf(recorded);
    if (difference === undefined) return;
    wrong++;
    if (wrong <= PRINTED) console.log(`${file}, case ${i}: ${difference}`);
  });
}
console.log(`${cases} cases, ${wrong} wrong`);
process.exitCode = wrong > 0 || cases === 0 ? 1 : 0;

/** The parts of bytes in which each part has its length before it. */
function partsOf(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at + 4;
    at = start + bytes.readUInt32LE(at);
    parts.push(bytes.subarray(start, at));
  }
  return parts;
}

function differenceOf(recorded: Buffer): string | undefined {
  const [klet, ...arrays] = partsOf(recorded);
  const model = loadSync(klet!, { flavor: flavor as Flavor });
  const values: Record<string, InstanceType<(typeof views)[keyof typeof views]>> = {};
  model.inputs.forEach((_, i) => {
    const name = String(arrays[2 * i]);
    const { dtype } = model.inputs.find((input) => input.name === name)!;
    values[name] = new views[dtype](Uint8Array.from(arrays[2 * i + 1]!).buffer);
  });
  const raw = model.predict(values, { output: 'raw' });
  const expected = arrays.slice(2 * model.inputs.length);
  const i = model.outputs.findIndex(({ name, dtype }, output) => {
    const found = model.outputs.length === 1 ? raw : raw[name]!;
    const other = new views[dtype](Uint8Array.from(expected[output]!).buffer);
    return found.length !== other.length || other.some((value, at) => !Object.is(Number(found[at]), value));
  });
  model.dispose();
  return i < 0 ? undefined : `output "${model.outputs[i]!.name}" differs`;
}
