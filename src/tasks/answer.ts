import { checkObject, isArrayOf, isString, show } from '../arguments';
import { checkTensor } from '../audio/checks';
import { outputWith, type Output } from '../decoding/outputs';
import { describeValue, KletError, messageOf } from '../errors';
import type { Preprocessing, TensorInfo } from '../format/meta';
import { checkTaskOf, type SoundRules, type TaskKind, type TaskRules } from '../format/task';
import { ImageReader, type ImageModel, type ImageSource } from './pixels';
import type { Placement } from './placement';

// What all tasks do: read the rules of the file, convert the image, predict.

/** The part of a `Model` that the tasks need. */
export interface TaskModel extends ImageModel {
  readonly outputs: readonly TensorInfo[];
  readonly meta: { readonly labels?: readonly string[]; readonly preprocessing?: Preprocessing;
    readonly task?: TaskRules | SoundRules };
  predictInto(inputs: never, outputs: never): void;
}

/** The rules of a task, which replace those of the file one by one, and what else a call takes. */
export type TaskOptions<K extends TaskKind> = Partial<Omit<Extract<TaskRules, { kind: K }>, 'kind'>> & {
  /** Names of the classes (default: those of the file). */
  labels?: readonly string[];
  /** How the image becomes the input (default: as the file says). */
  preprocessing?: Preprocessing;
};

/** A prediction for an image. */
export interface Answer<K extends TaskKind> {
  rules: Extract<TaskRules, { kind: K }>;
  labels: readonly string[];
  /** The next prediction overwrites their values. */
  outputs: readonly Output[];
  place: Placement;
  /** Whether channels come before rows and columns. */
  isPlanar: boolean;
}

/** What is kept of a model, with arrays that each prediction fills again. */
interface Workspace {
  outputs: Output[];
  byName: Record<string, Float32Array>;
  /** The task of the file, once it is checked. */
  task?: TaskRules | SoundRules;
  /** What converts images, and the preprocessing that it is for. */
  reader?: ImageReader;
  preprocessing?: unknown;
}

const workspaces = new WeakMap<object, Workspace>();

/**
 * Predicts for an image.
 *
 * @throws KletError as `imageToInput` and `predict`; `BAD_ARGUMENT` if the rules are wrong
 */
export function answer<K extends TaskKind>(
  kind: K,
  image: ImageSource,
  model: TaskModel,
  options: TaskOptions<K>,
): Answer<K> {
  const workspace = workspaceOf(model, kind);
  const { labels, preprocessing, ...own } = copyOf(options, kind);
  const rules = rulesOf(kind, model, own);
  const given = (preprocessing === undefined ? model.meta.preprocessing : preprocessing) as Preprocessing | undefined;
  if (!workspace.reader || workspace.preprocessing !== given) {
    workspace.reader = new ImageReader(model, given);
    workspace.preprocessing = given;
  }
  const { reader, outputs } = workspace;
  const place = reader.read(image);
  model.predictInto(reader.values as never, workspace.byName as never);
  return { rules, labels: labelsOf(labels ?? model.meta.labels), outputs, place, isPlanar: reader.isPlanar };
}

function checkModel(model: unknown, of: string): asserts model is TaskModel {
  const { inputs, outputs, meta, predictInto } = (model ?? {}) as Record<string, unknown>;
  const isModel = Array.isArray(inputs) && Array.isArray(outputs) && typeof predictInto === 'function';
  if (!isModel || typeof meta !== 'object' || meta === null) {
    throw new KletError('BAD_ARGUMENT', `${of}() takes a Model as its second argument, not ${describeValue(model)}`);
  }
  for (const tensor of [...inputs as unknown[], ...outputs as unknown[]]) checkTensor(tensor, 'an input or output');
}

function workspaceOf(model: TaskModel, of: string): Workspace {
  const found = workspaces.get(model);
  if (found) return found;
  checkModel(model, of);
  const outputs = model.outputs.map((output) =>
    outputWith(output, new Float32Array(output.shape.reduce((a, b) => a * b, 1)))
  );
  const made = { outputs, byName: Object.fromEntries(outputs.map(({ name, data }) => [name, data])) };
  workspaces.set(model, made);
  return made;
}

function copyOf(options: unknown, kind: TaskKind): Record<string, unknown> {
  checkObject(options, `the options of ${kind}()`);
  try {
    return { ...options };
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `reading the options of ${kind}() failed: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The task of a file, which is checked once.
 *
 * @param of the function in error messages
 * @throws KletError `BAD_ARGUMENT`
 */
export function taskOf(model: TaskModel, of: string): TaskRules | SoundRules | undefined {
  const workspace = workspaceOf(model, of);
  const { meta, outputs } = model;
  if (meta.task !== undefined) workspace.task ??= checkTaskOf(meta.task, outputs, 'the task in the file');
  return workspace.task;
}

function rulesOf<K extends TaskKind>(kind: K, model: TaskModel, own: Record<string, unknown>): Answer<K>['rules'] {
  const task = taskOf(model, kind);
  if (task && task.kind !== kind) {
    throw new KletError('BAD_ARGUMENT', `the file says that this network is for ${task.kind}(), not for ${kind}()`);
  }
  const rules = Object.keys(own).length === 0 && task
    ? task
    : checkTaskOf({ ...task, ...own, kind }, model.outputs, `the options of ${kind}()`);
  return rules as Answer<K>['rules'];
}

function labelsOf(labels: unknown = []): readonly string[] {
  if (isArrayOf(labels, isString)) return labels as string[];
  throw new KletError('TYPE_MISMATCH', `labels are an array of strings, not ${show(labels)}`);
}
