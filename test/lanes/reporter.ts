import type { TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';
import { lanes } from './lanes';

/** Modules that a lane's row adds up, with the seconds that its workers were busy. */
interface Row {
  files: number;
  tests: number;
  seconds: number;
}

const secondsOf = (module: TestModule): number => {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } = module.diagnostic();
  return (environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration) / 1000;
};

/** Prints the files, tests and seconds of each lane, and the files that took longest. */
export default class LanesReporter implements Reporter {
  private start = performance.now();

  onTestRunStart(): void {
    this.start = performance.now();
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<string, Row>(lanes.map(({ name }) => [name, { files: 0, tests: 0, seconds: 0 }]));
    for (const module of modules) {
      const row = rows.get(module.project.name)!;
      row.files++;
      row.tests += [...module.children.allTests()].length;
      row.seconds += secondsOf(module);
    }
    console.log(line('lane', 'files', 'tests', 'seconds'));
    for (const [name, { files, tests, seconds }] of rows) {
      if (files > 0) console.log(line(name, files, tests, seconds.toFixed(1)));
    }
    const wall = (performance.now() - this.start) / 1000;
    const busy = [...rows.values()].reduce((sum, { seconds }) => sum + seconds, 0);
    console.log(`${busy.toFixed(1)} s of work in ${wall.toFixed(1)} s. The longest files:`);
    const longest = [...modules].sort((a, b) => secondsOf(b) - secondsOf(a)).slice(0, 8);
    for (const module of longest) console.log(`${secondsOf(module).toFixed(1).padStart(8)} ${module.relativeModuleId}`);
  }
}

function line(lane: string, ...columns: (string | number)[]): string {
  return lane.padEnd(12) + columns.map((column) => String(column).padStart(9)).join('');
}
