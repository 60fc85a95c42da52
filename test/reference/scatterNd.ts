import { input, type Node, type TensorData } from '../../src/graph/graph';
import { scatter, valid } from './scatter';
import { coordinates, offset, valueOf, type Inputs } from './support';

/** Update [i][b] goes to [indices[i][0]]…[indices[i][K − 1]][b]. */
export function scatterNd(node: Node<'scatterNd'>, inputs: Inputs): TensorData[] {
  const [x, indices, updates] = [input(node, 0), input(node, 1), input(node, 2)];
  const at = valueOf(node, inputs, 1);
  const outer = indices.shape.length - 1;
  const depth = indices.shape[outer]!;
  return scatter(node, inputs, 2, node.attributes.reduction, (update) => {
    const position = coordinates(update, updates.shape);
    const place = Array.from(
      { length: depth },
      (_, k) => valid(at[offset([...position.slice(0, outer), k], indices.shape)]!, x.shape[k]!),
    );
    return place.includes(undefined) ? undefined : offset([...place as number[], ...position.slice(outer)], x.shape);
  });
}
