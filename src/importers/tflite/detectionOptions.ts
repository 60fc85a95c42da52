import type { Attributes } from '../../graph/operators';
import { CustomOptions } from './customOptions';

export const DETECTION_POSTPROCESS = 'TFLite_Detection_PostProcess';

/** Detections of a class, if the options do not limit them. */
const DETECTIONS_PER_CLASS = 100;

/** The attributes of a TFLite_Detection_PostProcess. */
export function detectionOptions(bytes: Uint8Array): Attributes['detectionPostprocess'] {
  const options = new CustomOptions(bytes, DETECTION_POSTPROCESS);
  const isPerClass = Boolean(options.optional('use_regular_nms'));
  return {
    classes: options.number('num_classes'),
    detections: options.number('max_detections'),
    classesPerDetection: options.number('max_classes_per_detection'),
    ...(isPerClass && { detectionsPerClass: options.optional('detections_per_class') ?? DETECTIONS_PER_CLASS }),
    scoreThreshold: options.number('nms_score_threshold'),
    iouThreshold: options.number('nms_iou_threshold'),
    scales: [options.number('y_scale'), options.number('x_scale'), options.number('h_scale'),
      options.number('w_scale')],
  };
}
