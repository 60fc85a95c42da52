import { elementCount } from '../../graph/graph';
import { decodeElements } from '../shared/constants';
import type { TfliteReader } from './reader';
import { optionsOf, tensorTypes, type Table } from './schema';
import { foldIntegers, inferShapes, MAX_INTEGERS, type Facts } from './shapes';
import type { FileOperator } from './tensorTable';

/** What follows from the sizes of the inputs, by tensor index. */
export interface Resolved {
  shapes: readonly number[][];
  /** The integers that are known before the network runs. */
  integers: ReadonlyMap<number, readonly number[]>;
}

/**
 * Finds the shapes that a subgraph leaves open, in the order of its operators.
 *
 * @param given - Sizes that the caller gives for inputs, by tensor index.
 */
export function resolveShapes(
  { tensors }: Table<'SubGraph'>,
  operators: readonly FileOperator[],
  buffers: readonly Table<'Buffer'>[],
  reader: TfliteReader,
  given: ReadonlyMap<number, readonly number[]>,
): Resolved {
  const shapes = tensors.map(({ shape }, index) => [...(given.get(index) ?? shape)]);
  const integers = new Map<number, readonly number[]>();
  /** Tensors whose shape in the file is only a placeholder. */
  const open = new Set(given.keys());
  tensors.forEach(({ shapeSignature, shape, hasRank }, index) => {
    if (shapeSignature.includes(-1) || (shape.length === 0 && !hasRank)) open.add(index);
  });

  const valuesOf = (index: number): readonly number[] | undefined => {
    const known = integers.get(index);
    const tensor = tensors[index];
    if (known || !tensor) return known;
    const type = tensorTypes[tensor.type];
    const count = elementCount(tensor.shape);
    const bytes = buffers[tensor.buffer]?.data ?? new Uint8Array(0);
    if ((type !== 'INT32' && type !== 'INT64') || count > MAX_INTEGERS || bytes.length === 0) return undefined;
    return Array.from(decodeElements(type === 'INT32' ? 'int32' : 'int64', bytes, count, tensor.name));
  };
  const factsOf = ({ kind, source }: FileOperator): Facts => {
    const [table, tag] = optionsOf(kind);
    return {
      shape: (i) => shapes[source.inputs[i] ?? -1],
      values: (i) => valuesOf(source.inputs[i] ?? -1),
      inputs: source.inputs.length,
      outputs: source.outputs.length,
      options: reader.table(table, source.builtinOptionsType === tag ? source.builtinOptions : 0),
      customOptions: source.customOptions,
    };
  };

  for (const operator of operators) {
    const { kind, customName, source } = operator;
    const facts = factsOf(operator);
    // TensorFlow Lite gives the results of custom operators their shapes, whatever the file says
    const isCustom = kind === 'CUSTOM';
    const follows = isCustom || source.inputs.some((index) => open.has(index));
    inferShapes(isCustom ? customName : kind, facts).forEach((shape, i) => {
      const index = source.outputs[i] ?? -1;
      if (!shape || !tensors[index] || !(follows || open.has(index))) return;
      if (shape.join() !== shapes[index]!.join()) open.add(index);
      shapes[index] = [...shape];
    });
    const [output = -1] = source.outputs;
    const type = tensorTypes[tensors[output]?.type ?? -1];
    const values = type === 'INT32' || type === 'INT64' ? foldIntegers(kind, facts) : undefined;
    if (values) integers.set(output, values);
  }
  return { shapes, integers };
}

/** A subgraph whose tensors have the shapes that follow. */
export function withShapes(subgraph: Table<'SubGraph'>, { shapes }: Resolved): Table<'SubGraph'> {
  return { ...subgraph, tensors: subgraph.tensors.map((tensor, i) => ({ ...tensor, shape: [...shapes[i]!] })) };
}
