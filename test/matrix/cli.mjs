// npm run engines: runs kinglet in every engine at hand, and compares what each computes.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { describeMachine, processorText } from '../../bench/tools/machine.mjs';
import { engines, packageVersion } from './engines.mjs';
import { makeProject, root } from './project.mjs';

/** Predictions of a model are timed for at least this long. */
const MILLISECONDS = 200;

const flavors = ['default', 'relaxed', 'simd', 'scalar', 'js'];

const description =
  'Packs kinglet, runs its two models in every engine that is installed, with each core that the engine takes, '
  + 'and compares the outputs bit by bit with those of the scalar core in Node. Prints a table of times, and exits '
  + 'with 1 if an engine computes anything else.';
const program = new Command('npm run engines --').description(description).option(
  '--only <text>',
  'run only the engines whose name contains this text, in any case',
).option('--all', 'also run the engines that are slow to install: XS is compiled, Node for Arm is emulated').option(
  '--require',
  'exit with 1 if an engine is missing, instead of skipping it',
).option('--check', 'compare the outputs only, which takes half as long').option(
  '--json',
  'print JSON instead of a table',
).option('--out <file>', 'also write the table to this file, as Markdown').option(
  '--list',
  'print the engines and where they come from, and run none',
).option('--packages', 'print the packages of Debian that the engines need, and run none').addHelpText(
  'after',
  `
Engines come from npm (installed into test/matrix/npm/node_modules when this command runs) and from
Debian's packages. An engine that is not there is skipped by name. To have all of them:

  apt-get install $(node test/matrix/cli.mjs --packages)

Examples:
  npm run engines                                  every engine at hand
  npm run engines -- --only firefox                one engine
  npm run engines -- --all --require --out t.md    all engines, none may be missing`,
);
const { only, all, require: isRequired, check, json, out, list, packages } = program.parse().opts();

const isNamed = ({ name }) => only !== undefined && name.toLowerCase().includes(only.toLowerCase());
const chosen = engines.filter((engine) => (only === undefined ? all || !engine.slow : isNamed(engine)));
if (list) printList();
else if (packages) console.log([...new Set(chosen.flatMap(({ apt = [] }) => apt))].join(' '));
else await run();

function printList() {
  const style = { head: [], border: [], compact: true };
  const table = new Table({ head: ['engine', 'entry', 'from'], colWidths: [38, 14, 60], wordWrap: true, style });
  table.push(...engines.map((engine) => [engine.name, engine.entry, originOf(engine)]));
  console.log(`${table}`);
}

function originOf({ apt, slow }) {
  const from = apt ? `Debian: ${apt.join(' ')}` : 'npm';
  return slow ? `${from}; only with --all` : from;
}

async function run() {
  if (chosen.length === 0) program.error(`no engine has ${JSON.stringify(only)} in its name; --list prints the names`);
  if (chosen.some(({ slow }) => slow)) {
    spawnSync(process.execPath, [path.join(root, 'src/build/ready.mjs'), '--matrix-slow'], { stdio: ['ignore', 2, 2] });
  }
  const project = makeProject(flavors, check ? 0 : MILLISECONDS);
  const rows = [];
  try {
    const expected = hashesOf((await engines[0].run(project.folder)).scalar);
    for (const engine of chosen) {
      process.stderr.write(`${engine.name} (${engine.entry}) …\n`);
      rows.push(await rowOf(engine, project.folder, expected));
    }
  } finally {
    project.remove();
  }
  print(rows);
  if (rows.some(({ wrong }) => wrong)) process.exitCode = 1;
}

/** What an engine answers for each flavor, and what is wrong with it. */
async function rowOf(engine, folder, expected) {
  const { name, entry } = engine;
  const program = engine.find();
  if (!program || !existsSync(program)) {
    return {
      name,
      entry,
      answers: {},
      [isRequired ? 'wrong' : 'skipped']: [`${isRequired ? '' : 'skipped, '}not installed (${originOf(engine)})`],
    };
  }
  const version = versionOf(engine, program);
  try {
    const answers = await engine.run(folder);
    const wrong = Object.entries(answers).flatMap(([asked, answer]) =>
      faultOf(asked, answer, expected, engine.refuses)
    );
    return { name, entry, version, answers, ...(wrong.length > 0 && { wrong }) };
  } catch (error) {
    return { name, entry, version, answers: {}, wrong: [error.message] };
  }
}

