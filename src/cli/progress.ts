import { SingleBar } from 'cli-progress';
import type { Io } from './io';

const PATIENCE_MS = 1000;

/** A progress bar on the terminal, shown after one second. */
export class Progress {
  private readonly start = performance.now();
  private bar: SingleBar | undefined;

  /** @param long show the bar at once, because the first stage alone may take more than a second */
  constructor(
    private readonly io: Pick<Io, 'terminal' | 'columns'>,
    private readonly total: number,
    private readonly long = false,
  ) {}

  /** Reports that `done` of the total is finished and `doing` begins. */
  update(done: number, doing: string): void {
    const { terminal } = this.io;
    if (!terminal) return;
    if (this.bar) this.bar.update(done, { doing });
    else if (this.long || performance.now() - this.start > PATIENCE_MS) {
      this.bar = new SingleBar({
        format: '{bar} {percentage} %  {doing}',
        stream: terminal,
        barsize: 24,
        barCompleteChar: '#',
        barIncompleteChar: '.',
        clearOnComplete: true,
        fps: 1000,
      });
      this.bar.start(this.total, done, { doing });
    }
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
