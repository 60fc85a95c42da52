import { parse } from 'papaparse';
import { unzipSync } from 'fflate';
import type { Model } from '../../../src/browser';
import { imageToInput } from '../../../src/tasks/index';
import { inputKind } from './guess';
import { decodeSound, npyValues, pictureOf, soundInput, type AudioPreprocessing } from './inputs';
import { labelling, type NamedFile } from './labels';
import type { Sample } from './messages';

// Samples of what the network will see, from files, folders, archives and tables.

/** Bytes of inputs that are kept; a page has not much more memory for them. */
const MOST_BYTES = 256 * 2 ** 20;
/** Larger files in an archive are no samples. */
const LARGEST = 64 * 2 ** 20;

const pictures = /\.(png|jpe?g|webp|gif|bmp|avif)$/i;
const recordings = /\.(wav|mp3|ogg|flac|m4a|webm|aac|opus)$/i;
const arrays = /\.npy$/i;
const tables = /\.csv$/i;
const archives = /\.zip$/i;

/** Whether a file holds samples, and no network. */
export function isSampleFile({ path }: NamedFile): boolean {
  return [pictures, recordings, arrays, tables, archives].some((kind) => kind.test(path));
}

/** Files that systems put into folders and archives. */
function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');
}

async function unpacked({ path, file }: NamedFile): Promise<NamedFile[]> {
  if (!archives.test(path)) return [{ path, file }];
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const files = unzipSync(bytes, { filter: ({ originalSize }) => originalSize <= LARGEST });
    return Object.entries(files).map(([name, content]) => ({ path: name, file: new Blob([content]) }));
  } catch (cause) {
    throw new Error(`${path} cannot be opened as a .zip archive: ${(cause as Error).message}`, { cause });
  }
}

/** Labels by file from the columns "file" and "label", or from the first two without such heads. */
async function tableOf({ path, file }: NamedFile): Promise<Map<string, string>> {
  const { data } = parse<string[]>(await file.text(), { skipEmptyLines: true });
  const heads = data[0]?.map((head) => head.trim().toLowerCase()) ?? [];
  const columns = [heads.indexOf('file'), heads.indexOf('label')];
  const hasHeads = columns.every((column) => column >= 0);
  const [name, label] = hasHeads ? columns as [number, number] : [0, 1];
  const rows = hasHeads ? data.slice(1) : data;
  const wrong = rows.find((row) => row[name] === undefined || row[label] === undefined);
  if (wrong) throw new Error(`${path} must have lines of the form file,label; one of them is "${wrong.join(',')}"`);
  return new Map(rows.map((row) => [row[name]!.trim(), row[label]!.trim()]));
}

async function inputsOf({ path, file }: NamedFile, model: Model): Promise<Float32Array[]> {
  const [input] = model.inputs;
  const size = input!.shape.reduce((a, b) => a * b, 1);
  if (arrays.test(path)) {
    const values = npyValues(path, await file.arrayBuffer());
    if (values.length === 0 || values.length % size !== 0) {
      throw new Error(`${path} has ${values.length} values, which is no multiple of the ${size} values of an input`);
    }
    return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
  }
  const { preprocessing } = model.meta;
  const kind = inputKind({ inputs: model.inputs, preprocessing });
  if (kind === 'audio') {
    return [soundInput(await decodeSound(file, path, (preprocessing as AudioPreprocessing).sampleRate), model)];
  }
  if (kind === 'image') return [Float32Array.from(imageToInput(await pictureOf(file, path), model))];
  throw new Error(`${path}: samples of this network are NumPy files (.npy) of float32 values`);
}

/** Every nth element, so that few elements still come from all folders. */
function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

export interface SampleSet {
  samples: Sample[];
  /** What was read and what was left out, in sentences. */
  notes: string[];
}

/** Reads the files of samples, for a model with its preprocessing. */
export async function readSamples(
  given: readonly NamedFile[],
  model: Model,
  onProgress: (part: number) => void,
): Promise<SampleSet> {
  const all = (await Promise.all(given.map(unpacked))).flat().filter(({ path }) => !isHidden(path));
  const lists = await Promise.all(all.filter(({ path }) => tables.test(path)).map(tableOf));
  const table = new Map(lists.flatMap((one) => [...one]));
  const files = all.filter((file) => isSampleFile(file) && !tables.test(file.path));
  if (files.length === 0) throw new Error('there are no pictures, recordings or .npy files among these files');
  const bytes = 4 * model.inputs[0]!.shape.reduce((a, b) => a * b, 1);
  const read = spread(files, Math.max(1, Math.floor(MOST_BYTES / bytes)));
  const paths = read.map(({ path }) => path);
  const { targets, by, unknown } = labelling(paths, table, { ...model.meta, outputs: model.outputs });
  const samples: Sample[] = [];
  for (const [i, file] of read.entries()) {
    onProgress(i / read.length);
    const target = targets[i];
    for (const values of await inputsOf(file, model)) {
      samples.push({ values, ...(target !== undefined && { target }) });
    }
  }
  const labelled = samples.filter(({ target }) => target !== undefined).length;
  const notes = [
    by === undefined
      ? `${samples.length} samples without labels.`
      : `${samples.length} samples, ${labelled} of them with a label from ${by}.`,
  ];
  if (unknown.length > 0) notes.push(`The network has no class ${unknown.slice(0, 5).join(', ')}.`);
  if (read.length < files.length) notes.push(`Only ${read.length} of ${files.length} files were read, to save memory.`);
  return { samples, notes };
}

/** The files of a drop, with those in its folders. */
export async function droppedFiles(items: DataTransferItemList): Promise<NamedFile[]> {
  // all entries at once, because the list is empty after the event
  const found = [...items].map((item) => {
    const entry = item.webkitGetAsEntry();
    const file = entry ? null : item.getAsFile();
    return entry ? filesIn(entry, '') : Promise.resolve(file ? [{ path: file.name, file }] : []);
  });
  return (await Promise.all(found)).flat();
}

async function filesIn(entry: FileSystemEntry, folder: string): Promise<NamedFile[]> {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inside: FileSystemEntry[] = [];
  for (;;) {
    // a reader gives at most a hundred entries at once
    const more = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (more.length === 0) break;
    inside.push(...more);
  }
  return (await Promise.all(inside.map((one) => filesIn(one, `${path}/`)))).flat();
}

/** The files of an input, with their paths if a folder was chosen. */
export function chosenFiles(input: HTMLInputElement): NamedFile[] {
  return [...input.files ?? []].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}
