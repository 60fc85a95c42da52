import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/browser/support/skipped.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
