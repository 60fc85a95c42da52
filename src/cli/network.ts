import { basename } from 'node:path';
import { Option, type Command } from 'commander';
import { compile, findStates, importerOf, importers, readKlet, wireStates, type ConstantInput, type ForeignMeta,
  type Graph, type Importer, type ImportOptions, type KletParts } from '../compiler/index';
import { checkAudioParameters } from '../audio/index';
import { KletError } from '../index';
import { TOOL_MEMORY, type LimitOptions } from '../limits';
import { recordOffsets } from '../format/records';
import { checkPreprocessing } from '../format/preprocessing';
import { checkTaskOf } from '../format/task';
import { addLimitOptions, collect, collectConstants, collectShapes, collectStates, limitsIn } from './args';
import { networkFile, companionBytes, companionPaths, quoted, readBytes, readCompanions, STANDARD } from './files';
import { describeForeign } from './foreign';
import type { Io } from './io';
import { Progress } from './progress';
import { inline, messageText, plural } from './text';

/** The formats that commands take beside `.klet`, for people. */
export const FORMATS = new Intl.ListFormat('en', { type: 'disjunction' }).format(importers.map(({ title }) => title));

/** Files of at least this many bytes may take a second to convert. */
export const LONG_FILE = 1 << 20;

/**
 * A network that a command works on: a `.klet` file as stored on disk, or a foreign file converted
 * in memory.
 */
export interface Network {
  path: string;
  /** `klet`, or the name of the importer. */
  format: string;
  /** Size on disk, with the files beside it that hold its weights. */
  fileBytes: number;
  klet: Uint8Array<ArrayBuffer>;
  parts: KletParts;
}

/** Options of commands that read foreign files. */
export interface ForeignOptions extends LimitOptions {
  signature?: string;
  shape?: Record<string, readonly number[]>;
  constant?: Record<string, ConstantInput>;
  outputs?: string[];
  layout?: 'nhwc';
  state?: Record<string, string> | 'auto';
}

/** How a command reads a foreign file. */
export interface Reading extends ImportOptions, LimitOptions {
  /** Outputs that become states, with the names of their inputs; `auto` finds them. */
  states?: Record<string, string> | 'auto';
}

export function addImportOptions(command: Command): void {
  addLimitOptions(command);
  command.option('--signature <name>', 'which signature of a .tflite file to take, if it has several');
  command.option(
    '--shape <sizes>',
    'shape of an input whose size the file leaves open: 1,224,224,3, or NAME=1,224,224,3 (may be repeated)',
    collectShapes,
  );
  command.option(
    '--constant <name=value>',
    'make an input a constant: sr=16000, or several numbers with commas (may be repeated)',
    collectConstants,
  );
  command.option(
    '--state <output=input>',
    'keep the value of an output for the input of the next call: stateN=state (may be repeated), or auto',
    collectStates,
  );
  command.option('--outputs <name>', 'end the network at this value instead of its outputs (may be repeated)', collect);
  command
    .addOption(new Option('--layout <layout>', 'let images at inputs and outputs of .onnx files be [N, H, W, C]')
      .choices(['nhwc']));
}

export function readingOf({ signature, shape, constant, outputs, layout, state, ...limits }: ForeignOptions): Reading {
  return {
    ...limitsIn(limits),
    ...(signature !== undefined && { signature }),
    ...(shape && { shapes: shape }),
    ...(constant && { constants: constant }),
    ...(outputs && { outputs }),
    ...(layout && { layout }),
    ...(state && { states: state }),
  };
}

/**
 * Opens a `.klet` file, or converts a foreign one in memory.
 *
 * @throws KletError `FETCH_FAILED`, `BAD_MAGIC`, and every error of the import, of `compile` and of
 *   `readKlet`
 */
export function openNetwork(given: string, io: Io, options: Reading = {}): Network {
  const path = networkFile(given);
  const bytes = readBytes(path);
  const isKlet = hasKletMagic(bytes);
  const progress = new Progress(io, 2, bytes.length > LONG_FILE);
  try {
    if (!isKlet) progress.update(1, 'converting in memory');
    const klet = isKlet ? bytes : convertInMemory(bytes, path, io, options);
    return {
      path,
      format: isKlet ? 'klet' : importerOf(bytes)!.name,
      fileBytes: storedBytes(bytes, path),
      klet,
      parts: readParts(klet, path, options.maxMemory),
    };
  } finally {
    progress.stop();
  }
}

/** Nesting of META that every engine can print as JSON. */
const MAX_DEPTH = 100;

/**
 * `readKlet` with checks of the metadata that only tools use.
 *
 * @throws KletError the errors of `readKlet`; `CORRUPT` if labels, preprocessing or other metadata
 *   are not what they should be
 */
export function readParts(klet: Uint8Array, path: string, maxMemory = TOOL_MEMORY): KletParts {
  const parts = readKlet(klet, quoted(path), { maxMemory });
  const wrong = wrongMeta(parts.meta) ?? wrongDebugInfo(parts);
  if (wrong === undefined) return parts;
  throw new KletError('CORRUPT', `the metadata of ${quoted(path)} is damaged: ${wrong}; convert the network again`);
}

