import { SingleBar } from 'cli-progress';
import type { Io } from './io';
import { inline } from './text';

const PATIENCE_MS = 1000;

/** A progress bar on the terminal, shown after one second. */
export class Progress {
  private readonly start = performance.now();
  private bar: SingleBar | undefined;
  private current = { doing: '', start: 0 };

  /** @param long show the bar at once, because the first stage alone may take more than a second */
  constructor(
    private readonly io: Pick<Io, 'terminal' | 'columns'>,
    private readonly total: number,
    private readonly long = false,
  ) {}

  /** Reports that `done` of the total is finished and `what` begins. */
  update(done: number, what: string): void {
    const { terminal } = this.io;
    if (!terminal) return;
    const doing = inline(what);
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

  /** Reports a stage of the second step, of which so much of a total is done, and the time left. */
  stage(doing: string, done?: number, total?: number): void {
    if (doing !== this.current.doing) this.current = { doing, start: performance.now() };
    const fraction = done && total ? done / total : 0;
    const left = (performance.now() - this.current.start) / 1000 * (1 - fraction) / fraction;
    const count = total === undefined ? '' : ` ${done} of ${total}`;
    const time = fraction > 0 && left >= 1 ? `, ${leftText(left)} left` : '';
    this.update(1 + fraction * 0.9, `${doing}${count}${time}`);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}

/** A time in words: 12 s, 3 min. */
export function leftText(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
