import type { AutoKept, FloatLayer, LayerError, OutputError, QuantizationAdvice,
  QuantizationReport } from '../compiler/index';
import { referenceTo } from './layers';
import { bytesText, percentText, plural, shortName, table } from './text';

// What quantization cost, as text for the terminal.

const NAME_WIDTH = 40;
/** Rows of the table of layers; the report has all. */
const MOST_LAYERS = 8;
const MOST_FLOAT = 6;

/** "no error" or "31.4 dB". */
export function decibelText(sqnr: number | undefined): string {
  if (sqnr === undefined) return '';
  return sqnr === Infinity ? 'no error' : `${sqnr.toFixed(1)} dB`;
}

/** One line: what is int8 and what is not. */
export function quantizedText({ layers, floatLayers }: QuantizationReport): string {
  const bits = new Map<number, number>();
  for (const { weightBits } of layers) {
    if (weightBits !== undefined) bits.set(weightBits, (bits.get(weightBits) ?? 0) + 1);
  }
  const weights = [...bits].sort(([a], [b]) => b - a).map(([width, count]) =>
    bits.size === 1 ? `weights of ${width} bits` : `${plural(count, 'layer')} with weights of ${width} bits`
  );
  const stay = floatLayers.length === 0 ? '' : `; ${plural(floatLayers.length, 'operator')} in float32`;
  return `${plural(layers.length, 'operator')} to int8${weights.length > 0 ? `, ${weights.join(', ')}` : ''}${stay}`;
}

/** The layers with the largest errors, what stays in float32, and what helps. */
export function quantizationTables(report: QuantizationReport): string {
  const { layers, floatLayers, advice, auto, measured } = report;
  const parts = [];
  const worst = layers.filter(({ sqnr }) => sqnr < Infinity).slice(0, MOST_LAYERS);
  if (worst.length > 0) {
    const rest = layers.length - worst.length;
    const more = rest > 0
      ? `; ${plural(rest, 'other layer')} ${rest === 1 ? 'loses' : 'lose'} less (--report shows all)`
      : '';
    parts
      .push(`error of the outputs if only this layer is int8, on ${plural(measured, 'sample')}${more}:\n${
        layerTable(worst)
      }`);
  }
  if (floatLayers.length > 0) parts.push(`${floatText(floatLayers)}\n`);
  if (auto) parts.push(`${autoText(auto)}\n`);
  if (advice.length > 0) parts.push(`try:\n${advice.map((entry) => `  ${adviceText(entry, report)}\n`).join('')}`);
  return parts.join('\n');
}

function layerTable(layers: readonly LayerError[]): string {
  const right = 'right' as const;
  const hasAgreement = layers.some(({ alone }) => alone.some(({ agreement }) => agreement !== undefined));
  return table(
    [{ head: 'layer' }, { head: 'operator' }, { head: 'bits', align: right }, { head: 'SQNR', align: right },
      ...(hasAgreement ? [{ head: 'same best class', align: right }] : [])],
    layers.map((
      layer,
    ) => [shortName(layer.name, NAME_WIDTH), layer.op, String(layer.weightBits ?? ''), decibelText(layer.sqnr),
      ...(hasAgreement ? [agreementText(layer.alone)] : [])]
    ),
  );
}

/** The least agreement of the outputs, in percent. */
export function agreementText(outputs: readonly OutputError[]): string {
  const known = outputs.flatMap(({ agreement }) => agreement ?? []);
  return known.length > 0 ? percentText(Math.min(...known), 1) : '';
}

const reasons: Record<FloatLayer['reason'], string> = {
  kept: 'named by --keep',
  operator: 'no int8 form',
  neighbors: 'between float32 operators',
};

/** Why an operator stays in float32. */
export function reasonText({ reason, why }: FloatLayer): string {
  return why ?? reasons[reason];
}

function floatText(layers: readonly FloatLayer[]): string {
  const listed = layers.slice(0, MOST_FLOAT).map((layer) =>
    `${shortName(layer.name, NAME_WIDTH)} (${layer.op}, ${reasonText(layer)})`
  );
  const more = layers.length > MOST_FLOAT ? `, and ${layers.length - MOST_FLOAT} more` : '';
  return `in float32: ${listed.join(', ')}${more}`;
}

/** What `--keep auto` kept, and what that gives. */
export function autoText({ layers, reached, before, after, isHeldOut }: AutoKept): string {
  const on = `on ${plural(after.samples, 'sample')}${isHeldOut ? '' : ' that were used to quantize too'}`;
  const resultOf = ({ outputs }: AutoKept['before']): string =>
    outputs.map(({ agreement, sqnr }) =>
      agreement === undefined ? decibelText(sqnr) : `${percentText(agreement, 1)} of the best classes`
    ).join(', ');
  if (layers.length === 0) {
    const why = reached ? 'the outputs reach the goal without' : 'no layer brings the outputs closer to the goal';
    return `--keep auto: nothing, ${why} (${resultOf(before)} ${on})`;
  }
  const wide = layers.filter(({ as }) => as === 'int16');
  const listed = wide.slice(0, MOST_FLOAT).map(({ name, op, why }) => `${shortName(name, NAME_WIDTH)} (${op}, ${why})`);
  const more = wide.length > MOST_FLOAT ? `, and ${wide.length - MOST_FLOAT} more` : '';
  const counts = [[layers.length - wide.length, 'in float32'], [wide.length, 'with 16-bit activations']] as const;
  const kept = counts.filter(([count]) => count > 0).map(([count, how]) => `${plural(count, 'layer')} ${how}`);
  const short = reached ? '' : '; the goal is out of reach';
  return [...(wide.length > 0 ? [`with 16-bit activations: ${listed.join(', ')}${more}`] : []),
    `--keep auto: ${kept.join(', ')}; ${resultOf(before)} became ${resultOf(after)} ${on}${short}`].join('\n');
}

/** "--keep head/concat: +31.2 dB, 2.10 KiB more". */
export function adviceText(
  { keep, gain, agreementGain, bytes }: QuantizationAdvice,
  { layers }: Pick<QuantizationReport, 'layers'>,
): string {
  const sign = (text: string): string => (text.startsWith('-') ? text : `+${text}`);
  const better = gain === Infinity ? 'no error' : `${sign(gain.toFixed(1))} dB`;
  const classes = agreementGain ? `, ${sign((100 * agreementGain).toFixed(1))} points of the best class` : '';
  const size = bytes < 0 ? `${bytesText(-bytes)} less` : `${bytesText(bytes)} more`;
  return `--keep ${shellText(referenceTo(keep, layers.map(({ name }) => name)))}: ${better}${classes}, ${size}`;
}

/** A name as a shell takes it. */
function shellText(name: string): string {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
