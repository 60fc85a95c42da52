import type { Meta, TensorInfo } from '../../src/format/meta';
import type { TaskModel } from '../../src/tasks/answer';
import type { Pixels } from '../../src/tasks/pixels';

// Models whose outputs are known, and images, for the tests of tasks.

/** An output: its shape and its values, of which missing ones are 0. */
export type Given = [shape: number[], values: ArrayLike<number>, type?: Partial<TensorInfo>];

/** A model that gives these outputs for any image. */
export function modelOf(
  outputs: Record<string, Given>,
  meta: Partial<Pick<Meta, 'labels' | 'task' | 'preprocessing'>> = {},
  shape: number[] = [1, 8, 8, 3],
): TaskModel {
  return {
    inputs: [{ name: 'image', dtype: 'float32', shape }],
    outputs: Object.entries(outputs).map(([name, [of, , type]]) => ({ name, dtype: 'float32', shape: of, ...type })),
    meta,
    predictInto: (_: never, targets: Record<string, Float32Array>) => {
      for (const [name, [, values]] of Object.entries(outputs)) targets[name]!.fill(0).set(Array.from(values));
    },
  };
}

export function imageOf(width: number, height: number, value = 0): Pixels {
  return { width, height, channels: 1, data: new Uint8Array(width * height).fill(value) };
}
