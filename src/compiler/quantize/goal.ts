import type { Comparison, OutputComparison } from '../compare';

// What the outputs must reach so that no further node is kept in float32.

/** The SQNR of an output in decibels. */
const GOAL_SQNR = 30;
/** The fraction of the samples whose best class is that of the float network. */
const GOAL_AGREEMENT = 0.99;
/**
 * The SQNR that class scores need as well, unless they are probabilities: such a vector may also
 * hold something else, whose largest element means nothing.
 */
const LEAST_SQNR = 20;
/** With fewer samples, no best class may change; with more, one in a hundred, but at least one. */
const FEW_SAMPLES = 25;

/** Measures how far outputs are from the goal. */
export class Goal {
  /** @param isProbabilities of each output */
  constructor(private readonly isProbabilities: readonly boolean[]) {}

  /** By how many decibels the outputs miss the goal, added up; 0 if all reach it. */
  shortfall({ outputs, samples }: Comparison): number {
    return outputs.reduce((sum, output, i) => sum + this.missing(output, i, samples), 0);
  }

  /** Whether an output misses the goal. */
  isMissed({ outputs, samples }: Comparison, i: number): boolean {
    return this.missing(outputs[i]!, i, samples) > 0;
  }

  /** The output that misses the goal by most, in words, for example "22.3 dB at the outputs". */
  text(comparison: Comparison): string {
    const { outputs, samples } = comparison;
    const missing = outputs.map((output, i) => this.missing(output, i, samples));
    const worst = missing.indexOf(Math.max(...missing));
    const { name, agreement, sqnr } = outputs[worst]!;
    const where = outputs.length === 1 ? 'the outputs' : `output "${name}"`;
    if (agreement !== undefined && isChanged(agreement, samples)) {
      const what = sqnr === undefined ? 'values' : 'best class';
      return `change ${(100 * (1 - agreement)).toFixed(1)} % of the ${
        what === 'values' ? what : 'best classes'
      } at ${where}; goal ${Math.round(100 * (1 - GOAL_AGREEMENT))} %`;
    }
    const goal = agreement === undefined ? GOAL_SQNR : LEAST_SQNR;
    return `leave ${sqnr!.toFixed(1)} dB at ${where}; goal ${goal} dB`;
  }

  private missing({ agreement, sqnr }: OutputComparison, i: number, samples: number): number {
    const below = (goal: number): number => (sqnr === undefined ? 0 : Math.max(0, goal - sqnr));
    if (agreement === undefined) return below(GOAL_SQNR);
    const changes = isChanged(agreement, samples) ? 10 * Math.log10((1 - agreement) / (1 - GOAL_AGREEMENT)) : 0;
    return Math.max(changes, this.isProbabilities[i] ? 0 : below(LEAST_SQNR));
  }
}

/** Whether more best classes changed than chance explains. */
function isChanged(agreement: number, samples: number): boolean {
  const allowed = samples < FEW_SAMPLES ? 0 : Math.ceil(samples * (1 - GOAL_AGREEMENT) - 1e-9);
  return Math.round(samples * (1 - agreement) * 1e6) / 1e6 > allowed;
}
