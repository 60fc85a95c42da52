// npm run engines: runs kinglet in every engine at hand, and compares what each computes.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { engines, packageVersion } from './engines.mjs';
import { makeProject, root } from './project.mjs';

const flavors = ['default', 'relaxed', 'simd', 'scalar', 'js'];

const description =
  'Runs the models of the package in every engine that is installed, in every flavor, and compares the '
  + 'outputs with those of the scalar core in Node. Exits with 1 if any engine computes anything else.';
const { only, require: isRequired, json, out } = new Command('npm run engines --').description(description).option(
  '--only <text>',
  'engines whose name contains this text',
).option('--require', 'fail if an engine is missing, instead of skipping it').option(
  '--json',
  'print JSON instead of a table',
).option('--out <file>', 'also write the table to this file, as Markdown').parse().opts();

const chosen = engines.filter(({ name }) => only === undefined || name.toLowerCase().includes(only.toLowerCase()));
const project = makeProject(flavors);
const rows = [];
try {
  const expected = hashesOf((await engines[0].run(project.folder)).scalar);
  for (const engine of chosen) {
    process.stderr.write(`${engine.name} …\n`);
    rows.push(await rowOf(engine, expected));
  }
} finally {
  project.remove();
}
print();
if (rows.some(({ wrong }) => wrong)) process.exitCode = 1;

/** What an engine answers for each flavor, and what is wrong with it. */
async function rowOf(engine, expected) {
  const { name, entry } = engine;
  const program = engine.find();
  if (!program || !existsSync(program)) {
    return { name, entry, answers: {}, [isRequired ? 'wrong' : 'skipped']: ['it is not installed'] };
  }
  const version = versionOf(engine, program);
  try {
    const answers = await engine.run(project.folder);
    const wrong = Object.entries(answers).flatMap(([asked, answer]) => faultOf(asked, answer, expected));
    return { name, entry, version, answers, ...(wrong.length > 0 && { wrong }) };
  } catch (error) {
    return { name, entry, version, answers: {}, wrong: [error.message] };
  }
}

/** The version that the program prints, or that of its package where it prints none or another. */
function versionOf({ debian, npm }, program) {
  if (npm) return packageVersion(npm);
  const [command, ...args] = debian ? ['dpkg-query', '-W', '-f', '${Version}', debian] : [program, '--version'];
  const { stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return /\d+([.-]\d+)+/.exec(stdout)?.[0] ?? '';
}

/** A flavor may be refused by name; whatever runs must compute the same. */
function faultOf(asked, answer, expected) {
  const { error } = answer;
  if (error !== undefined) {
    return asked !== 'default' && error.startsWith('NO_WASM') ? [] : [`${asked}: ${error}`];
  }
  const found = hashesOf(answer);
  return found.join() === expected.join() ? [] : [`${asked}: ${found.join(', ')} instead of ${expected.join(', ')}`];
}

/** The hash and the number of golden cases of each model. */
function hashesOf({ results, error }) {
  if (error !== undefined) throw new Error(`Node cannot run the scalar core: ${error}`);
  return results.map(({ name, hash, goldens }) => `${name} ${hash} (${goldens} golden cases)`);
}

function print() {
  const columns = [...flavors.slice(1), 'tiny'];
  const head = ['engine', 'version', 'by default', ...columns.map((flavor) => `${flavor}, ms`)];
  const cells = rows.map((
    { name, version = '', answers },
  ) => [name, version, answers.default?.flavor ?? '', ...columns.map((flavor) => timeOf(answers, flavor))]);
  if (json) console.log(JSON.stringify(rows, null, 2));
  else {
    const table = new Table({ head, style: { head: [], border: [], compact: true } });
    table.push(...cells);
    console.log(`${table}\n${summary()}`);
  }
  if (out !== undefined) writeMarkdown([head, head.map(() => '---'), ...cells]);
}

/** The time of a flavor; that of the default if it was not tried by name. */
function timeOf(answers, flavor) {
  const answer = answers[flavor] ?? (answers.default?.flavor === flavor ? answers.default : undefined);
  return answer?.results ? answer.results[0].ms.toPrecision(2) : '';
}

function summary() {
  const list = (kind) => rows.flatMap((row) => (row[kind] ?? []).map((text) => `${row.name}: ${text}`));
  const wrong = list('wrong');
  const ran = rows.filter(({ answers }) => Object.keys(answers).length > 0).length;
  const result = wrong.length === 0
    ? `${ran === 1 ? '1 engine' : `${ran} engines`} computed the same bits and passed the self-tests of both models.`
    : `Wrong:\n${wrong.join('\n')}`;
  return `ms: one prediction of digits.klet. Empty: the engine refuses the flavor by name.\n${
    [result, ...list('skipped')].join('\n')
  }`;
}

function writeMarkdown(lines) {
  writeFileSync(out, lines.map((values) => `| ${values.join(' | ')} |\n`).join(''));
  spawnSync(process.execPath, [path.join(root, 'src/build/format.mjs')], { stdio: 'inherit' });
}
