import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readFound } from './found';
import { judge } from './search';
import { targets } from './targets/index';

// Inputs that once failed, as the fuzzer wrote them to found/. Their "why" says what was wrong.

const folder = path.resolve(import.meta.dirname, 'regressions');
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

describe('an input that failed once is refused, or right:', () => {
  test.each(files)('%s', async (file) => {
    const { target: name, bytes, why } = readFound(path.join(folder, file));
    expect(why).toMatch(/\w+ \w+/);
    const target = targets.find((candidate) => candidate.name === name)!;
    expect(await judge(target, bytes)).toEqual(expect.any(String));
  });
});
