import * as L from '../../assembly/layout';
import { input, type Node } from '../graph/graph';
import type { Operator } from './operator';
import { demand, demandWhole, requireTypes, shapeText } from './shared/refuse';

/** Checks the shapes, and returns the number of anchors and whether the background has scores. */
function checkShapes(node: Node<'detectionPostprocess'>): { anchors: number; hasBackground: boolean } {
  const [boxes, scores, anchors] = [0, 1, 2].map((i) => input(node, i).shape);
  const { classes } = node.attributes;
  const [count = 0, coordinates] = anchors!;
  demand(
    node,
    anchors!.length === 2 && coordinates === 4,
    `its anchors must have the shape [number, 4], not ${shapeText(anchors!)}`,
  );
  demand(
    node,
    boxes!.length === 3 && boxes![0] === 1 && boxes![1] === count && boxes![2]! >= 4,
    `its boxes must have the shape [1, ${count}, 4 or more], not ${shapeText(boxes!)}`,
  );
  const background = scores![2]! - classes;
  demand(
    node,
    scores!.length === 3 && scores![0] === 1 && scores![1] === count && (background === 0 || background === 1),
    `its scores must have the shape [1, ${count}, ${classes} or ${classes + 1}], not ${shapeText(scores!)}`,
  );
  return { anchors: count, hasBackground: background === 1 };
}

export const detectionPostprocess: Operator<'detectionPostprocess'> = {
  quantization: 'float',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const { classes, detections, classesPerDetection, detectionsPerClass = 1, iouThreshold } = node.attributes;
    demandWhole(node, 'numbers of classes and detections', [classes, detections, classesPerDetection,
      detectionsPerClass], 1);
    demand(
      node,
      iouThreshold > 0 && iouThreshold <= 1,
      `its iouThreshold must be above 0 and at most 1, not ${iouThreshold}`,
    );
    checkShapes(node);
    const places = detections * classesPerDetection;
    return [[1, places, 4], [1, places], [1, places], [1]];
  },
  lower(node, emit) {
    const { classes, detections, classesPerDetection, detectionsPerClass = 0, ...rest } = node.attributes;
    const [boxes, scores, anchors] = [input(node, 0), input(node, 1), input(node, 2)];
    const { anchors: count, hasBackground } = checkShapes(node);
    for (const tensor of [boxes, scores, anchors, ...node.outputs]) requireTypes(node, tensor, 'float32');
    const r = emit.record(L.OP_DETECTION_POSTPROCESS, L.DETECTION_BYTES, 'float32', node, node.op);
    r.source(L.DETECTION_BOXES, boxes);
    r.source(L.DETECTION_SCORES, scores);
    r.source(L.DETECTION_ANCHORS, anchors);
    node.outputs.forEach((tensor, i) => r.target(L.DETECTION_TARGET_BOXES + 4 * i, tensor));
    r.int(L.DETECTION_ANCHOR_COUNT, count);
    r.int(L.DETECTION_CLASSES, classes);
    r.int(L.DETECTION_DETECTIONS, detections);
    r.int(L.DETECTION_CLASSES_PER_DETECTION, classesPerDetection);
    r.int(L.DETECTION_BOX_STRIDE, boxes.shape[2]!);
    r.int(L.DETECTION_BACKGROUND, Number(hasBackground));
    r.int(L.DETECTION_DETECTIONS_PER_CLASS, detectionsPerClass);
    r.float(L.DETECTION_SCORE_THRESHOLD, rest.scoreThreshold);
    r.float(L.DETECTION_IOU_THRESHOLD, rest.iouThreshold);
    rest.scales.forEach((scale, i) => r.float(L.DETECTION_SCALES + 4 * i, scale));
  },
};
