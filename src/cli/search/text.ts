import { metricTexts, type HeldOut, type MetricName, type NetworkSearch, type NetworkValues, type QualityName,
  type Recipe, type SearchBudget, type Trial } from '../../compiler/index';
import { comparisonTable } from '../comparison';
import { differenceInterval, differenceText, intervalText, valueText } from '../evaluation/text';
import { leftText } from '../progress';
import { recipeText } from '../recipe';
import { bytesText, clip, facts, msText, plural, table, type Column } from '../text';
import { budgetText } from './budget';

/** A network of the result. */
export interface Candidate {
  trial: Trial;
  values: NetworkValues;
  recipe: Recipe;
  /** Time of a prediction, measured after the search, with nothing else running. */
  ms: number;
  klet: Uint8Array;
}

/** The result of a search, as it is printed. */
export interface SearchOutcome {
  input: string;
  output: string;
  search: NetworkSearch;
  /** Number of samples that trials are fitted to. */
  samples: number;
  hasLabels: boolean;
  seconds: number;
  /** The Pareto front, the best quality first. */
  front: readonly Candidate[];
  best: Candidate | undefined;
  /** The time of the original network, measured in turns with the others. */
  originalMs: number;
  report: HeldOut | undefined;
  /** The command that repeats the best recipe. */
  repeat: string | undefined;
}

/** The width of the columns before the recipe. */
const NUMBERS_WIDTH = 46;
const LEAST_RECIPE = 24;
const SHOWN = 20;

export function qualityTitle(name: QualityName): string {
  if (name === 'agreement') return 'same class';
  return name === 'sqnr' ? 'SQNR' : metricTexts[name].name;
}

export function qualityText(name: QualityName, quality: number | undefined): string {
  if (quality === undefined) return '';
  if (name === 'sqnr') return `${quality.toFixed(1)} dB`;
  return name === 'agreement' ? `${(100 * quality).toFixed(1)} %` : valueText(name, quality);
}

export function lossText(name: QualityName, loss: number | undefined): string {
  return loss === undefined || name === 'sqnr' ? '' : `${loss.toFixed(2).replace(/^-(0\.00)$/, '$1')} pt`;
}

/** How many trials there were, and what became of them. */
export function trialsText(trials: readonly Trial[], measures: readonly string[] = ['loss']): string {
  const isComplete = (values: Readonly<Record<string, number>>): boolean => measures.every((name) => name in values);
  const count = (is: (trial: Trial) => boolean): number => trials.filter(is).length;
  const failed = count(({ failure }) => failure !== undefined);
  const early = count(({ values }) => values !== undefined && !isComplete(values));
  const evaluated = count(({ values }) => values !== undefined && isComplete(values));
  const others = [early > 0 && `${early} too large`, failed > 0 && `${failed} failed`].filter(Boolean);
  return [`${evaluated} evaluated`, ...others].join(', ');
}

export function searchText(outcome: SearchOutcome, columns: number): string {
  const { input, output, search, front, best, report, samples, hasLabels, seconds, repeat } = outcome;
  const { qualityName: name, original, counts, study } = search;
  const test = `${plural(counts.choosing, hasLabels ? 'example' : 'input')} to choose, ${counts.reporting} held out`;
  const head = facts({
    network: `${input}, ${bytesText(original.bytes)} as .klet, ${qualityTitle(name)} ${
      name === 'sqnr' ? 'is that of the outputs' : qualityText(name, original.quality)
    }`,
    data: `${plural(samples, 'sample')} to fit to; ${test}`,
    budget: budgetText(search.budget),
    trials: `${study.trials.length} in ${leftText(seconds)}: ${trialsText(study.trials)}`,
    best: best && bestText(outcome, best),
    recipe: best && recipeText(best.recipe),
    wrote: best && `${output}, ${bytesText(best.klet.length)}`,
    repeat,
  });
  const caption = `not beaten in ${
    search.open().includes('ms') || search.original.ms !== undefined ? 'quality, size and time' : 'quality and size'
  }, on the examples to choose; > is the best within the budget:`;
  const held = report && heldOutText(report, name, search.budget);
  return [head, ...(front.length > 0 ? [`${caption}\n${frontTable(outcome, columns)}`] : []), ...(held ? [held] : [])]
    .join('\n');
}

function bestText(
  { search: { qualityName: name }, originalMs }: SearchOutcome,
  { trial, values, ms }: Candidate,
): string {
  const lost = lossText(name, values.loss);
  return `trial ${trial.number}: ${bytesText(values.bytes)}, ${qualityTitle(name)} ${
    qualityText(name, values.quality)
  }${lost && ` (lost ${lost})`}, ${msText(ms)} (original ${msText(originalMs)})`;
}

function frontTable({ front, best, search: { qualityName: name } }: SearchOutcome, columns: number): string {
  const right = 'right' as const;
  const hasLoss = name !== 'sqnr';
  const heads: Column[] = [{ head: '' },
    ...['trial', 'size', qualityTitle(name), ...(hasLoss ? ['lost'] : []), 'time'].map((head) => ({
      head,
      align: right,
    })), { head: 'recipe' }];
  const room = Math.max(LEAST_RECIPE, columns - NUMBERS_WIDTH);
  const rows = front.slice(0, SHOWN).map((
    { trial, values, ms, recipe },
  ) => [trial.number === best?.trial.number ? '>' : '', String(trial.number), bytesText(values.bytes),
    qualityText(name, values.quality), ...(hasLoss ? [lossText(name, values.loss)] : []), msText(ms),
    clip(recipeText(recipe), room)]
  );
  return table(heads, rows);
}

/** The report on the examples that no trial saw. */
export function heldOutText({ evaluation, comparison }: HeldOut, name: QualityName, budget: SearchBudget): string {
  if (comparison) {
    return `on ${comparison.samples} held-out inputs, which no trial saw:\n${comparisonTable(comparison)}`;
  }
  if (!evaluation) return '';
  const metric = name as MetricName;
  const { first, second, differences, verdict } = evaluation;
  const [before, after, difference] = [first.metrics[metric], second.metrics[metric], differences[metric]];
  const rows = facts({
    original: before && `${valueText(metric, before.value)}  (${intervalText(metric, before)})`,
    best: after && `${valueText(metric, after.value)}  (${intervalText(metric, after)})`,
    lost: difference && `${differenceText(metric, difference.value)}  (${differenceInterval(metric, difference)})`,
    verdict,
  });
  const limit = budget.loss === undefined ? '' : ' The budget holds for the examples to choose.';
  return `${metricTexts[metric].name} on ${plural(second.examples, 'held-out example')}, which no trial saw, with 95 % `
    + `intervals.${limit}\n${rows}`;
}
