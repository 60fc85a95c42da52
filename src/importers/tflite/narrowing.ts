import { tensorTypes, type Table } from './schema';
import type { FileOperator } from './tensorTable';

const FLOAT32 = tensorTypes.indexOf('FLOAT32');
const FLOAT64 = tensorTypes.indexOf('FLOAT64');

/**
 * A subgraph in which inputs of float64 are float32 if all of their readers cast them to float32,
 * because the values are then the same.
 */
export function narrowInputs(subgraph: Table<'SubGraph'>, operators: readonly FileOperator[]): Table<'SubGraph'> {
  const { tensors, inputs, outputs } = subgraph;
  const isCast = ({ kind, customName, source }: FileOperator): boolean =>
    (kind === 'CAST' || customName === 'FlexCast') && tensors[source.outputs[0] ?? -1]?.type === FLOAT32;
  const isNarrowed = (index: number): boolean =>
    tensors[index]?.type === FLOAT64 && inputs.includes(index) && !outputs.includes(index) &&
    operators.filter(({ source }) => source.inputs.includes(index)).every(isCast);
  return {
    ...subgraph,
    tensors: tensors.map((tensor, index) => (isNarrowed(index) ? { ...tensor, type: FLOAT32 } : tensor)),
  };
}