function wrongMeta(
  { labels, preprocessing, task, provenance, accuracy, ...others }: KletParts['meta'],
): string | undefined {
  if (labels !== undefined && !(Array.isArray(labels) && labels.every((label) => typeof label === 'string'))) {
    return 'its labels are not a list of texts';
  }
  for (const [name, record] of Object.entries({ provenance, accuracy })) {
    if (record === undefined) continue;
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return `its ${name} is not an object`;
  }
  if (!isFlat([provenance, accuracy, preprocessing, task, others], MAX_DEPTH)) return 'it is nested too deeply';
  try {
    if (task !== undefined) checkTaskOf(task, others.outputs, 'its task');
    if (preprocessing === undefined) return undefined;
    if ((preprocessing as { kind?: unknown } | null)?.kind === 'audio') checkAudioParameters(preprocessing);
    else checkPreprocessing(preprocessing);
    return undefined;
  } catch (error) {
    if (!(error instanceof KletError)) throw error;
    return error.message;
  }
}

function wrongDebugInfo({ debugInfo, plan }: KletParts): string | undefined {
  const listed = debugInfo?.records.length;
  const records = recordOffsets(plan).length;
  return listed === undefined || listed === records
    ? undefined
    : `its debug info lists ${plural(listed, 'record')}, and its plan has ${records}`;
}

/** Whether a value of JSON has at most so many levels. */
function isFlat(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((element) => isFlat(element, depth - 1));
}

/** The size of a network on disk, with the files beside it that hold its weights. */
export function storedBytes(bytes: Uint8Array, path: string): number {
  return bytes.length + companionBytes(path, importerOf(bytes)?.companions?.(bytes) ?? []);
}

/** The files beside a network that hold its weights. */
export function companionFiles(bytes: Uint8Array, path: string): string[] {
  return companionPaths(path, importerOf(bytes)?.companions?.(bytes) ?? []);
}

function convertInMemory(bytes: Uint8Array, path: string, io: Io, options: Reading): Uint8Array<ArrayBuffer> {
  const graph = importForeign(bytes, path, io, options);
  return compile(graph, {
    meta: { ...foreignMeta(bytes, path, io) },
    maxMemory: options.maxMemory ?? TOOL_MEMORY,
  }) as Uint8Array<ArrayBuffer>;
}

/**
 * Labels and preprocessing that a foreign file has; a damaged description is reported and left out.
 */
export function foreignMeta(bytes: Uint8Array, path: string, io: Io): ForeignMeta {
  try {
    return importerOf(bytes)?.meta?.(bytes) ?? {};
  } catch (error) {
    if (!(error instanceof KletError)) throw error;
    io.err(`kinglet: warning: ${quoted(path)}: ${
      messageText(error.message)
    }; labels and preprocessing of the file are ignored\n`);
    return {};
  }
}

/**
 * Reads a foreign network into the compiler's graph.
 *
 * @throws KletError `BAD_MAGIC` with the format that was recognized instead, `UNSUPPORTED_OP`, …
 */
export function importForeign(bytes: Uint8Array, path: string, io: Io, options: Reading = {}): Graph {
  const importer = importerOf(bytes);
  if (importer) {
    const files = readCompanions(path, importer.companions?.(bytes) ?? []);
    const { states, maxMemory, maxWork, ...others } = options;
    const importOptions = { name: networkName(path), files, ...others };
    const graph = importer.import(bytes, importOptions);
    if (options.signature === undefined) noteSignature(importer, bytes, io);
    return withStates(graph, states, io);
  }
  const formats = importers.map(({ title, extensions }) => `${title} networks (.${extensions[0]})`);
  throw new KletError('BAD_MAGIC', `${quoted(path)} ${describeForeign(bytes)}. kinglet converts ${formats.join(', ')}`);
}

/** Makes states of inputs and outputs, or says which could become states. */
function withStates(graph: Graph, states: Reading['states'], io: Io): Graph {
  const found = states === undefined || states === 'auto' ? findStates(graph) : states;
  const pairs = Object.entries(found);
  if (states === 'auto' && pairs.length === 0) {
    const ports = (tensors: Graph['inputs']): string => tensors.map(({ name }) => `"${name}"`).join(', ');
    throw new KletError(
      'BAD_ARGUMENT',
      `--state auto finds no states; name them, as in --state OUTPUT=INPUT. The inputs are ${
        ports(graph.inputs)
      }, the outputs ${ports(graph.outputs)}`,
    );
  }
  const texts = pairs.map(([output, input]) => inline(`${output}=${input}`));
  if (states === undefined) {
    if (texts.length > 0) {
      io.err(`kinglet: outputs look like the next values of inputs; keep them in the network with ${
        texts.map((text) => `--state ${text}`).join(' ')
      }\n`);
    }
    return graph;
  }
  if (states === 'auto') io.err(`kinglet: states kept in the network: ${texts.join(', ')}\n`);
  return wireStates(graph, found);
}

/** Says which of several signatures was taken. */
function noteSignature(importer: Importer, bytes: Uint8Array, io: Io): void {
  const { keys, chosen } = importer.signatures?.(bytes) ?? { keys: [] };
  if (keys.length < 2 || chosen === undefined) return;
  const others = keys.filter((key) => key !== chosen).map((key) => `"${inline(key)}"`);
  io.err(`kinglet: the signature "${inline(chosen)}" was taken; --signature takes another: ${others.join(', ')}\n`);
}

/** The file's name without the extension of a network; standard input has none. */
export function networkName(path: string): string {
  if (path === STANDARD) return 'network';
  const name = basename(path);
  const extensions = ['klet', ...importers.flatMap((importer) => importer.extensions)];
  const extension = extensions.find((candidate) => name.toLowerCase().endsWith(`.${candidate}`));
  return extension === undefined ? name : name.slice(0, -extension.length - 1);
}

/** Whether the bytes begin like a `.klet` file. */
export function hasKletMagic(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 4)) === 'KLET';
}
