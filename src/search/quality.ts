import { compare, Reference, type Comparison, type ComparisonSample } from '../compiler/compare';
import { KletError } from '../errors';
import { evaluate } from '../evaluation/evaluate';
import { evaluatePair, type PairedEvaluation } from '../evaluation/pair';
import type { EvaluateOptions, Evaluation, Example, MetricName } from '../evaluation/types';
import { decisive, metricTexts } from '../evaluation/verdict';

/** How good a network is, as trials are compared. */
export interface Quality {
  /** The metric, the agreement of the best class (0..1), or the SQNR in decibels. */
  quality: number;
  /**
   * What is lost against the original network. In points, which are percent: of the metric or the
   * agreement, or, for metrics without a fixed range such as `mae`, of the original's value. For
   * the SQNR, its negative.
   */
  loss: number;
}

/** What the quality is. */
export type QualityName = MetricName | 'agreement' | 'sqnr';

/** The result on inputs that no trial saw. */
export interface HeldOut {
  /** With labels: the original first, the chosen network second. */
  evaluation?: PairedEvaluation;
  /** Without labels. */
  comparison?: Comparison;
}

/** Measures the quality of networks on one half of the test data, and reports on the other. */
export interface Judge {
  readonly name: QualityName;
  /** The quality of the original network. */
  readonly original: number;
  /** Number of examples for choosing and for the report. */
  readonly counts: { choosing: number; reporting: number };
  of(klet: Uint8Array): Quality;
  report(klet: Uint8Array): HeldOut;
}

/** Every second element is for choosing, because data are often sorted by class. */
export function halves<T>(list: readonly T[]): { choosing: T[]; reporting: T[] } {
  if (list.length < 2) return { choosing: [...list], reporting: [...list] };
  return { choosing: list.filter((_, i) => i % 2 === 0), reporting: list.filter((_, i) => i % 2 === 1) };
}

export type LabelOptions = Pick<EvaluateOptions, 'task' | 'output' | 'classes' | 'seed'> & { metric?: MetricName };

/** Judges by labeled examples. */
export class LabelJudge implements Judge {
  readonly name: MetricName;
  readonly original: number;
  readonly counts: Judge['counts'];
  private readonly examples: { choosing: readonly Example[]; reporting: readonly Example[] };
  private readonly options: EvaluateOptions;

  constructor(private readonly network: Uint8Array, examples: readonly Example[], options: LabelOptions) {
    const { metric, ...others } = options;
    this.examples = halves(examples);
    this.options = others;
    this.counts = { choosing: this.examples.choosing.length, reporting: this.examples.reporting.length };
    const { metrics } = this.evaluate(network);
    const name = metric ?? decisive.find((candidate) => metrics[candidate]);
    const found = name === undefined ? undefined : metrics[name];
    if (name === undefined || !found) {
      const names = Object.keys(metrics).join(', ') || 'none';
      throw new KletError('BAD_ARGUMENT', `the examples give no ${name ?? 'metric to search by'}; there are ${names}`);
    }
    this.name = name;
    this.original = found.value;
  }

  of(klet: Uint8Array): Quality {
    const quality = this.evaluate(klet).metrics[this.name]?.value;
    if (quality === undefined || Number.isNaN(quality)) {
      throw new KletError('BAD_ARGUMENT', `the network's outputs give no ${this.name}`);
    }
    return { quality, loss: lossOf(this.name, this.original, quality) };
  }

  report(klet: Uint8Array): HeldOut {
    return { evaluation: evaluatePair(this.network, klet, this.examples.reporting, this.options) };
  }

  private evaluate(klet: Uint8Array): Evaluation {
    return evaluate(klet, this.examples.choosing, { ...this.options, resamples: 0 });
  }
}

/** What is lost in points; see `Quality`. */
export function lossOf(name: MetricName, before: number, after: number): number {
  const { isHigherBetter, isFraction } = metricTexts[name];
  if (isHigherBetter) return 100 * (before - after);
  return 100 * (after - before) / (isFraction ? 1 : Math.abs(before) || 1);
}

/** An SQNR without error, in decibels. */
const EXACT = 200;

/** Judges by how well a network keeps the answers of the original, without labels. */
export class AgreementJudge implements Judge {
  readonly name: 'agreement' | 'sqnr';
  readonly original: number;
  readonly counts: Judge['counts'];
  private readonly reference: Reference;
  private readonly samples: { choosing: readonly ComparisonSample[]; reporting: readonly ComparisonSample[] };

  /** @param wanted the quality that the budget limits */
  constructor(
    private readonly network: Uint8Array,
    samples: readonly ComparisonSample[],
    wanted?: 'agreement' | 'sqnr',
  ) {
    this.samples = halves(samples);
    this.counts = { choosing: this.samples.choosing.length, reporting: this.samples.reporting.length };
    this.reference = new Reference(network, this.samples.choosing);
    const hasClasses = this.reference.compare(network).outputs.some(({ agreement }) => agreement !== undefined);
    if (wanted === 'agreement' && !hasClasses) {
      throw new KletError(
        'BAD_ARGUMENT',
        'a budget in points needs labels, or an output with the scores of classes; '
          + 'without them, the budget is the least SQNR in decibels',
      );
    }
    this.name = wanted ?? (hasClasses ? 'agreement' : 'sqnr');
    this.original = this.name === 'agreement' ? 1 : EXACT;
  }

  of(klet: Uint8Array): Quality {
    const { outputs } = this.reference.compare(klet);
    if (this.name === 'agreement') {
      const quality = Math.min(...outputs.map(({ agreement }) => agreement ?? 1));
      return { quality, loss: 100 * (1 - quality) };
    }
    const quality = Math.min(EXACT, ...outputs.map(({ sqnr }) => sqnr ?? EXACT));
    return { quality, loss: -quality };
  }

  report(klet: Uint8Array): HeldOut {
    return { comparison: compare(this.network, klet, this.samples.reporting) };
  }
}
