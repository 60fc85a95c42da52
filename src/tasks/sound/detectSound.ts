import { checkChoice, type Options } from '../../arguments';
import type { StreamingModel } from '../../audio/index';
import { optionsOf, perClass, type PerClass } from './classes';
import { Detector, type DetectorOptions } from './detector';
import { Segmenter, Smoother, type StepSegment } from './segments';

/** A sound event. */
export interface SoundEvent {
  label: string;
  /** Seconds from the first sample. */
  start: number;
  end: number;
  /** The highest smoothed score in the event. */
  confidence: number;
}

export type OnSound = (event: SoundEvent) => void;

export interface DetectSoundOptions extends DetectorOptions {
  /** Seconds over which scores are smoothed, centred on each output (default 0: not at all). */
  smoothing?: number;
  /** How scores are smoothed (default `median`). */
  filter?: 'median' | 'mean';
  /** An event has a score of at least `onset` (default 0.5): one for all classes, or by label. */
  onset?: PerClass;
  /** All scores of an event are at least `offset` (default: half the onset). */
  offset?: PerClass;
  /** Seconds. Events of a class with a shorter gap between them are one event (default 0). */
  minGap?: number;
  /** Seconds. Shorter events are left out, after gaps are closed (default 0). */
  minDuration?: number;
}

const detectSoundOptions = {
  smoothing: 'number',
  filter: 'string',
  onset: 'any',
  offset: 'any',
  minGap: 'number',
  minDuration: 'number',
  background: 'any',
  every: 'number',
  output: 'string',
} satisfies Options<DetectSoundOptions>;

/**
 * Finds sound events with their beginnings and ends. Scores are smoothed; the runs of scores of at
 * least `offset` with one of at least `onset` are events (double threshold, H. Dinkel et al.,
 * "Towards duration robust weakly supervised sound event detection", 2021). Each output stands for
 * the time around the middle of what the network saw. An event is reported as soon as no later
 * sound can continue it.
 */
export class SoundDetector extends Detector<SoundEvent> {
  private readonly smoothers: readonly Smoother[];
  private readonly segmenters: readonly Segmenter[];

  /** @internal */
  constructor(model: StreamingModel, options: DetectSoundOptions) {
    const { filter = 'median', smoothing = 0, minGap = 0, minDuration = 0 } = options;
    super(model, options, false);
    const { labels } = this;
    const onset = perClass(options.onset, labels, 'onset', () => 0.5);
    const offset = perClass(options.offset, labels, 'offset', (i) => onset[i]! / 2);
    // odd, so that there is a middle
    const size = 2 * Math.floor(this.clock.outputs(smoothing) / 2) + 1;
    this.smoothers = labels.map(() => new Smoother(size, filter));
    const { step } = this.clock;
    // a gap or a length of exactly the limit is not below it, whatever the rounding
    const steps = (seconds: number): number => seconds / step - 1e-6;
    this.segmenters = labels.map((_, i) =>
      new Segmenter({ onset: onset[i]!, offset: offset[i]!, minGap: steps(minGap), minLength: steps(minDuration) })
    );
    this.reset();
  }

  /**
   * Finds the events of a whole recording. Resets before and after.
   *
   * @returns the events by their start
   */
  override detect(samples: Float32Array): SoundEvent[] {
    return super.detect(samples).sort((a, b) => a.start - b.start);
  }

  /** @internal */
  protected hear(scores: Float32Array, _: number, onSound: OnSound): void {
    for (let i = 0; i < scores.length; i++) {
      if (!this.isBackground[i]) this.smoothers[i]!.push(scores[i]!, (value) => this.pass(i, value, onSound));
    }
  }

  private pass(index: number, value: number, onSound: OnSound): void {
    this.segmenters[index]!.push(value, (segment) => onSound(this.eventOf(index, segment)));
  }

  /** @internal */
  protected finish(onSound: OnSound): void {
    this.smoothers.forEach((smoother, i) => {
      smoother.end((value) => this.pass(i, value, onSound));
      this.segmenters[i]!.end((segment) => onSound(this.eventOf(i, segment)));
    });
  }

  private eventOf(index: number, { start, end, peak }: StepSegment): SoundEvent {
    const { stream: { frames }, clock } = this;
    return {
      label: this.labels[index]!,
      start: clock.between(frames, start),
      end: clock.between(frames, end),
      confidence: peak,
    };
  }
}

/**
 * Creates a detector of sound events. Options that are left out come from the task in the model's
 * file (`{ kind: 'detectSound', … }`), if it has one.
 *
 * @param model a model with audio preprocessing, one input, and scores of classes as its output
 * @throws KletError `BAD_ARGUMENT` if an option is unknown or out of range, and as
 *   `createAudioStream`
 * @example
 * ```js
 * import { detectSound } from 'kinglet/tasks/sound';
 * const model = await load('models/spoken-digits/spoken-digits.klet');
 * const detector = detectSound(model, { smoothing: 0.1, onset: 0.9, offset: 0.5 });
 * console.log(detector.detect(new Float32Array(8000)).length); // 0
 * ```
 */
export function detectSound(model: StreamingModel, options: DetectSoundOptions = {}): SoundDetector {
  const all = optionsOf('detectSound', model, options, detectSoundOptions, ['smoothing', 'minGap', 'minDuration']);
  checkChoice(all.filter ?? 'median', { median: true, mean: true }, 'filter', 'detectSound()');
  return new SoundDetector(model, all);
}
