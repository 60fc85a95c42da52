import { encode } from 'flatbuffers/js/flexbuffers.js';
import { elements, type ElementType, type Maker } from './maker';

// TensorFlow Lite leaves the places after the last detection as they are in memory. So the networks
// replace them by 0.

/** Outputs the values of the places whose detection is below `count`, and 0 for the others. */
function outputUsed(make: Maker, values: string, count: string, shape: number[], each: number): void {
  const mask = [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)];
  const detectionOf = Array.from({ length: elements(mask) }, (_, place) => Math.floor(place / each));
  const isUsed = make.truths(mask);
  make.emit('LESS', [make.floats(detectionOf, mask), count], [isUsed]);
  make.emit('SELECT_V2', [isUsed, values, make.floats([0])], [make.output(shape, 0, 1, 'float32')]);
}

function detectionPostprocess(make: Maker): void {
  const { random } = make;
  const anchors = random.int(1, 150);
  const classes = random.int(1, 7);
  // TensorFlow Lite does not define the order of equal scores, which uint8 has, among the classes
  // of a detection and among the detections of different classes
  const isPerClass = make.isFloat && random.pick([false, true]);
  const each = isPerClass || !make.isFloat ? 1 : random.int(1, classes);
  const detections = random.int(1, 12);
  const places = detections * each;
  const scales = random.pick<[number, number]>([[10, 5], [1, 1], [3, 0.75]]);
  // FlexBuffers' builder mixes up floats of 32 and 64 bits, so all are exact in 32
  const options = {
    max_detections: detections,
    max_classes_per_detection: each,
    use_regular_nms: isPerClass,
    ...(random.pick([true, false]) && { detections_per_class: random.int(1, 8) }),
    num_classes: classes,
    nms_score_threshold: random.pick([-20, Math.fround(1e-8), 0.25, 0.625]),
    nms_iou_threshold: random.pick([0.25, 0.5, 0.625]),
    y_scale: scales[0],
    x_scale: scales[0],
    h_scale: scales[1],
    w_scale: scales[1],
  };
  const inputs = [make.input([1, anchors, 4], -2, 2), make.input([1, anchors, classes + random.int(0, 1)], 0, 1),
    make.constant([anchors, 4], 0.1, 0.9)];
  const outputs = [[1, places, 4], [1, places], [1, places], [1]].map((shape) =>
    make.activation(shape, 0, 1, 'float32')
  );
  make.emit('CUSTOM', inputs, outputs, undefined, {
    customCode: 'TFLite_Detection_PostProcess',
    customOptions: encode(options),
  });
  const [boxes, labels, scores, count] = outputs as [string, string, string, string];
  outputUsed(make, boxes, count, [1, places, 4], each);
  outputUsed(make, labels, count, [1, places], each);
  outputUsed(make, scores, count, [1, places], each);
  make.outputs.push(count);
}

export const detection: Record<string, (make: Maker) => void> = { TFLite_Detection_PostProcess: detectionPostprocess };

/** TensorFlow Lite has no int8 kernel of it. */
export const detectionTypes: Record<string, readonly ElementType[]> = {
  TFLite_Detection_PostProcess: ['float32', 'uint8'],
};
