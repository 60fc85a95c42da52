import { statSync } from 'node:fs';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { lanes } from './lanes';

/**
 * Files that run much longer than others. They start first, so that the other workers can run the
 * many short files beside them. lostThread mostly waits, so it leaves the processor to the browser,
 * whose audio must not stutter.
 */
const longest = ['package/lostThread', 'browser/listen', 'browser/threads', 'browser/demo', 'package/relaxed',
  'package/threads'];

/**
 * Starts the longest files first, then the lanes in order, and within a lane the largest files
 * first.
 */
export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const keyed = files.map((file) => {
      const rank = longest.findIndex((name) => file.moduleId.endsWith(`test/${name}.test.ts`));
      return {
        file,
        rank: rank < 0 ? longest.length : rank,
        lane: lanes.findIndex(({ name }) => name === file.project.name),
        size: statSync(file.moduleId).size,
      };
    });
    keyed.sort((a, b) => a.rank - b.rank || a.lane - b.lane || b.size - a.size);
    return Promise.resolve(keyed.map(({ file }) => file));
  }
}