/** The version that the program prints, or that of its package where it prints none or another. */
function versionOf({ apt, npm, prints }, program) {
  if (npm) return packageVersion(npm);
  const [command, ...args] = prints === false
    ? ['dpkg-query', '-W', '-f', '${Version}', apt[0]]
    : [program, '--version'];
  const { stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  const version = /\d+([.-]\d+)+/.exec(stdout)?.[0] ?? '';
  return prints === false ? version.replace(/-\d+$/, '') : version;
}

/** A flavor may be refused by name; whatever runs must compute the same. */
function faultOf(asked, answer, expected, { [asked]: advice } = {}) {
  const { error } = answer;
  if (error !== undefined) {
    const isRefused = advice ? error.includes(advice) : asked !== 'default' && error.startsWith('NO_WASM');
    return isRefused ? [] : [`${asked}: ${error}`];
  }
  if (advice) return [`${asked}: it runs, although this engine cannot have it`];
  const found = hashesOf(answer);
  return found.join() === expected.join() ? [] : [`${asked}: ${found.join(', ')} instead of ${expected.join(', ')}`];
}

/** The hash and the number of golden cases of each model. */
function hashesOf({ results, error }) {
  if (error !== undefined) throw new Error(`Node cannot run the scalar core: ${error}`);
  return results.map(({ name, hash, goldens }) => `${name} ${hash} (${goldens} golden cases)`);
}

function print(rows) {
  const columns = [...flavors.slice(1), 'tiny'];
  const head = ['engine', 'version', 'by default', ...columns.map((flavor) => (check ? flavor : `${flavor}, ms`))];
  const cells = merged(rows).map((
    { name, version = '', answers },
  ) => [name, version, answers.default?.flavor ?? '', ...columns.map((flavor) => timeOf(answers, flavor))]);
  if (json) console.log(JSON.stringify(rows, null, 2));
  else {
    const table = new Table({ head, style: { head: [], border: [], compact: true } });
    table.push(...cells);
    console.log(`${table}\n${summary(rows)}`);
  }
  if (out !== undefined) writeMarkdown([head, head.map(() => '---'), ...cells], rows);
}

/** One row for an engine, whatever entries of kinglet it runs. */
function merged(rows) {
  const byName = new Map();
  for (const row of rows) {
    const { answers } = byName.get(row.name) ?? {};
    byName.set(row.name, { ...row, answers: { ...answers, ...row.answers } });
  }
  return [...byName.values()];
}

/** The time of a flavor, which was perhaps measured by default too; or that it is right. */
function timeOf(answers, flavor) {
  const found = [answers[flavor], answers.default].filter((answer) => answer?.results && answer.flavor === flavor);
  if (found.length === 0) return '';
  if (check) return 'right';
  const ms = Math.min(...found.map(({ results }) => results[0].ms));
  return ms < 100 ? ms.toPrecision(2) : ms.toFixed(0);
}

function summary(rows) {
  const listed = (kind) => rows.flatMap((row) => (row[kind] ?? []).map((text) => `${row.name}: ${text}`));
  const wrong = listed('wrong');
  const ran = merged(rows).filter(({ answers }) => Object.keys(answers).length > 0).length;
  const notes = new Set(chosen.flatMap(({ note = [] }) => note));
  const result = wrong.length === 0
    ? `${ran === 1 ? '1 engine' : `${ran} engines`} computed the same bits and passed the self-tests of both models.`
    : `Wrong:\n${wrong.join('\n')}`;
  const units = check ? '' : 'ms: one prediction of digits (609,000 multiply-adds), the fastest of several spans. ';
  return [`${units}Empty: the engine refuses the flavor, or was not asked for it.`, ...notes, result,
    ...listed('skipped')].join('\n');
}

function writeMarkdown(lines, rows) {
  const date = new Date().toISOString().slice(0, 10);
  const text = `# Engines

\`npm run engines\`, ${date}, on ${processorText(describeMachine())}.
${summary(rows).replaceAll('\n', '\n\n')}

${lines.map((values) => `| ${values.join(' | ')} |\n`).join('')}`;
  writeFileSync(out, text);
  spawnSync(process.execPath, [path.join(root, 'src/build/format.mjs')], { stdio: 'inherit' });
}
