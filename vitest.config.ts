import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { cText } from './src/build/text.mjs';
import { lanes } from './test/lanes/lanes';
import { LongestFirst } from './test/lanes/longestFirst';

export default defineConfig({
  test: {
    projects: lanes.map(({ name, include, isolate }) => ({
      plugins: [cText],
      test: {
        name,
        include,
        // Workers need the V8 flags that Node was started with.
        execArgv: process.execArgv,
        isolate,
        testTimeout: 60_000,
        hookTimeout: 60_000,
        // Browsers share the cores with other tests.
        expect: { poll: { timeout: 30_000 } },
      },
    })),
    // By default Vitest leaves one core idle.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/browser/support/skipped.ts', './test/lanes/reporter.ts'],
  },
});
