import type { LayerError, OutputComparison, TensorError } from '../../compiler/index';
import type { LayerCost, QuantizationSummary } from '../quantizationFiles';
import { adviceText, agreementText, autoText, decibelText, quantizedText, reasonText } from '../quantizationText';
import { bytesText, countText, digits, msText, percentText, plural, shapeText, shortName } from '../text';
import { barChart, histogram, plot } from './charts';
import { html, type Markup } from './markup';
import { figure, sideBySide, type Report, type Section } from './page';
import { dataTable, type Cell, type DataColumn } from './table';

const MOST_BARS = 40;
const NAME_WIDTH = 48;
const MOST_HISTOGRAMS = 24;
/** Layers below this are drawn as bad: their error alone has a thousandth of the signal's power. */
const GOOD = 30;

/** Sizes and times, which depend on the machine. */
export interface Costs {
  layers: readonly LayerCost[];
  floatMs: number;
  ms: number;
  made: string;
}

const right = 'right' as const;
const column = (head: string, hint?: string): DataColumn => ({ head, align: right, ...(hint && { hint }) });
const decibels = (sqnr: number | undefined): Cell =>
  sqnr === undefined ? undefined : { text: decibelText(sqnr), value: sqnr, ...(sqnr < GOOD && { tone: 'bad' }) };
const whole = (
  count: number | undefined,
): Cell => (count === undefined ? undefined : { text: String(count), value: count });
/** Converters join the names of fused operators, so the whole name is only a hint. */
const nameCell = (name: string): Cell => ({ text: shortName(name, NAME_WIDTH), hint: name });
const share = (fraction: number | undefined): Cell =>
  fraction === undefined ? undefined : { text: percentText(fraction, 1), value: fraction };

/** The page of a quantization. */
export function quantizationPage(summary: QuantizationSummary, costs: Costs): Report {
  const { network, source, sourceBytes, fileBytes, fitted, compared, comparison, quantization } = summary;
  return {
    title: `${network} in int8`,
    subtitle: `${source}, ${quantizedText(quantization)}. ${costs.made}`,
    highlights: [...comparison.outputs.slice(0, 2).map((output) => highlightOf(output, comparison.outputs.length)), {
      name: 'file',
      value: `${bytesText(sourceBytes)} → ${bytesText(fileBytes)}`,
    }, { name: 'a prediction here', value: `${msText(costs.floatMs)} → ${msText(costs.ms)}` }, {
      name: 'samples',
      value: summary.isHeldOut ? `${fitted} + ${compared} held out` : plural(compared, 'sample'),
    }],
    sections: [outputs(summary), layers(summary), tensors(summary), ranges(summary), sizeAndTime(costs),
      ...(quantization.floatLayers.length > 0 ? [floats(summary)] : [])],
  };
}

function highlightOf({ name, agreement, sqnr }: OutputComparison, outputs: number): { name: string; value: string } {
  const of = outputs > 1 ? ` of ${shortName(name, 24)}` : '';
  return agreement === undefined
    ? { name: `SQNR${of}`, value: decibelText(sqnr) }
    : { name: `same best class${of}`, value: percentText(agreement, 1) };
}

function outputs({ comparison, compared, isHeldOut, quantization, loss }: QuantizationSummary): Section {
  const table = dataTable(
    [{ head: 'output' }, column('same best class'), column('SQNR', 'signal to error, in decibels'),
      column('cosine', 'of the angle between the values before and after'), column('largest error')],
    comparison.outputs.map((
      { name, agreement, sqnr, cosine, maxError },
    ) => [name, share(agreement), decibels(sqnr),
      cosine === undefined ? undefined : { text: cosine.toFixed(5), value: cosine }, maxError]
    ),
  );
  const seen = isHeldOut ? 'that the quantizer did not see' : 'that the quantizer used too, so this is optimistic';
  const advice = quantization.advice.map((entry) => html`<li><code>${adviceText(entry, quantization)}</code></li>`);
  return {
    title: 'Outputs',
    body: [`The int8 network against the float32 network, on ${plural(compared, 'sample')} ${seen}.`, table,
      ...(loss === undefined ? [] : [`Lost: ${loss}.`]),
      ...(quantization.auto ? autoText(quantization.auto).split('\n') : []), ...(advice.length === 0
        ? []
        : [
          html`<p>What helps, each tried by itself on ${
            plural(quantization.measured, 'sample')
          }:</p><ul>${advice}</ul>`,
        ])],
  };
}

function layers({ quantization: { layers: all, measured } }: QuantizationSummary): Section {
  const withError = all.filter(({ sqnr }) => sqnr < Infinity);
  const chart = barChart({
    title: 'SQNR of the outputs with one layer quantized',
    axis: 'SQNR of the outputs with only this layer in int8, in decibels',
    bars: withError.slice(0, MOST_BARS).map(({ name, op, sqnr }) => ({
      name,
      value: sqnr,
      tone: sqnr < GOOD ? 'bad' : 'plain',
      note: op,
    })),
    limit: { value: GOOD, name: `${GOOD} dB` },
    format: (value) => value.toFixed(1),
  });
  const hasClasses = all.some(({ alone }) => agreementText(alone) !== '');
  const table = dataTable(
    [{ head: 'layer' }, { head: 'operator' }, column('bits', 'of the weights'), column('SQNR'), column('cosine'),
      ...(hasClasses ? [column('same best class')] : [])],
    all.map((layer) => layerRow(layer, hasClasses)),
  );
  const more = withError.length > MOST_BARS ? ` The ${MOST_BARS} with the largest errors are drawn.` : '';
  return {
    title: 'Layers',
    body: [
      `The error that each layer adds by itself: only this layer is int8, with its inputs and outputs, and the rest `
      + `of the network float32, on ${plural(measured, 'sample')}.${more}`,
      ...(withError.length > 0 ? [figure('Short bars are the culprits', chart)] : []),
      table,
    ],
  };
}

