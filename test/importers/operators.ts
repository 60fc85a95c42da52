import type { DType, Graph, Quantization, Tensor } from '../../src/graph/graph';
import { OperatorImport } from '../../src/importers/shared/operatorImport';
import { UniqueNames } from '../../src/importers/shared/uniqueNames';

/** One operator of a foreign file, with an input x and an output y, for what formats share. */
export function operatorOn(
  from: number[],
  to: number[],
  dtype: DType = 'float32',
  quantization?: Quantization,
): { operator: OperatorImport; x: Tensor; graph: () => Graph } {
  const named = (name: string, shape: number[]): Tensor => ({
    name,
    shape,
    dtype,
    ...(quantization && { quantization }),
  });
  const [x, y] = [named('x', from), named('y', to)];
  const operator = new OperatorImport('Operator', {}, [() => x], [() => y], new UniqueNames());
  const graph = (): Graph => ({ name: 'operator', inputs: [x], outputs: [y], nodes: operator.nodes });
  return { operator, x, graph };
}
