import { minAgreement, minSqnr, type Comparison, type OutputComparison } from '../compiler/index';
import type { Samples } from './samples';
import { digits, percentText, plural, shortName, table } from './text';

// How a changed network compares with the original, as text.

const BAR = 20;
const NAME_WIDTH = 32;
/** Below this number of samples, a network may be ruined although all best classes are the same. */
const FEW_SAMPLES = 10;
const LEAST = `${100 * minAgreement} %`;

/** Describes the samples that were compared, and whether the fitting used them too. */
export function comparedText({ fitting, comparing, isHeldOut }: Samples): string {
  const samples = plural(comparing.length, 'sample');
  if (!isHeldOut) return `with the original on ${samples}, which the compression used too, so the result is optimistic`;
  if (fitting === comparing) return `with the original on ${samples}`;
  return `with the original on ${samples} that the compression did not see; it used ${fitting.length} others`;
}

export function comparisonTable({ samples, outputs }: Comparison): string {
  const right = 'right' as const;
  const hasAgreement = outputs.some(({ agreement }) => agreement !== undefined);
  const agreeing = hasAgreement ? [{ head: 'same best class', align: right }, { head: '' }, { head: '' }] : [];
  return table(
    [{ head: 'output' }, ...agreeing, { head: 'SQNR', align: right }, { head: 'largest error', align: right }],
    outputs.map((
      output,
    ) => [shortName(output.name, NAME_WIDTH), ...(hasAgreement ? agreementCells(output, samples) : []),
      sqnrText(output), digits(output.maxError)]
    ),
  );
}

function agreementCells({ agreement }: OutputComparison, samples: number): string[] {
  if (agreement === undefined) return ['', '', ''];
  const filled = Math.floor(agreement * BAR);
  return [countText(agreement, samples), percentText(agreement, 1), '#'.repeat(filled) + '.'.repeat(BAR - filled)];
}

function countText(agreement: number, samples: number): string {
  return `${Number((agreement * samples).toFixed(2))} of ${samples}`;
}

function sqnrText({ sqnr }: OutputComparison): string {
  if (sqnr === undefined) return '';
  return sqnr === Infinity ? 'no error' : `${sqnr.toFixed(1)} dB`;
}

/** Describes the outputs that are below the required bounds. */
export function ruinText({ samples, outputs }: Comparison): string {
  return outputs.filter(({ verdict }) => verdict === 'ruined').map((output) => {
    const name = `"${shortName(output.name, NAME_WIDTH)}"`;
    const { agreement } = output;
    return agreement === undefined
      ? `${name} has an SQNR of ${sqnrText(output)}; at least ${minSqnr} dB is required`
      : `${name} has the same best class for ${countText(agreement, samples)} samples; at least ${LEAST} is required`;
  }).join('; ');
}

/** A warning if a comparison on few samples proves little. */
export function comparisonWarning({ samples, verdict }: Comparison): string | undefined {
  const more = 'pass more of them with --samples (a quarter is held out where weights are fitted)';
  if (verdict === 'uncertain') {
    return `fewer than ${LEAST} of the samples keep their best class; `
      + `${plural(samples, 'sample')} ${samples === 1 ? 'is' : 'are'} too few to tell chance from ruin: ${more}`;
  }
  return samples < FEW_SAMPLES
    ? `${plural(samples, 'sample')} ${samples === 1 ? 'says' : 'say'} little about the accuracy: ${more}`
    : undefined;
}