function layerRow({ name, op, weightBits, sqnr, alone }: LayerError, hasClasses: boolean): Cell[] {
  const cosine = Math.min(...alone.map((output) => output.cosine ?? 1));
  const classes = alone.flatMap(({ agreement }) => agreement ?? []);
  return [nameCell(name), op, whole(weightBits), decibels(sqnr), { text: cosine.toFixed(5), value: cosine },
    ...(hasClasses ? [share(Math.min(...classes))] : [])];
}

function tensors({ quantization: { tensors: all } }: QuantizationSummary): Section {
  const points = all.flatMap(({ name, sqnr }, i) =>
    Number.isFinite(sqnr) ? [{ x: i, y: sqnr, note: `${name}: ${decibelText(sqnr)}` }] : []
  );
  const chart = plot({
    title: 'SQNR of the tensors along the network',
    x: { name: 'tensor, in the order of the network' },
    y: { name: 'SQNR in dB' },
    series: [{ name: 'SQNR', kind: 'line', points }],
    height: 300,
  });
  const table = dataTable(
    [{ head: 'tensor' }, { head: 'shape' }, { head: 'type' }, column('SQNR'),
      column('observed', 'smallest and largest value of the calibration samples, and 0'),
      column('covered', 'what the 256 steps reach'), column('clipped', 'values beyond the covered range')],
    all.map((
      { name, shape, dtype, sqnr, observed, covered, clipped },
    ) => [nameCell(name), shapeText(shape), dtype, decibels(sqnr), rangeText(observed), covered && rangeText(covered),
      share(clipped)]
    ),
  );
  return {
    title: 'Tensors',
    body: ['What arrives at each tensor: the error of all layers before it together.',
      ...(points.length > 1 ? [figure('The error grows along the network; a step down shows where', chart)] : []),
      table],
  };
}

function rangeText([low, high]: readonly [number, number]): string {
  return `${digits(low)} … ${digits(high)}`;
}

function ranges({ quantization: { tensors: all } }: QuantizationSummary): Section {
  const shown = all.filter(({ histogram: counts, covered }) => covered && counts.length > 0);
  const worst = [...shown].sort((a, b) => a.sqnr - b.sqnr).slice(0, MOST_HISTOGRAMS);
  const chosen = shown.filter((tensor) => worst.includes(tensor));
  const more = shown.length > chosen.length ? ` The ${MOST_HISTOGRAMS} with the lowest SQNR are drawn.` : '';
  return {
    title: 'Ranges',
    body: [
      `The values of each tensor in the calibration samples, with logarithmic counts, and the range that its steps `
      + `cover, between the dashed lines. A wide range for few values wastes steps; a narrow one clips.${more}`,
      sideBySide(chosen.map(histogramOf)),
    ],
  };
}

function histogramOf({ name, observed: [low, high], covered, clipped, histogram: counts }: TensorError): Markup {
  const title = `${shortName(name, 40)}${clipped ? `, ${percentText(clipped, 1)} clipped` : ''}`;
  const chart = histogram({
    title: name,
    axis: 'value',
    edges: Array.from({ length: counts.length + 1 }, (_, i) => low + (high - low) * i / counts.length),
    counts,
    marks: [{ value: covered![0], name: '' }, { value: covered![1], name: '' }],
    logarithmic: true,
  });
  return figure(title, chart);
}

function sizeAndTime({ layers: all, floatMs, ms }: Costs): Section {
  const heaviest = (value: (layer: LayerCost) => number): LayerCost[] =>
    [...all].sort((a, b) => value(b) - value(a)).filter((layer) => value(layer) > 0).slice(0, MOST_BARS / 2);
  const slow = heaviest(({ ms: own }) => own);
  const large = heaviest(({ weightBytes }) => weightBytes);
  const time = barChart({
    title: 'time by operator',
    axis: 'milliseconds',
    bars: slow.map(({ name, op, ms: own }) => ({ name, value: own, note: op })),
  });
  const size = barChart({
    title: 'weights by operator',
    axis: 'KiB of weights',
    bars: large.map(({ name, op, weightBytes }) => ({ name, value: weightBytes / 1024, note: op })),
  });
  const table = dataTable(
    [{ head: 'operator of the file' }, { head: 'kind' }, column('MACs'), column('weights'), column('ms'),
      column('ms in float32')],
    all.map((
      { name, op, macs, weightBytes, ms: own, floatMs: before },
    ) => [name, op, { text: macs > 0 ? countText(macs) : '', value: macs }, {
      text: weightBytes > 0 ? bytesText(weightBytes) : '',
      value: weightBytes,
    }, own, before]),
  );
  return {
    title: 'Size and time',
    body: [`One prediction takes ${msText(ms)} here, in float32 ${msText(floatMs)} (medians, one thread, Node).`,
      ...(slow.length > 0 ? [figure('Time of a prediction', time)] : []),
      ...(large.length > 0 ? [figure('Weights in the file', size)] : []), table],
  };
}

function floats({ quantization: { floatLayers } }: QuantizationSummary): Section {
  const rows = floatLayers.map((layer) => [nameCell(layer.name), layer.op, reasonText(layer)]);
  return { title: 'In float32', body: [dataTable([{ head: 'operator' }, { head: 'kind' }, { head: 'why' }], rows)] };
}
