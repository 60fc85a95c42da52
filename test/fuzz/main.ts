import { existsSync } from 'node:fs';
import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runChild, targetOf, type Task } from './child';
import { readFound } from './found';
import { engine } from './models';
import { Failure } from './oracles';
import { fuzz, type Outcome } from './runner';
import { judge } from './search';
import { targets } from './targets/index';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'build/fuzz/main.mjs');
const node24 = path.join(root, 'test/engines/node_modules/node24/bin/node');

const HELP = `
Targets:
${targets.map(({ name, about }) => `  ${name.padEnd(8)} ${about}`).join('\n')}

A failure is made smaller and written to test/fuzz/found/. The exit code is 1 if there is one.
docs/fuzzing.md explains what counts as a failure, and how a failure becomes a test.

Examples:
  npm run fuzz                                       every target, one minute each
  npm run fuzz -- --minutes 60 --target klet         one target for an hour
  npm run fuzz -- --seed 7 --cases 1000              the same cases on every machine
  npm run fuzz -- --again test/fuzz/found/klet-1a2b3c4d.json`;

interface Options {
  target?: string[];
  minutes: number;
  seed?: number;
  cases?: number;
  node?: string;
  again?: string;
}

function numberOf(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('it takes a number above 0');
  return value;
}

const toList = (name: string, before: string[] = []): string[] => [...before, name];

async function main(): Promise<void> {
  const command = new Command('npm run fuzz --');
  command
    .description('Changes valid inputs at random, and checks what kinglet makes of each: it refuses with a KletError, '
      + 'or gives the same bits in every flavor, within limits of time and memory.');
  command
    .addOption(new Option('--target <name>', 'what is tried (repeatable; default: every target)')
      .choices(targets.map(({ name }) => name)).argParser(toList));
  command.option('--minutes <n>', 'minutes for each target', numberOf, 1);
  command.option('--seed <n>', 'the same cases every time, without the inputs that earlier runs kept', numberOf);
  command.option('--cases <n>', 'number of cases for each target, instead of minutes', numberOf);
  command.option(
    '--node <path>',
    'the Node that judges (default: Node 24 of the tests if it is installed, because it ' + 'has relaxed SIMD)',
  );
  command.option('--again <file>', 'judge the input of a file in test/fuzz/found or test/fuzz/regressions');
  command.addHelpText('after', HELP);
  const { again, ...options } = command.parse().opts<Options>();
  if (again !== undefined) await judgeAgain(again);
  else await run(options);
}

async function judgeAgain(file: string): Promise<void> {
  const { target, bytes } = readFound(file);
  const result = await judge(targetOf(target), bytes);
  console
    .log(result instanceof Failure
      ? `fails with ${engine.join(', ')}: ${result.kind}: ${result.message}`
      : `passes: ${result}`);
  if (result instanceof Failure) {
    console.log((result.cause as Error | undefined)?.stack ?? '');
    process.exitCode = 1;
  }
}

async function run({ target, minutes, seed, cases, node }: Omit<Options, 'again'>): Promise<void> {
  const names = (target ?? targets.map(({ name }) => name)).map((name) => targetOf(name).name);
  const chosen = node ?? (existsSync(node24) ? node24 : process.execPath);
  const number = seed ?? Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${number}, ${path.relative(root, chosen)}`);
  for (const name of names) {
    const seconds = 60 * minutes;
    const bar = new SingleBar({
      format: `${name.padEnd(8)} {bar} {text}`,
      barsize: 24,
      barCompleteChar: '#',
      barIncompleteChar: '.',
      clearOnComplete: true,
    });
    const start = performance.now();
    bar.start(cases ?? seconds, 0, { text: '' });
    const outcome = await fuzz({
      target: name,
      seed: number,
      program,
      node: chosen,
      ...(cases === undefined ? { seconds } : { cases }),
      ...(seed === undefined && { corpus: path.join(root, 'build/fuzz/corpus', name) }),
      progress: (done, reached, failures) => {
        const part = cases === undefined ? (performance.now() - start) / 1000 : done;
        bar.update(part, { text: `${done} cases, ${reached} outcomes, ${failures} failures` });
      },
    });
    bar.stop();
    print(name, outcome);
  }
}

function print(name: string, { cases, reached, seconds, failures }: Outcome): void {
  const rate = Math.round(cases / seconds);
  const failed = failures.length === 1 ? '1 failure' : `${failures.length} failures`;
  console.log(`${name.padEnd(8)} ${cases} cases, ${rate} per second, ${reached} different outcomes, ${failed}`);
  for (const { shape, message, file, bytes } of failures) {
    process.exitCode = 1;
    console.log(`  ${shape.split(':', 1)[0]}: ${JSON.stringify(message).slice(1, -1)}`);
    console.log(`    ${bytes} bytes; again: npm run fuzz -- --again ${file}`);
  }
}

const [, , flag, task] = process.argv;
if (flag === '--child') {
  await runChild(JSON.parse(task!) as Task);
  // workers and timers of calls must not keep it
  process.exit(0);
} else {
  await main();
}
