import { input, type Node, type TensorData } from '../../src/graph/graph';
import { intersectionOverUnion, type Box } from './boxes';
import { allocate, valueOf, type Inputs } from './support';

const f = Math.fround;

interface Detection {
  anchor: number;
  label: number;
  score: number;
}

/** The corners of each anchor's box, computed in double precision with edges in float32. */
function decode(node: Node<'detectionPostprocess'>, inputs: Inputs): Box[] {
  const [boxes, anchors] = [valueOf(node, inputs, 0), valueOf(node, inputs, 2)];
  const [count, length] = input(node, 0).shape.slice(1) as [number, number];
  const scales = node.attributes.scales.map(f);
  return Array.from({ length: count }, (_, i) => {
    const edges = [0, 1].map((axis) => {
      const [center, size] = [anchors[i * 4 + axis]!, anchors[i * 4 + axis + 2]!];
      const middle = f(boxes[i * length + axis]! / scales[axis]! * size + center);
      const half = f(0.5 * Math.exp(boxes[i * length + axis + 2]! / scales[axis + 2]!) * size);
      return [f(middle - half), f(middle + half)];
    });
    return [edges[0]![0]!, edges[1]![0]!, edges[0]![1]!, edges[1]![1]!];
  });
}

/** Sorts by descending score; equal ones keep their order. */
const byScore = <T extends { score: number }>(list: T[]): T[] => list.sort((a, b) => b.score - a.score);

/**
 * Decodes all boxes, sorts the candidates, and lets each one that is left suppress those after it.
 */
export function detectionPostprocess(node: Node<'detectionPostprocess'>, inputs: Inputs): TensorData[] {
  const { classes, detections, classesPerDetection, detectionsPerClass, iouThreshold } = node.attributes;
  const scores = valueOf(node, inputs, 1);
  const boxes = decode(node, inputs);
  const [count, width] = input(node, 1).shape.slice(1) as [number, number];
  const scoreOf = (anchor: number, label: number): number => scores[anchor * width + width - classes + label]!;

  const suppress = (candidates: Detection[], limit: number): Detection[] => {
    const threshold = f(node.attributes.scoreThreshold);
    let left = byScore(candidates.filter(({ score }) => score >= threshold));
    const kept: Detection[] = [];
    while (left.length > 0 && kept.length < limit) {
      const [first, ...others] = left as [Detection, ...Detection[]];
      kept.push(first);
      left = others.filter((other) =>
        !(intersectionOverUnion(boxes[first.anchor]!, boxes[other.anchor]!) > f(iouThreshold))
      );
    }
    return kept;
  };
  const ofClass = (label: number): Detection[] =>
    Array.from({ length: count }, (_, anchor) => ({ anchor, label, score: scoreOf(anchor, label) }));
  /** The classes of an anchor from the best to the worst. */
  const ranked = (anchor: number): Detection[] =>
    byScore(Array.from({ length: classes }, (_, label) => ({ anchor, label, score: scoreOf(anchor, label) })).filter((
      { score },
    ) => !Number.isNaN(score)));

  const outputs = node.outputs.map(allocate);
  const write = (place: number, { anchor, label, score }: Detection): void => {
    boxes[anchor]!.forEach((edge, i) => (outputs[0]![place * 4 + i] = edge));
    outputs[1]![place] = label;
    outputs[2]![place] = score;
  };
  if (detectionsPerClass === undefined) {
    const best = Array.from({ length: count }, (_, anchor) => ranked(anchor).slice(0, 1)).flat();
    const kept = suppress(best, detections);
    kept.forEach(({ anchor }, k) =>
      ranked(anchor).slice(0, classesPerDetection).forEach((entry, m) => write(k * classesPerDetection + m, entry))
    );
    outputs[3]![0] = kept.length;
  } else {
    const all = Array.from({ length: classes }, (_, label) => suppress(ofClass(label), detectionsPerClass)).flat();
    const kept = byScore(all).slice(0, detections);
    kept.forEach((entry, k) => write(k, entry));
    outputs[3]![0] = kept.length;
  }
  return outputs;
}
