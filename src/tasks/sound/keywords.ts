import type { Options } from '../../arguments';
import type { StreamingModel } from '../../audio/index';
import { optionsOf, perClass, type PerClass } from './classes';
import { Detector, type DetectorOptions } from './detector';

/** A keyword that was heard. */
export interface Keyword {
  label: string;
  /** The mean score over the smoothing window, when it reached the threshold. */
  confidence: number;
  /** Seconds from the first sample to the end of the frame at which the keyword was certain. */
  time: number;
}

export type OnKeyword = (keyword: Keyword) => void;

export interface KeywordOptions extends DetectorOptions {
  /** Seconds over which scores are averaged (default 0.3). Before the stream they count as 0. */
  smoothing?: number;
  /** Mean score from which a class fires (default 0.6): one for all classes, or by label. */
  threshold?: PerClass;
  /**
   * Mean score below which a class that fired can fire again (default: half its threshold): one
   * for all classes, or by label.
   */
  rearm?: PerClass;
  /** Seconds after a keyword in which no class fires (default 0.5). */
  refractory?: number;
  /**
   * Decibels of full scale. Where no frame of the smoothing window is as loud, all scores of the
   * window become 0. Default: no limit. A network without a class for silence needs one, such as
   * −50.
   */
  minLevel?: number;
}

const keywordOptions = {
  smoothing: 'number',
  threshold: 'any',
  rearm: 'any',
  refractory: 'number',
  background: 'any',
  minLevel: 'number',
  every: 'number',
  output: 'string',
} satisfies Options<KeywordOptions>;

const THRESHOLD = 0.6;

/**
 * Finds keywords in a stream of sound. Scores are averaged over a window (G. Chen et al.,
 * "Small-footprint keyword spotting using deep neural networks", 2014). A class fires when its mean
 * is the highest of all and reaches its threshold, and again only after it fell below its rearm
 * level.
 */
export class KeywordDetector extends Detector<Keyword> {
  private readonly threshold: Float64Array;
  private readonly rearm: Float64Array;
  private readonly refractory: number;
  private readonly minLevel: number;
  /** The last outputs, [count][classes], and the levels of their frames. */
  private readonly scores: Float32Array;
  private readonly loudness: Float64Array;
  private readonly armed: boolean[];
  private outputs = 0;
  private lastTime = -Infinity;

  /** @internal */
  constructor(model: StreamingModel, options: KeywordOptions) {
    const { smoothing = 0.3, minLevel = -Infinity, threshold, rearm, refractory = 0.5 } = options;
    super(model, options, minLevel > -Infinity);
    const { labels } = this;
    this.threshold = perClass(threshold, labels, 'threshold', () => THRESHOLD);
    this.rearm = perClass(rearm, labels, 'rearm', (i) => this.threshold[i]! / 2);
    this.refractory = refractory;
    this.minLevel = 10 ** (minLevel / 20);
    const count = this.clock.outputs(smoothing);
    this.scores = new Float32Array(count * labels.length);
    this.loudness = new Float64Array(count);
    this.armed = labels.map(() => true);
    this.reset();
  }

  /** @internal */
  protected finish(): void {
    this.scores.fill(0);
    this.loudness.fill(0);
    this.armed.fill(true);
    this.outputs = 0;
    this.lastTime = -Infinity;
  }

  /** @internal */
  protected hear(scores: Float32Array, frame: number, onKeyword: OnKeyword, rms: number): void {
    const { labels: { length }, loudness } = this;
    const at = this.outputs++ % loudness.length;
    loudness[at] = rms;
    if (loudness.some((level) => level >= this.minLevel)) this.scores.set(scores, at * length);
    else this.scores.fill(0);
    let best = 0;
    let highest = -Infinity;
    for (let i = 0; i < length; i++) {
      const mean = this.mean(i);
      if (mean < this.rearm[i]!) this.armed[i] = true;
      if (mean > highest) {
        best = i;
        highest = mean;
      }
    }
    if (highest < this.threshold[best]! || !this.armed[best] || this.isBackground[best]) return;
    const time = this.clock.end(frame);
    if (time - this.lastTime < this.refractory) return;
    this.lastTime = time;
    this.armed[best] = false;
    onKeyword({ label: this.labels[best]!, confidence: highest, time });
  }

  /** Mean score of a class, summed anew, so that no rounding errors accumulate. */
  private mean(index: number): number {
    const { scores, loudness, labels } = this;
    let sum = 0;
    for (let i = index; i < scores.length; i += labels.length) sum += scores[i]!;
    return sum / loudness.length;
  }
}

/**
 * Creates a detector of keywords. Options that are left out come from the task in the model's file
 * (`{ kind: 'keywords', … }`), if it has one.
 *
 * @param model a model with audio preprocessing, one input, and scores of classes as its output
 * @throws KletError `BAD_ARGUMENT` if an option is unknown or out of range, and as
 *   `createAudioStream`
 * @example
 * ```js
 * import { keywords } from 'kinglet/tasks/sound';
 * const model = await load('models/spoken-digits/spoken-digits.klet');
 * const digits = keywords(model, { minLevel: -50 });
 * digits.push(new Float32Array(8000), ({ label, time }) => console.log(label, time));
 * console.log(digits.detect(new Float32Array(8000)).length); // 0
 * ```
 */
export function keywords(model: StreamingModel, options: KeywordOptions = {}): KeywordDetector {
  return new KeywordDetector(model, optionsOf('keywords', model, options, keywordOptions, ['smoothing', 'refractory']));
}
