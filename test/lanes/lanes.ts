// The parts of the test run. `npm test` runs all of them; `npx vitest run --project operators` one.

export interface Lane {
  name: string;
  include: string[];
  /** Whether each file gets a process of its own. Other files share the modules of a worker. */
  isolate: boolean;
}

/**
 * In the order in which they start. Tests of built packages and browsers come first: they take
 * longest.
 */
export const lanes: Lane[] = [{ name: 'package', include: ['test/package/**/*.test.ts'], isolate: true }, {
  name: 'browser',
  include: ['test/browser/**/*.test.ts'],
  isolate: true,
}, { name: 'docs', include: ['test/docs/**/*.test.ts'], isolate: true }, {
  name: 'cli',
  include: ['test/cli/**/*.test.ts'],
  isolate: true,
}, { name: 'networks', include: ['test/*.test.ts'], isolate: false }, {
  name: 'robustness',
  include: ['test/robustness/**/*.test.ts', 'test/fuzz/**/*.test.ts'],
  isolate: false,
}, {
  name: 'units',
  include: ['audio', 'compiler', 'evaluation', 'importers', 'learn', 'monitor', 'ort', 'playground', 'script', 'search',
    'streams', 'tasks', 'tfjs', 'training'].map((room) => `test/${room}/**/*.test.ts`),
  isolate: false,
}, {
  name: 'operators',
  include: ['ops', 'reference', 'kernels', 'c'].map((room) => `test/${room}/**/*.test.ts`),
  isolate: false,
}];
