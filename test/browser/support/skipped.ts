import type { TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';

/** Names what was skipped at the end of a run; the usual reporter only counts. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => {
      const names = [...module.children.allTests('skipped')].map((test) => `     ${test.fullName}`);
      return names.length > 0 ? [`   ${module.relativeModuleId}`, ...names] : [];
    });
    if (lines.length > 0) console.log([' Skipped:', ...lines, ''].join('\n'));
  }
}
