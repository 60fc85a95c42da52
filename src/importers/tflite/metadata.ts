import { unzipSync } from 'fflate';
import { KletError } from '../../errors';
import type { ForeignMeta } from '../shared/importer';
import { pythonLiteral, ultralyticsMeta } from '../shared/ultralytics';
import { TfliteReader } from './reader';
import type { Table } from './schema';

// The TFLite metadata of a file: a FlatBuffer of its own in one of the buffers, which describes the
// tensors, and a ZIP archive behind the network with the files that it names
// (tensorflow.org/lite/models/convert/metadata).

const ENTRY = 'TFLITE_METADATA';
const MAGIC = 'M001';
const NORMALIZATION = 1;
const AXIS_LABELS = 2;
const VALUE_LABELS = 3;
/** Upper limit of a file of labels, in bytes. */
const MAX_LABELS = 1 << 24;

/**
 * Reads the labels and the normalization of the first input from TFLite metadata, and the entries
 * of Ultralytics.
 *
 * @returns nothing for a file without metadata
 * @throws KletError `CORRUPT`
 */
export function readMetadata(bytes: Uint8Array): ForeignMeta {
  try {
    const model = new TfliteReader(bytes).model();
    const entry = model.metadata.find(({ name }) => name === ENTRY);
    const data = entry && model.buffers[entry.buffer]?.data;
    const subgraph = model.subgraphs[0];
    if (!data || data.length === 0 || !subgraph) return {};
    const reader = new TfliteReader(data, MAGIC);
    const [described] = reader.root('ModelMetadata').subgraphs;
    const input = subgraph.tensors[subgraph.inputs[0] ?? -1];
    const text = labelText(bytes, described);
    const entries = text?.startsWith('{') ? pythonLiteral(text) : undefined;
    if (entries instanceof Map) return ultralyticsMeta((key) => entries.get(key));
    const labels = text?.split(/\r?\n/).map((line) => line.trim());
    const preprocessing = input && normalizationOf(reader, described?.inputs[0], input.shape);
    return { ...(labels && { labels }), ...(preprocessing && { preprocessing }) };
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('CORRUPT', `the TFLite metadata is damaged: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The label file of the first output that has one. A file without a locale is
 * preferred.
 */
function labelText(bytes: Uint8Array, described: Table<'SubGraphMetadata'> | undefined): string | undefined {
  const files = (described?.outputs ?? []).flatMap(({ associatedFiles }) => associatedFiles);
  const wanted = files.filter(({ type }) => type === AXIS_LABELS || type === VALUE_LABELS);
  const file = wanted.find(({ locale }) => locale === '') ?? wanted[0];
  if (!file) return undefined;
  const found =
    unzipSync(bytes, {
      filter: ({ name, originalSize }) => name === file.name && originalSize <= MAX_LABELS,
    })[file.name];
  if (!found) throw new KletError('CORRUPT', `the TFLite metadata names the file "${file.name}", which is missing`);
  return new TextDecoder().decode(found).trimEnd();
}

/** (byte − mean) / std per channel, as a factor and an offset. */
function normalizationOf(
  reader: TfliteReader,
  tensor: Table<'TensorMetadata'> | undefined,
  shape: readonly number[],
): ForeignMeta['preprocessing'] {
  const unit = tensor?.processUnits.find(({ optionsType }) => optionsType === NORMALIZATION);
  const channels = shape.at(-1);
  if (!unit || (channels !== 1 && channels !== 3) || shape.length !== 4) return undefined;
  const { mean, std } = reader.table('NormalizationOptions', unit.options);
  const numbers = mean.length > 0 && mean.length === std.length && std.every((x) => Number.isFinite(x) && x !== 0);
  if (!numbers || !mean.every(Number.isFinite)) {
    throw new KletError('CORRUPT', `the TFLite metadata has the mean [${mean.join()}] and the std [${std.join()}]`);
  }
  const scale = std.map((x) => 1 / x);
  const offset = mean.map((x, i) => -x / std[i]!);
  if (mean.length === 1) return { kind: 'image', channels, scale: scale[0]!, offset: offset[0]! };
  if (mean.length === channels) return { kind: 'image', channels, scale, offset };
  throw new KletError('CORRUPT', `the TFLite metadata has ${mean.length} means for ${channels} channels`);
}
