// Compares kinglet with TensorFlow Lite (XNNPACK) on networks of one operator each, and prints a
// table.
//
//   node bench/oracle/run.mjs [operator …] [--variants 6] [--seed 1] [--verbose]
//     [--record FILE | --recorded FILE]
//
// Each row is one operator with one element type. int8 and uint8 pass if at least 99 % of the
// values are equal and none differs by more than one step; float32 passes if no value differs by
// more than 1e-5 of the tensor's maximum. Where kinglet rounds exactly and XNNPACK does not (rows
// marked "nearest"), every value must be nearest to the real number instead of 99 % equal. --record
// saves the oracle's answers to a file; --recorded reads them from it instead of running a browser.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { importTypeScript } from '../tools/typescript.mjs';
import { withOracle } from './oracle.mjs';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    variants: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
    record: { type: 'string' },
    recorded: { type: 'string' },
  },
});

const { compareOutputs, operators, oracleCases, runKinglet } =
  await importTypeScript(new URL('./compare.ts', import.meta.url));

const toBase64 = (bytes) => Buffer.from(bytes).toString('base64');
const fromBase64 = (text) => new Uint8Array(Buffer.from(text, 'base64'));

/** The oracle's answers by case name: `{outputs}` or `{refusal}`. */
async function answers(cases) {
  if (options.recorded) {
    const file = JSON.parse(readFileSync(options.recorded, 'utf8'));
    return new Map(Object.entries(file).map((
      [name, a],
    ) => [name, a.refusal ? a : { outputs: a.outputs.map((sample) => sample.map(fromBase64)) }]));
  }
  const found = new Map();
  await withOracle(async (oracle) => {
    for (const { name, network, samples } of cases) {
      found.set(
        name,
        await oracle.runAll(network, samples).then((outputs) => ({ outputs }), (error) => ({ refusal: error.message })),
      );
    }
  });
  if (options.record) {
    const file = Object
      .fromEntries([...found].map(([name, a]) => [name, a.refusal ? a : {
        outputs: a.outputs.map((sample) => sample.map(toBase64)),
      }]));
    writeFileSync(options.record, JSON.stringify(file));
  }
  return found;
}

const isFloat = (type) => type === 'float32' || type === 'hybrid';
const passes = (type, { equal, worst, isNearest }) => {
  if (isFloat(type)) return worst <= 1e-5;
  return (isNearest ?? equal >= 0.99) && worst <= 1;
};

const only = wanted.length > 0 ? wanted : operators;
const cases = [...oracleCases({ variants: Number(options.variants), seed: Number(options.seed), only })];
const oracle = await answers(cases);

const rows = new Map();
for (const network of cases) {
  const key = `${network.operator} ${network.type}`;
  const row = rows.get(key) ??
    { type: network.type, cases: 0, equal: 0, values: 0, lowest: 1, worst: 0, notes: [], refusals: new Map() };
  rows.set(key, row);
  const expected = oracle.get(network.name) ?? { refusal: 'not recorded' };
  if (expected.refusal) {
    row.refusals.set('oracle', (row.refusals.get('oracle') ?? 0) + 1);
    continue;
  }
  const found = runKinglet(network);
  if (found.refusal) {
    row.refusals.set('kinglet', (row.refusals.get('kinglet') ?? 0) + 1);
    row.notes.push(`${network.name}: ${found.refusal}`);
    continue;
  }
  const comparison = compareOutputs(network, expected.outputs, found.outputs);
  row.cases++;
  row.values += comparison.values;
  row.equal += comparison.equal * comparison.values;
  row.lowest = Math.min(row.lowest, comparison.equal);
  row.worst = Math.max(row.worst, comparison.worst);
  if (comparison.isNearest !== undefined) row.isNearest = comparison.isNearest && row.isNearest !== false;
  if (options.verbose ? comparison.equal < 1 : !passes(network.type, comparison)) {
    row.notes
      .push(`${network.name}: ${(100 * comparison.equal).toFixed(2)} % equal, worst ${
        comparison.worst.toPrecision(3)
      } at ${comparison.example}`);
  }
}

let failures = 0;
console.log(`${'operator'.padEnd(36)} cases   equal  lowest    worst`);
for (const [key, row] of rows) {
  const { type, values, lowest, worst, isNearest, notes, refusals } = row;
  const equal = row.equal / values;
  const remarks = [...refusals].map(([who, count]) => `${count} refused by ${who}`);
  if (isNearest) remarks.push('nearest');
  const isWrong = refusals.has('kinglet') || (row.cases > 0 && !passes(type, { equal, worst, isNearest }));
  if (isWrong) failures++;
  const numbers = row.cases === 0
    ? ''
    : `${percent(equal)} ${percent(lowest)} ${(isFloat(type) ? worst.toExponential(1) : String(worst)).padStart(8)}`;
  const mark = isWrong ? '✗' : ' ';
  console.log(`${key.padEnd(36)} ${String(row.cases).padStart(5)} ${numbers.padEnd(26)} ${mark} ${remarks.join(', ')}`);
  for (const note of notes.slice(0, options.verbose ? Infinity : 3)) console.log(`    ${note}`);
}
console.log(failures === 0 ? 'all within bounds' : `${failures} of ${rows.size} rows out of bounds`);
process.exitCode = failures === 0 ? 0 : 1;

function percent(share) {
  return `${(100 * share).toFixed(2)}%`.padStart(7);
}
