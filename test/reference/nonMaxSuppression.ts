import { input, type Node, type TensorData } from '../../src/graph/graph';
import { intersectionOverUnion, type Box } from './boxes';
import { allocate, valueOf, type Inputs } from './support';

const f = Math.fround;

/** A box that is not selected yet. */
interface Candidate {
  index: number;
  box: Box;
  /** The score after the boxes that have been selected, up to number `seen`. */
  score: number;
  seen: number;
}

function edges(values: number[], centered: boolean): Box {
  const [a, b, c, d] = values as Box;
  const [top, left, bottom, right] = centered
    ? [f(b - d / 2), f(a - c / 2), f(b + d / 2), f(a + c / 2)] as const
    : [a, b, c, d] as const;
  return [Math.min(top, bottom), Math.min(left, right), Math.max(top, bottom), Math.max(left, right)];
}

/**
 * Takes the best candidate again and again. It is selected if the boxes that were selected since
 * its last turn leave its score as it is.
 */
export function nonMaxSuppression(node: Node<'nonMaxSuppression'>, inputs: Inputs): TensorData[] {
  const { limit, centered, ...options } = node.attributes;
  const [scoreThreshold, iouThreshold, sigma] = [options.scoreThreshold, options.iouThreshold, options.sigma]
    .map(f) as [number, number, number];
  const [boxes, scores] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1)];
  const [batches, classes, count] = input(node, 1).shape as [number, number, number];
  const [rows, kept, total] = node.outputs.map(allocate) as [TensorData, TensorData, TensorData];
  rows.fill(-1);
  let row = 0;
  for (let batch = 0; batch < batches; batch++) {
    for (let label = 0; label < classes; label++) {
      let left: Candidate[] = Array.from({ length: count }, (_, index) => {
        const at = (batch * count + index) * 4;
        const box = edges([0, 1, 2, 3].map((i) => boxes[at + i]!), centered);
        return { index, box, score: scores[(batch * classes + label) * count + index]!, seen: 0 };
      }).filter(({ score }) => score > scoreThreshold);
      const selected: Candidate[] = [];
      while (left.length > 0 && selected.length < limit) {
        const [first, ...others] = left.sort((a, b) => b.score - a.score || a.index - b.index) as [Candidate,
          ...Candidate[]];
        left = others;
        const overlaps = selected.slice(first.seen).reverse().map(({ box }) => intersectionOverUnion(box, first.box));
        let { score } = first;
        for (const overlap of overlaps) {
          if (overlap > iouThreshold) score = -Infinity;
          else if (sigma > 0) score = f(score * f(Math.exp(f(f(f(-0.5 / sigma) * overlap) * overlap))));
          if (!(score > scoreThreshold)) break;
        }
        if (score === first.score) {
          selected.push(first);
          [batch, label, first.index].forEach((value, i) => (rows[row * 3 + i] = value));
          kept[row++] = first.score;
        } else if (score > scoreThreshold) {
          left.push({ ...first, score, seen: selected.length });
        }
      }
    }
  }
  total[0] = row;
  return [rows, kept, total];
}
