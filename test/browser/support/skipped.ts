import type { TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';

/**
 * Lists skipped tests at the end of a run by the reasons in their titles, […]. The default reporter
 * only counts them.
 */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byReason = new Map<string, string[]>();
    for (const module of modules) {
      for (const { fullName } of module.children.allTests('skipped')) {
        const reason = /\[(.*?)\]/.exec(fullName)?.[1] ?? 'for a reason of its own';
        byReason.set(reason, [...byReason.get(reason) ?? [],
          `${module.relativeModuleId} > ${fullName.replace(` [${reason}]`, '')}`]);
      }
    }
    for (const [reason, names] of byReason) {
      console.log(`Skipped (${reason}):\n${names.map((name) => `  ${name}`).join('\n')}\n`);
    }
  }
}
