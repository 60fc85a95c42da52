import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { shared } from '../helpers/shared';
import { hasTensorflow, lastLine } from './library';

// The recipes' trainings as functions, for a few steps.

interface Result {
  accuracy: number;
  loss: number;
  bytes: number;
}

const PATIENCE = 300_000; // ms, for busy machines

/** Trains by the `finetune` of a recipe. `data` is the source of its first argument, if any. */
async function trained(recipe: string, parameters: object, data?: string): Promise<Result> {
  const own = `{ ...defaults, ...${JSON.stringify(parameters)} }`;
  return JSON.parse(await lastLine(`
    import { defaults, finetune } from '../${recipe}/recipe/finetune.mjs';
    import { loadRecordings } from '../spoken-digits/recipe/data.mjs';
    const { network, ...result } = await finetune(${data ? `${data}, ` : ''}${own});
    console.log(JSON.stringify(result));`)) as Result;
}

describe.skipIf(!hasTensorflow)('with TensorFlow.js (npm ci in models)', () => {
  test('digits with 4-bit weights stays accurate from the first steps on, and becomes small', async () => {
    const { accuracy, loss, bytes } = await trained('digits', { epochs: 0.03, attention: 1 });
    expect(accuracy).toBeGreaterThan(0.95);
    expect(loss).toBeLessThan(0.25);
    expect(bytes).toBeLessThan(13_500);
  }, PATIENCE);

  test.skipIf(!existsSync(path.join(shared, 'data/spoken-digits')))(
    'spoken-digits with few bits in its GRU alone stays accurate, and becomes small',
    async () => {
      const parameters = { epochs: 0.03, hint: 1, bits: '8,gru:4' };
      const { accuracy, loss, bytes } = await trained('spoken-digits', parameters, 'loadRecordings()');
      expect(accuracy).toBeGreaterThan(0.95);
      expect(loss).toBeLessThan(0.25);
      expect(bytes).toBeLessThan(32_000);
    },
    PATIENCE,
  );
});
