import type { SamplerName, SearchDimension, SearchMeasure } from '../../compiler/index';
import type { Io } from '../io';
import { leftText, Progress } from '../progress';
import type { TaskOptions } from './task';

// What the searches of networks and of programs share: options, exit codes, progress, Ctrl-C.

export interface SearchCommandOptions extends Partial<TaskOptions> {
  /** Written by `-o`; the name of the evaluated output of the network is `answer`. */
  output?: string;
  answer?: string;
  trials: number;
  sampler: SamplerName;
  seed: number;
  jobs?: number;
  journal?: string;
  report?: string;
  json?: boolean;
  search?: SearchDimension[];
  compact: boolean;
  command?: string;
  space?: string;
  measures?: Record<string, SearchMeasure>;
}

/** Exit codes: nothing is within the budget, and stopped by Ctrl-C. */
export const BEYOND_BUDGET = 2;
export const STOPPED = 130;

/** Stops at Ctrl-C; a second one ends the program at once. */
export function interruption(): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop);
  return { signal: controller.signal, end: () => process.removeListener('SIGINT', stop) };
}

/** Shows how far a search is. */
export class SearchProgress {
  private readonly progress: Progress;
  private done = 0;
  private spent = 0;

  constructor(io: Io, private readonly count: number, private readonly jobs: number) {
    this.progress = new Progress(io, count, true);
    this.progress.update(0, 'first trials');
  }

  add(seconds: number, best: string | undefined): void {
    this.done++;
    this.spent += seconds;
    const left = leftText(this.spent / this.done * (this.count - this.done) / this.jobs);
    this.progress.update(
      this.done,
      `${this.done} of ${this.count} trials${best ? `, best ${best}` : ''}, ${left} left`,
    );
  }

  stop(): void {
    this.progress.stop();
  }
}
