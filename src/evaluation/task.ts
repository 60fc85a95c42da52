import { isArrayOf } from '../arguments';
import { outputWith } from '../decoding/outputs';
import { valuesOf } from '../decoding/values';
import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import { checkTaskOf, type ClassifyRules, type NamedValue, type TaskRules } from '../format/task';
import { elementCount } from '../graph/graph';
import { Anomaly } from './anomaly';
import { Classification } from './classification';
import type { Collector } from './collector';
import { Detection } from './detection';
import { isBox } from './precision';
import { Regression } from './regression';
import { Segmentation } from './segmentation';
import type { EvaluateOptions, Target, Task } from './types';

// What the answers of a network are, told from the outputs and the first target.

/** The part of a model that the choice needs. */
export interface Ports {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
}

/** Rules of the tasks that have metrics. */
export type EvaluatedRules = Extract<TaskRules, { kind: Task }>;

/**
 * The rules in a file, if its task has metrics.
 *
 * @throws KletError `BAD_ARGUMENT` if they are wrong
 */
export function rulesOf(meta: unknown, outputs: readonly TensorInfo[]): EvaluatedRules | undefined {
  const { task } = (meta ?? {}) as { task?: unknown };
  if (task === undefined) return undefined;
  const rules = checkTaskOf(task, outputs, 'the task in the file');
  return tasks.includes(rules.kind as Task) ? rules as EvaluatedRules : undefined;
}

export const tasks: readonly Task[] = ['classify', 'regress', 'segment', 'detect', 'anomaly'];

/**
 * The task that fits an example.
 *
 * @throws KletError `BAD_ARGUMENT` if none fits
 */
export function taskOf({ inputs, outputs }: Ports, target: Target, output: string | undefined): Task {
  if (isArrayOf(target, isBox)) return 'detect';
  const given = outputs.filter(({ name }) => output === undefined || name === output);
  if (typeof target === 'number') {
    const isIndex = Number.isInteger(target) && target >= 0;
    if (isIndex && given.some((port) => isVector(port) || isIndexOutput(port))) return 'classify';
    return isIndex && target <= 1 && given.some((port) => isImage(port, inputs)) ? 'anomaly' : 'regress';
  }
  if (typeof target === 'boolean') return given.some((port) => isReconstruction(port, inputs)) ? 'anomaly' : 'classify';
  if (given.some(({ shape }) => elementCount(shape) === target.length) && !isClassArray(target)) return 'regress';
  return 'segment';
}

/** Whether an output is a vector, such as the scores of classes. */
function isVector({ shape }: TensorInfo): boolean {
  return elementCount(shape) >= 2 && shape.filter((size) => size > 1).length === 1;
}

/** Whether an output has as many values as an input. A single value is no reconstruction. */
function isReconstruction({ shape }: TensorInfo, inputs: readonly TensorInfo[]): boolean {
  const count = elementCount(shape);
  return count > 1 && inputs.some((input) => elementCount(input.shape) === count);
}

/** Whether an output is a reconstruction that cannot be the scores of classes. */
function isImage(port: TensorInfo, inputs: readonly TensorInfo[]): boolean {
  return isReconstruction(port, inputs) && !isVector(port);
}

/** Whether an output is the number of a class. */
function isIndexOutput({ dtype, shape }: TensorInfo): boolean {
  return elementCount(shape) === 1 && (dtype === 'int32' || dtype === 'int64');
}

/** Whether the type of an array says that it holds classes. */
function isClassArray(target: unknown): boolean {
  return target instanceof Uint8Array || target instanceof Uint8ClampedArray || target instanceof Int32Array
    || target instanceof Uint16Array;
}

/**
 * Makes what gathers the answers.
 *
 * @throws KletError `BAD_ARGUMENT` if the network has no output for the task
 */
export function collectorOf(
  task: Task,
  ports: Ports,
  target: Target,
  options: EvaluateOptions,
  rules: EvaluatedRules = { kind: 'classify' },
): Collector {
  const { inputs, outputs } = ports;
  const own = <K extends EvaluatedRules['kind']>(kind: K): Partial<Extract<EvaluatedRules, { kind: K }>> =>
    rules.kind === kind ? rules as Extract<EvaluatedRules, { kind: K }> : {};
  if (task === 'detect') return new Detection(outputs, inputs[0], options, own('detect'));
  const { values } = own('regress');
  if (task === 'regress' && values) return estimates(outputs, values);
  const name = options.output ?? (task === rules.kind ? (rules as ClassifyRules).output : undefined);
  const choose = (fits: (output: TensorInfo) => boolean, wanted: string): TensorInfo =>
    outputOf(outputs, name, fits, wanted);
  const length = typeof target === 'object' ? target.length : 1;
  switch (task) {
    case 'classify': {
      const output = choose(
        (port) => isVector(port) || elementCount(port.shape) === 1,
        'the scores of classes, a vector',
      );
      return new Classification(output, elementCount(output.shape), own('classify'));
    }
    case 'regress':
      return new Regression(choose(
        ({ shape }) => elementCount(shape) === length,
        `${length} ${length === 1 ? 'number' : 'numbers'}, as the target`,
      ));
    case 'segment': {
      const output = choose(
        ({ shape }) => elementCount(shape) >= length && elementCount(shape) % length === 0,
        `classes of ${length} pixels, as the target`,
      );
      return new Segmentation(output, length, options.classes ?? 2, options.ignore ?? 255, own('segment'));
    }
    case 'anomaly': {
      const output = choose(
        (port) => isReconstruction(port, inputs.slice(0, 1)) || elementCount(port.shape) === 1,
        'the shape of the input, or a single score',
      );
      return new Anomaly(output, inputs[0]!);
    }
  }
}

/** The named values of a file. */
function estimates(ports: readonly TensorInfo[], values: NamedValue[]): Regression {
  return new Regression(ports[0]!, values.length, (outputs) => {
    const own = ports.map((port) => outputWith(port, outputs[port.name]!));
    return valuesOf({ kind: 'regress', values }, own).map(({ value }) => value);
  });
}

function outputOf(
  outputs: readonly TensorInfo[],
  name: string | undefined,
  fits: (output: TensorInfo) => boolean,
  wanted: string,
): TensorInfo {
  const list = outputs.map((output) => `"${output.name}" [${output.shape.join(', ')}]`).join(', ');
  const named = outputs.find((output) => output.name === name);
  if (name !== undefined && !named) {
    throw new KletError('BAD_ARGUMENT', `there is no output "${name}"; there are ${list}`);
  }
  const fitting = (named ? [named] : outputs).filter(fits);
  if (fitting.length === 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${named ? `output "${name}" does not fit` : 'no output fits'}; expected ${wanted}, found ${
        named ? `[${named.shape.join(', ')}]` : list
      }`,
    );
  }
  const [first, ...others] = fitting;
  if (others.length > 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      `several outputs may be the answer: ${
        fitting.map((output) => `"${output.name}"`).join(', ')
      }; name one with the option "output"`,
    );
  }
  return first!;
}
