import { audioParameters, checkAudioParameters, inputFrames, type AudioConvention,
  type AudioSettings } from '../audio/index';
import { KletError, type AudioPreprocessing, type ImagePreprocessing, type Preprocessing,
  type TensorInfo } from '../index';
import { imagePreprocessing } from '../compiler/index';
import { checkPreprocessing } from '../format/preprocessing';
import { checkTaskOf, type SoundRules, type TaskRules } from '../format/task';
import { imageShape } from '../tasks/pixels';
import { readText } from './files';

// Reads a user's descriptions of a network: its labels and its preprocessing.

/** Reads one label per line; empty lines at the end do not count. */
export function readLabels(path: string): string[] {
  const lines = readText(path).replace(/^\ufeff/, '').trimEnd().split(/\r?\n/).map((line) => line.trim());
  if (lines.length === 1 && lines[0] === '') {
    throw new KletError('BAD_ARGUMENT', `"${path}" holds no labels; expected one per line`);
  }
  return lines;
}

/**
 * @param text JSON, or the path of a JSON file
 * @param inputs at least one must accept the preprocessed image or audio
 * @throws KletError `BAD_ARGUMENT`, `FETCH_FAILED`, or `SHAPE_MISMATCH` about the first input
 */
export function readPreprocessing(text: string, inputs: readonly TensorInfo[]): Preprocessing {
  const { value, where } = readJson(text, '--preprocess');
  const [first] = inputs;
  if (!first) throw new KletError('BAD_ARGUMENT', `${where} describes an input, but the network has none`);
  if ((value as { kind?: unknown } | null)?.kind === 'audio') {
    const parameters = completeAudio(value as AudioPreprocessing | AudioShorthand);
    if (!inputs.some((input) => takes(() => inputFrames(input, parameters)))) inputFrames(first, parameters);
    return parameters;
  }
  const preprocessing = completeImage(value);
  if (!inputs.some((input) => takes(() => imageShape(input, preprocessing)))) imageShape(first, preprocessing);
  return preprocessing;
}

/** Reads the value of an option that is JSON, or the path of a JSON file. */
function readJson(text: string, option: string): { value: unknown; where: string } {
  const isJson = text.trimStart().startsWith('{');
  const json = isJson ? text : readText(text);
  const where = isJson ? option : `"${text}"`;
  try {
    return { value: JSON.parse(json), where };
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `${where} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * @param text a kind of task, JSON, or the path of a JSON file
 * @throws KletError `BAD_ARGUMENT` or `FETCH_FAILED`
 */
export function readTask(text: string): TaskRules | SoundRules {
  if (/^\w+$/.test(text)) return checkTaskOf({ kind: text }, undefined, '--task');
  const { value, where } = readJson(text, '--task');
  return checkTaskOf(value, undefined, where);
}

/** The preprocessing of an image, which may have mean, std and range instead of a scale. */
function completeImage(value: unknown): ImagePreprocessing {
  const isTraining = typeof value === 'object' && value !== null && 'range' in value && !('scale' in value);
  if (!isTraining) {
    return checkPreprocessing(value);
  }
  const { kind, ...settings } = value as Record<string, unknown>;
  return kind === 'image' ? imagePreprocessing(settings) : checkPreprocessing(value);
}

type AudioShorthand = AudioSettings & { kind: 'audio'; convention: AudioConvention };

function completeAudio(value: AudioPreprocessing | AudioShorthand): AudioPreprocessing {
  if (!('convention' in value)) return checkAudioParameters(value);
  const { kind: _, convention, ...settings } = value;
  return audioParameters(convention, settings);
}

/** Whether `check` returns without an error. */
function takes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
