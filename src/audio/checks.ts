import { checkFunction, checkObject, checkSizes, checkString, checkWhole, show } from '../arguments';
import { describeValue, KletError } from '../errors';
import type { TensorInfo } from '../format/meta';

// Checks of the arguments of kinglet/audio. The worklet bundles `samplesOf`, `checkCallback`.

/**
 * Samples as the caller gave them, or a copy of a plain array, whose length and values may change
 * while they are read.
 *
 * @throws KletError `TYPE_MISMATCH` if a value does not hold samples
 */
export function samplesOf(samples: unknown): Float32Array {
  // the front end reads numbers of 64 bits as well
  if (samples instanceof Float32Array || samples instanceof Float64Array) return samples as Float32Array;
  const copy = Array.isArray(samples) ? numbersOf(samples) : undefined;
  if (copy) return Float64Array.from(copy) as unknown as Float32Array;
  const advice = samples instanceof Int16Array ? '; divide 16-bit samples by 32768' : '';
  throw new KletError(
    'TYPE_MISMATCH',
    `samples are a Float32Array of values from −1 to 1, not ${describeValue(samples)}${advice}`,
  );
}

/** A copy of an array whose values are all numbers. */
function numbersOf(values: readonly unknown[]): number[] | undefined {
  const { length } = values;
  const copy: number[] = [];
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (typeof value !== 'number') return undefined;
    copy.push(value);
  }
  return copy;
}

/**
 * Checks the samples of a call.
 *
 * @returns the same samples
 * @throws KletError `TYPE_MISMATCH` if they are no Float32Array, `NOT_A_NUMBER`
 */
export function checkFloats(samples: unknown): Float32Array {
  if (!(samples instanceof Float32Array)) {
    const advice = samples instanceof Int16Array ? '; divide 16-bit samples by 32768' : '';
    throw new KletError(
      'TYPE_MISMATCH',
      `samples are a Float32Array of values from −1 to 1, not ${describeValue(samples)}${advice}`,
    );
  }
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    if (x - x === 0) continue;
    throw new KletError(
      'NOT_A_NUMBER',
      `sample ${i} of ${samples.length} is ${x}; every sample must be a finite number`,
    );
  }
  return samples;
}

/** @throws KletError `BAD_ARGUMENT` if a callback is not a function */
export function checkCallback(value: unknown): void {
  if (typeof value !== 'function') {
    throw new KletError('BAD_ARGUMENT', `the callback must be a function, not ${describeValue(value)}`);
  }
}

/** @throws KletError `BAD_ARGUMENT` if a value is not a tensor of a model */
export function checkTensor(value: unknown, what: string): asserts value is TensorInfo {
  checkObject(value, `${what} (one of model.inputs)`);
  checkString(value.name, `the name of ${what}`);
  checkSizes(value.shape, what);
}

/** @throws KletError `BAD_ARGUMENT` if a value is not a loaded model */
export function checkModel(value: unknown): void {
  checkObject(value, 'the model (from load)');
  checkObject(value.meta, "the model's meta");
  checkString(value.meta.name, "the model's name");
  for (const side of ['inputs', 'outputs'] as const) {
    const tensors = value[side];
    if (!Array.isArray(tensors)) {
      throw new KletError('BAD_ARGUMENT', `the model's ${side} must be an array, not ${show(tensors)}`);
    }
    for (let i = 0; i < tensors.length; i++) checkTensor(tensors[i], `${side}[${i}] of the model`);
  }
}

/** @throws KletError `BAD_ARGUMENT` if a value is not a model that a stream can run */
export function checkRunner(value: unknown): void {
  checkModel(value);
  const { predictInto, createState, memory } = value as Record<string, unknown>;
  checkFunction(predictInto, "the model's predictInto");
  if (createState !== undefined) checkFunction(createState, "the model's createState");
  if (memory === undefined) return;
  checkObject(memory, "the model's memory");
  checkWhole(memory.state, 'memory.state of the model', 0, 2 ** 32);
}
