import * as L from '../../assembly/layout';
import { input, output } from '../graph/graph';
import type { Operator } from './operator';
import { demand, demandWhole, requireTypes, shapeText } from './shared/refuse';

export const nonMaxSuppression: Operator<'nonMaxSuppression'> = {
  quantization: 'float',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const [boxes, scores] = [input(node, 0).shape, input(node, 1).shape];
    const { limit, sigma } = node.attributes;
    const [batch = 0, classes = 0, count = 0] = scores;
    demand(
      node,
      scores.length === 3 && shapeText(boxes) === shapeText([batch, count, 4]),
      `its boxes ${shapeText(boxes)} must be [batch, number, 4] and its scores ${shapeText(scores)} [batch, ` +
        'classes, number]',
    );
    demandWhole(node, 'limit', [limit], 1);
    demand(node, sigma >= 0, `its sigma must not be negative, but it is ${sigma}`);
    const rows = batch * classes * limit;
    return [[rows, 3], [rows], [1]];
  },
  lower(node, emit) {
    const [boxes, scores] = [input(node, 0), input(node, 1)];
    const [rows, selected, count] = [output(node, 0), output(node, 1), output(node, 2)];
    const { limit, scoreThreshold, iouThreshold, sigma, centered } = node.attributes;
    for (const tensor of [boxes, scores, selected]) requireTypes(node, tensor, 'float32');
    for (const tensor of [rows, count]) requireTypes(node, tensor, 'int32', 'int64');
    const r = emit.record(L.OP_NON_MAX_SUPPRESSION, L.NMS_BYTES, 'float32', node, node.op);
    r.source(L.NMS_BOXES, boxes);
    r.source(L.NMS_SCORES, scores);
    r.target(L.NMS_TARGET_ROWS, rows);
    r.target(L.NMS_TARGET_SCORES, selected);
    r.target(L.NMS_TARGET_COUNT, count);
    r.ints(L.NMS_BATCH, [...scores.shape, limit, Number(centered)]);
    r.float(L.NMS_SCORE_THRESHOLD, scoreThreshold);
    r.float(L.NMS_IOU_THRESHOLD, iouThreshold);
    r.float(L.NMS_SIGMA, sigma);
  },
};
