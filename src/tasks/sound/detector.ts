import { checkFunction, show } from '../../arguments';
import { checkFloats } from '../../audio/checks';
import { createAudioStream, type AudioStream, type AudioStreamOptions, type StreamingModel } from '../../audio/index';
import { KletError } from '../../errors';
import { backgroundOf, labelsOf } from './classes';
import { Clock } from './clock';
import { Levels } from './levels';

export interface DetectorOptions extends AudioStreamOptions {
  /**
   * Labels of classes that are never reported. Default: those named silence, unknown, background,
   * background_noise or noise, also between underscores.
   */
  background?: string[];
}

/**
 * Turns the scores of a stream of sound into events. They do not depend on the pieces in which
 * samples come.
 */
export abstract class Detector<Event> {
  readonly labels: readonly string[];
  /** @internal */
  protected readonly stream: AudioStream;
  /** @internal */
  protected readonly clock: Clock;
  /** @internal */
  protected readonly isBackground: readonly boolean[];
  /** @internal */
  protected readonly levels: Levels | undefined;

  /** @internal */
  constructor(model: StreamingModel, { every, output, background }: DetectorOptions, hasLevels: boolean) {
    this.stream = createAudioStream(model, { every, output } as AudioStreamOptions);
    this.clock = new Clock(this.stream);
    this.labels = labelsOf(model, this.stream);
    this.isBackground = backgroundOf(background, this.labels);
    this.levels = hasLevels ? new Levels(this.stream.front) : undefined;
  }

  /** @internal */
  protected abstract hear(scores: Float32Array, frame: number, onEvent: (event: Event) => void, rms: number): void;

  /** @internal */
  protected abstract finish(onEvent: (event: Event) => void): void;

  /**
   * Takes the next samples, in pieces of any length, and calls `onEvent` for every event.
   *
   * @param samples −1..1 at the sample rate of the model's preprocessing
   * @throws KletError `TYPE_MISMATCH`, `NOT_A_NUMBER` (then no sample was taken), `DISPOSED`
   */
  push(samples: Float32Array, onEvent: (event: Event) => void): void {
    const given = checkFloats(samples);
    checkFunction(onEvent, 'the callback');
    const { levels, stream } = this;
    const { hop } = stream.front;
    const take = this.listener(onEvent);
    for (let at = 0; at < given.length; at += hop) {
      // the levels are at most one frame ahead of the stream
      const part = given.subarray(at, at + hop);
      levels?.push(part);
      stream.push(part, take);
    }
  }

  /**
   * Takes the scores of one output of `listen` or of a stream of your own.
   *
   * @param frame the frame that came with the scores
   * @param rms root mean square of the signal, for the option `minLevel`; 1 is full scale
   * @throws KletError `TYPE_MISMATCH`, `SHAPE_MISMATCH`
   */
  take(scores: Float32Array, frame: number, onEvent: (event: Event) => void, rms = 1): void {
    checkFunction(onEvent, 'the callback');
    if (!(scores instanceof Float32Array && Number.isInteger(frame) && Number.isFinite(rms))) {
      const found = [scores, frame, rms].map(show).join(', ');
      throw new KletError('TYPE_MISMATCH', `take() needs scores, a frame and a level, not ${found}`);
    }
    const { length } = this.labels;
    if (scores.length !== length) {
      throw new KletError('SHAPE_MISMATCH', `there are ${scores.length} scores for ${length} classes`);
    }
    this.hear(scores, frame, onEvent, rms);
  }

  /**
   * Ends a recording: takes the frames that reach into the padding at its end, reports what is
   * left, and resets.
   */
  end(onEvent: (event: Event) => void): void {
    checkFunction(onEvent, 'the callback');
    this.levels?.end();
    this.stream.end(this.listener(onEvent));
    this.finish(onEvent);
    this.reset();
  }

  /**
   * Finds the events of a whole recording. Resets before and after.
   *
   * @returns the events in the order in which `push` and `end` report them
   */
  detect(samples: Float32Array): Event[] {
    const found: Event[] = [];
    const keep = (event: Event): number => found.push(event);
    this.reset();
    this.push(samples, keep);
    this.end(keep);
    return found;
  }

  /** Forgets all sound. The next sample is at time 0. */
  reset(): void {
    this.stream.reset();
    this.levels?.reset();
    this.finish(() => undefined);
  }

  private listener(onEvent: (event: Event) => void) {
    return (scores: Float32Array, frame: number): void =>
      this.hear(scores, frame, onEvent, this.levels?.at(frame) ?? 1);
  }
}
