import { input, output, type AnyNode, type TensorData } from '../../src/graph/graph';
import type { ScatterReduction } from '../../src/graph/operators';
import { converter } from './requantize';
import { allocate, valueOf, type Inputs } from './support';

const combine: Record<ScatterReduction, (old: number, update: number) => number> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
};

/** Sums and products of integers modulo 2^32; those of floats are rounded when they are stored. */
const combineIntegers = { ...combine, add: (a: number, b: number) => (a + b) | 0, mul: Math.imul };

/**
 * The data with updates, in order. `place` maps the number of an update to its row-major index in
 * the data; undefined skips it.
 */
export function scatter(
  node: AnyNode,
  inputs: Inputs,
  updates: number,
  reduction: ScatterReduction,
  place: (update: number) => number | undefined,
): TensorData[] {
  const y = output(node);
  const out = allocate(y);
  const isInteger = y.dtype === 'int32' || y.dtype === 'int64';
  const into = (isInteger ? combineIntegers : combine)[reduction];
  const [before, after] = [0, updates].map((operand) => {
    const convert = converter(input(node, operand), y);
    return Array.from(valueOf(node, inputs, operand), (value) => convert(value));
  }) as [number[], number[]];
  out.set(before);
  after.forEach((value, i) => {
    const at = place(i);
    if (at !== undefined) out[at] = into(out[at]!, value);
  });
  return [out];
}

/** An index counted from 0, or undefined if it is out of range. */
export function valid(index: number, size: number): number | undefined {
  const positive = index < 0 ? index + size : index;
  return positive >= 0 && positive < size ? positive : undefined;
}
