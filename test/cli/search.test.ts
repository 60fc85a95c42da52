import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SearchBudget, Trial } from '../../src/compiler/index';
import { readKlet } from '../../src/compiler/index';
import { corner, floats, kinglet, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();
const net = files.write('float.tflite', quadrants('float'));
files.folder('samples');
const labels = Object.fromEntries(Array.from({ length: 40 }, (_, i) => {
  files.write(`samples/${i}.bin`, floats(...Array.from(corner(i), (pixel) => pixel / 255)));
  // one label in eight is wrong, so that the accuracy is not perfect
  return [`${i}.bin`, i % 8 === 7 ? 0 : i % 4];
}));
files.write('labels.json', JSON.stringify(labels));
const samples = files.at('samples');
const test = `${samples},${files.at('labels.json')}`;

interface Json {
  budget: SearchBudget;
  quality: string;
  examples: { choosing: number; reporting: number };
  best?: { trial: number; bytes: number; quality: number; recipe: { int8: { bits: number } } };
  heldOut: { second: { examples: number; metrics: { accuracy: { value: number } } } };
  front: { trial: number; bytes: number; loss: number }[];
  trials: Trial[];
}

let count = 0;
/** Searches with a journal of its own, unless one is given. */
async function search(
  ...argv: string[]
): Promise<{ code: number; err: string; json: Json; klet: string; journal: string }> {
  const klet = files.at(`best-${++count}.klet`);
  const own = argv.includes('--journal') ? [] : ['--journal', files.at(`journal-${count}.jsonl`)];
  const all = [...argv, ...own];
  const { code, out, err } = await kinglet(
    'search',
    net,
    '-o',
    klet,
    '--data',
    samples,
    '--jobs',
    '1',
    '--json',
    ...all,
  );
  const json = (out === '' ? {} : JSON.parse(out)) as Json;
  return { code, err, json, klet, journal: all[all.indexOf('--journal') + 1]! };
}

/** What must not differ between two runs. */
function withoutTimes({ json: { best, trials, front } }: { json: Json }): unknown {
  return JSON
    .parse(JSON.stringify(
      { best, trials, front },
      (name, value: unknown) => (name === 'ms' || name === 'output' ? undefined : value),
    ));
}

describe('search of a network', () => {
  it('finds the best within a limit of the size, and reports it on examples that no trial saw', async () => {
    const all = await search('--test', test, '--budget', '1MB', '--trials', '6');
    expect(all.code).toBe(0);
    const sizes = all.json.trials.map(({ values }) => values!.bytes!);
    const limit = Math.max(...sizes) - 1;
    const { code, json, klet } = await search('--test', test, '--budget', `${limit}B`, '--trials', '12');
    expect(code).toBe(0);
    expect(json.budget).toEqual({ bytes: limit });
    expect(json.examples).toEqual({ choosing: 20, reporting: 20 });
    expect(json.heldOut.second.examples).toBe(20);
    expect(json.best!.bytes).toBeLessThanOrEqual(limit);
    expect(json.best!.bytes).toBe(readFileSync(klet).length);
    const within = json.trials.filter(({ values }) => values!.loss !== undefined && values!.bytes! <= limit);
    const least = Math.min(...within.map(({ values }) => values!.loss!));
    expect(within.find(({ number }) => number === json.best!.trial)!.values!.loss).toBe(least);
  });

  it('writes a file that convert makes again from its recipe', async () => {
    const { code, json, klet } = await search('--test', test, '--budget', '5pt', '--trials', '8');
    expect(code).toBe(0);
    expect(readKlet(readFileSync(klet)).meta.provenance!.recipe).toEqual(json.best!.recipe);
    const again = files.at('again.klet');
    const converted = await kinglet('convert', net, '-o', again, '--recipe', klet, '--samples', samples, '--compact');
    expect(converted).toMatchObject({ code: 0 });
    expect(readFileSync(again).equals(readFileSync(klet))).toBe(true);
    const recipe = files.write('recipe.json', JSON.stringify(json.best!.recipe));
    await kinglet('convert', net, '-o', again, '--recipe', recipe, '--samples', samples, '--compact');
    expect(readFileSync(again).equals(readFileSync(klet))).toBe(true);
    const shown = await kinglet('inspect', klet);
    expect(shown.out).toContain('recipe');
  });

  it('goes on after it was killed at any byte, with the result of an uninterrupted run', async () => {
    const options = ['--test', test, '--budget', '5pt', '--seed', '3'];
    const whole = await search(...options, '--trials', '8');
    const bytes = readFileSync(whole.journal);
    const lines = bytes.toString().split('\n');
    const head = lines[0]!.length + 1;
    const cuts = [0, 10, head + lines[1]!.length, Math.floor(bytes.length * 0.7), bytes.length - 1];
    for (const cut of cuts) {
      const journal = files.write('cut.jsonl', bytes.subarray(0, cut));
      const resumed = await search(...options, '--trials', '8', '--journal', journal);
      expect(withoutTimes(resumed), `cut at ${cut}`).toEqual(withoutTimes(whole));
      const seconds = /"seconds":[\d.]+/g;
      expect(readFileSync(journal, 'utf8').replace(seconds, '')).toBe(bytes.toString().replace(seconds, ''));
    }
  });

  it('extends a search by more trials, and runs none again', async () => {
    const options = ['--test', test, '--budget', '5pt'];
    const short = await search(...options, '--trials', '4');
    const before = readFileSync(short.journal, 'utf8');
    const long = await search(...options, '--trials', '7', '--journal', short.journal);
    expect(readFileSync(short.journal, 'utf8').startsWith(before)).toBe(true);
    expect(long.json.trials.slice(0, 4)).toEqual(short.json.trials);
    expect(long.json.trials).toHaveLength(7);
  });

  it('refuses the journal of another search, and says what differs', async () => {
    const { journal } = await search('--test', test, '--budget', '5pt', '--trials', '1');
    const before = readFileSync(journal);
    const refused = async (...argv: string[]): Promise<string> => {
      const { code, err } = await search(...argv, '--trials', '1', '--journal', journal);
      expect(code).toBe(1);
      return err;
    };
    expect(await refused('--test', test, '--budget', '5pt', '--seed', '2'))
      .toContain('different seed (1 there, 2 now)');
    expect(await refused('--test', test, '--budget', '4pt')).toContain('different budget');
    expect(await refused('--test', test, '--budget', '5pt', '--limit-test', '30')).toContain('different test');
    expect(await refused('--test', test, '--budget', '5pt', '--max-samples', '8')).toContain('different data');
    expect(await refused('--test', test, '--budget', '5pt', '--search', 'bits')).toContain('different space');
    const other = files.write('other.tflite', quadrants('float').with(-1, 1));
    const { err } = await kinglet(
      'search',
      other,
      '--data',
      samples,
      '--test',
      test,
      '--budget',
      '5pt',
      '--jobs',
      '1',
      '--journal',
      journal,
      '-o',
      files.at('x.klet'),
    );
    expect(err).toContain('different network');
    expect(readFileSync(journal).equals(before)).toBe(true);
    const text = files.write('notes.txt', 'shopping list\n');
    expect((await search('--test', test, '--journal', text)).err).toContain('no journal of a search: line 1');
    appendFileSync(journal, '{"trial": "one"}\n');
    expect(await refused('--test', test, '--budget', '5pt')).toContain('line 3 is no trial');
  });

  it('compares with the original where there are no labels', async () => {
    const { code, json } = await search('--budget', '20dB', '--trials', '3');
    expect(code).toBe(0);
    expect(json.quality).toBe('sqnr');
    expect(json.best!.quality).toBeGreaterThanOrEqual(20);
    const agreement = await search('--budget', '2pt', '--trials', '2');
    expect(agreement.json).toMatchObject({ quality: 'agreement', examples: { choosing: 5, reporting: 5 } });
  });

  it('limits and measures the time', async () => {
    const { code, json } = await search('--test', test, '--budget', '10s,100kB', '--trials', '2', '--search', 'bits');
    expect(code).toBe(0);
    expect(json.trials.every(({ values }) => values!.ms! > 0)).toBe(true);
  });

  it('writes nothing and ends with 2 if nothing is within the budget', async () => {
    const { code, err, json, klet } = await search('--test', test, '--budget', '100B', '--trials', '3');
    expect(code).toBe(2);
    expect(err).toContain('no trial is within the budget, so nothing was written');
    expect(json.best).toBeUndefined();
    expect(existsSync(klet)).toBe(false);
    expect(json.trials.every(({ values }) => values!.loss === undefined)).toBe(true);
  });

  it('stops at Ctrl-C with the best so far, and goes on later', async () => {
    const options = ['--test', test, '--budget', '5pt', '--trials', '400'];
    const running = search(...options);
    const timer = setTimeout(() => process.emit('SIGINT'), 300);
    const { code, err, json, journal, klet } = await running;
    clearTimeout(timer);
    expect(code).toBe(130);
    expect(err).toContain('the same command goes on where it stopped');
    expect(json.trials.length).toBeLessThan(400);
    expect(existsSync(klet)).toBe(json.best !== undefined);
    const more = String(json.trials.length + 1);
    const resumed = await search('--test', test, '--budget', '5pt', '--trials', more, '--journal', journal);
    expect(resumed.json.trials.slice(0, -1).map(({ parameters }) => parameters))
      .toEqual(json.trials.map(({ parameters }) => parameters));
  });

  it('prints tables, and writes a page', async () => {
    const page = files.at('page.html');
    const { code, out, err } = await kinglet(
      'search',
      net,
      '-o',
      files.at('shown.klet'),
      '--data',
      samples,
      '--test',
      test,
      '--budget',
      '5pt',
      '--trials',
      '6',
      '--jobs',
      '1',
      '--report',
      page,
    );
    expect(code).toBe(0);
    expect(err).toContain(`wrote ${page}`);
    expect(out).toMatch(/^budget +at most 5 points lost$/m);
    expect(out).toMatch(/^trials +6 in .*: \d evaluated/m);
    expect(out).toMatch(/^> +\d+ +[\d.]+ (B|KiB) +[\d.]+ % +-?[\d.]+ pt +[\d.]+ ms +\d bits/m);
    expect(out).toMatch(/^repeat +kinglet convert .* --recipe .*shown\.klet --samples .* --compact$/m);
    expect(out).toContain('accuracy on 20 held-out examples, which no trial saw');
    expect(existsSync(files.at('shown.jsonl'))).toBe(true);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('<svg');
    expect(html).toContain('The Pareto front');
    expect(html).toContain('Held out');
  });

  it.each([['name a network', []], ['search needs --data', [net]], ['limits such as 100kB', [net, '--data', samples,
    '--budget', '5']], ['two limits of the same kind', [net, '--data', samples, '--budget', '5kB,6kB']], [
    'There is no "bit"',
    [net, '--data', samples, '--search', 'bit'],
  ], ['need --command', [net, '--data', samples, '--maximize', 'accuracy']], ['"sqnr" is for a search without labels', [
    net,
    '--data',
    samples,
    '--test',
    test,
    '--budget',
    '30dB',
  ]], ['--recipe says all', []]])('refuses wrong options: %s', async (message, argv) => {
    const recipe = message.startsWith('--recipe');
    const { code, err } = recipe
      ? await kinglet('convert', net, '--recipe', 'x.json', '--int8', '--samples', samples)
      : await kinglet('search', ...argv);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

describe('search with a command', () => {
  const space = files.write(
    'space.json',
    JSON.stringify({
      rate: { min: 0.001, max: 1, log: true },
      kind: { choices: ['plain', "it's"] },
      depth: { min: 1, max: 4, step: 1, when: { kind: ["it's"] } },
    }),
  );
  const script = files.write(
    'train.mjs',
    `
    const [rate, kind, depth = 0] = process.argv.slice(2);
    console.log('training');
    if (Number(depth) === 4) { console.error('no memory for 4'); process.exit(3); }
    const accuracy = 1 - Math.abs(Math.log10(rate / 0.1)) / 10 + (kind === "it's") * 0.2;
    console.log(JSON.stringify({ rate, kind, accuracy, bytes: 100 * depth }));
  `,
  );
  const command = `"${process.execPath}" "${script}" {rate} {kind} {depth}`;
  const run = (journal: string, ...argv: string[]) =>
    kinglet(
      'search',
      '--command',
      command,
      '--space',
      space,
      '--maximize',
      'accuracy',
      '--minimize',
      'bytes',
      '--jobs',
      '2',
      '--journal',
      files.at(journal),
      ...argv,
    );

  it('runs it with values in place of names, reads its last line, and keeps to limits', async () => {
    const { code, out } = await run('a.jsonl', '--trials', '16', '--limit', 'bytes<=200', '--json');
    expect(code).toBe(0);
    const { best, front, trials } = JSON.parse(out) as { best: Trial; front: Trial[]; trials: Trial[] };
    expect(trials).toHaveLength(16);
    expect(best).toEqual(front[0]);
    expect(best.parameters.kind).toBe("it's");
    for (const { values } of front) expect(values!.bytes).toBeLessThanOrEqual(200);
    const deep = trials.filter(({ parameters }) => parameters.depth === 4);
    for (const { failure } of deep) expect(failure).toBe('the command ended with code 3: no memory for 4');
  });

  it('goes on from its journal, and prints a table and a page', async () => {
    await run('b.jsonl', '--trials', '4');
    const page = files.at('command.html');
    const { code, out } = await run('b.jsonl', '--trials', '6', '--report', page);
    expect(code).toBe(0);
    expect(out).toMatch(/^trials +6 in /m);
    expect(out).toMatch(/^repeat +".*train\.mjs" /m);
    expect(readFileSync(files.at('b.jsonl'), 'utf8').trim().split('\n')).toHaveLength(7);
    expect(readFileSync(page, 'utf8')).toContain('Not beaten');
  });

  it('ends if the first trials fail, and says why', async () => {
    const { code, err } = await kinglet(
      'search',
      '--command',
      'node -e "process.exit(5)" {x}',
      '--space',
      files.write('x.json', '{"x": {"min": 0, "max": 1}}'),
      '--minimize',
      'loss',
      '--journal',
      files.at('c.jsonl'),
      '--jobs',
      '1',
    );
    expect(code).toBe(1);
    expect(err).toContain('the first 5 trials failed: the command ended with code 5');
  });

  it.each([['does not use the parameter "depth"', ['--command', 'x {rate} {kind}', '--space', space, '--maximize',
    'a']], ['needs --space', ['--command', 'x', '--maximize', 'a']], ['needs --maximize or --minimize', ['--command',
    'x', '--space', space]], ['leave out one of them', [net, '--command', 'x']], [
    '--data is for the search of a network',
    ['--command', 'x', '--data', samples],
  ], ['is not JSON', ['--command', 'x', '--space', files.write('broken.json', '{'), '--maximize', 'a']], [
    "such as 'bytes<=20000'",
    ['--command', 'x', '--limit', 'bytes=3'],
  ]])('refuses wrong options: %s', async (message, argv) => {
    const { code, err } = await kinglet('search', ...argv);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});
