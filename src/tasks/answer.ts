import { checkObject, isArrayOf, isString, show } from '../arguments';
import { checkTensor } from '../audio/checks';
import { describeValue, KletError, messageOf } from '../errors';
import type { Preprocessing, TensorInfo } from '../format/meta';
import { checkTaskOf, type SoundRules, type TaskKind, type TaskRules } from '../format/task';
import { prepareImage, type ImageModel, type ImageSource, type PreparedImage } from './pixels';
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

/** An output after a prediction. */
export interface Output extends TensorInfo {
  /** The shape without the batch, if that is 1. */
  dims: readonly number[];
  /** Real numbers; the next prediction overwrites them. */
  data: Float32Array;
}

/** A prediction for an image. */
export interface Answer<K extends TaskKind> {
  rules: Extract<TaskRules, { kind: K }>;
  labels: readonly string[];
  outputs: readonly Output[];
  place: Placement;
  /** Whether channels come before rows and columns. */
  isPlanar: boolean;
}

/** Arrays of a model that each prediction fills again. */
interface Workspace {
  outputs: Output[];
  byName: Record<string, Float32Array>;
  /** The task of the file, once it is checked. */
  task?: TaskRules | SoundRules;
  preprocessing?: unknown;
  values?: PreparedImage['values'];
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
  const rules = rulesOf(kind, model, workspace, own);
  const given = preprocessing ?? model.meta.preprocessing;
  const prepared = prepareImage(
    image,
    model,
    preprocessing as Preprocessing | undefined,
    workspace.preprocessing === given ? workspace.values : undefined,
  );
  Object.assign(workspace, { preprocessing: given, values: prepared.values });
  model.predictInto(prepared.values as never, workspace.byName as never);
  return {
    rules,
    labels: labelsOf(labels ?? model.meta.labels),
    outputs: workspace.outputs,
    place: prepared.place,
    isPlanar: prepared.isPlanar,
  };
}

function checkModel(model: unknown, kind: TaskKind): asserts model is TaskModel {
  const { inputs, outputs, meta, predictInto } = (model ?? {}) as Record<string, unknown>;
  const isModel = Array.isArray(inputs) && Array.isArray(outputs) && typeof predictInto === 'function';
  if (!isModel || typeof meta !== 'object' || meta === null) {
    throw new KletError('BAD_ARGUMENT', `${kind}() takes a Model as its second argument, not ${describeValue(model)}`);
  }
  for (const tensor of [...inputs as unknown[], ...outputs as unknown[]]) checkTensor(tensor, 'an input or output');
}

function workspaceOf(model: TaskModel, kind: TaskKind): Workspace {
  const found = workspaces.get(model);
  if (found) return found;
  checkModel(model, kind);
  const outputs = model.outputs.map((output) => {
    const { shape } = output;
    const dims = shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape;
    return { ...output, dims, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
  });
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

function rulesOf<K extends TaskKind>(
  kind: K,
  { meta, outputs }: TaskModel,
  workspace: Workspace,
  own: Record<string, unknown>,
): Answer<K>['rules'] {
  if (meta.task !== undefined) workspace.task ??= checkTaskOf(meta.task, outputs, 'the task in the file');
  const { task } = workspace;
  if (task && task.kind !== kind) {
    throw new KletError('BAD_ARGUMENT', `the file says that this network is for ${task.kind}(), not for ${kind}()`);
  }
  const rules = Object.keys(own).length === 0 && task
    ? task
    : checkTaskOf({ ...task, ...own, kind }, outputs, `the options of ${kind}()`);
  return rules as Answer<K>['rules'];
}

function labelsOf(labels: unknown = []): readonly string[] {
  if (isArrayOf(labels, isString)) return labels as string[];
  throw new KletError('TYPE_MISMATCH', `labels are an array of strings, not ${show(labels)}`);
}

/** @throws KletError `BAD_ARGUMENT` if there are labels, but not one for each class */
export function checkLabels(labels: readonly string[], classes: number): void {
  if (labels.length === 0 || labels.length === classes) return;
  const hint = labels.length === classes - 1
    ? 'if one output is no class, give its index as "background"'
    : 'labels: [] shows the indexes';
  throw new KletError(
    'SHAPE_MISMATCH',
    `there are ${labels.length} labels for ${classes} classes, so names may be wrong; ${hint}`,
  );
}

/** @throws KletError `SHAPE_MISMATCH` with the shapes of the outputs */
export function wrongOutputs(outputs: readonly TensorInfo[], wanted: string): KletError {
  const found = outputs.map(({ name, shape }) => `"${name}" [${shape.join(', ')}]`).join(', ');
  return new KletError('SHAPE_MISMATCH', `expected ${wanted}; the outputs are ${found}`);
}

/**
 * The output of this name, or the one that fits.
 *
 * @throws KletError `SHAPE_MISMATCH` if there is none, or more than one
 */
export function outputOf(
  outputs: readonly Output[],
  name: string | undefined,
  wanted: string,
  fits: (output: Output) => boolean = () => true,
): Output {
  const [found, other] = outputs.filter((output) => (name === undefined || output.name === name) && fits(output));
  if (!found || other) {
    throw wrongOutputs(outputs, found ? `one output, named in the rules, that is ${wanted}` : wanted);
  }
  return found;
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/** Whether all values are from 0 to 1. */
export function areParts(values: Float32Array): boolean {
  return values.every((value) => value >= 0 && value <= 1);
}

/** Values [rows][columns] in an array, in any order. */
export interface Table {
  data: Float32Array;
  rows: number;
  columns: number;
  rowStep: number;
  columnStep: number;
}

/** Values [rows][columns], or [columns][rows] if they are transposed. */
export function tableOf(data: Float32Array, rows: number, columns: number, isTransposed = false): Table {
  return { data, rows, columns, rowStep: isTransposed ? 1 : columns, columnStep: isTransposed ? rows : 1 };
}

/** An output with a row for each cell of a grid, in the layout of the input. */
export interface Grid extends Table {
  height: number;
  width: number;
}

export function gridOf({ dims, data }: Output, isPlanar: boolean): Grid {
  // one channel has no dimension if it was dropped
  const sizes = dims.length === 2 ? [...dims, 1] : dims;
  const planar = isPlanar && dims.length === 3;
  const [height, width, channels] = (planar ? [sizes[1], sizes[2], sizes[0]] : sizes) as [number, number, number];
  return { height, width, ...tableOf(data, height * width, channels, planar) };
}
