import type { Tensor } from '../../../graph/graph';
import { detectionOptions } from '../detectionOptions';
import type { TfliteOperator } from '../operator';

/** Input i in float32. */
function realInput(operator: TfliteOperator<'CUSTOM'>, i: number, rank: number, what: string): Tensor {
  const tensor = operator.input(i, rank);
  if (tensor.dtype === 'float32') return tensor;
  const result = operator.temporary(operator.output, tensor.shape, what);
  operator.emit('dequantize', [tensor], {}, [result]);
  return result;
}

/** The last operator of single-shot detectors: boxes, class scores and anchors to detections. */
export function detectionPostprocess(operator: TfliteOperator<'CUSTOM'>): void {
  const options = detectionOptions(operator.customOptions);
  const outputs = operator.outputs;
  operator.check(outputs.length === 4, `${outputs.length} outputs; there must be 4`);
  operator.check(outputs.every(({ dtype }) => dtype === 'float32'), 'outputs that are not float32');
  const boxes = realInput(operator, 0, 3, 'boxes');
  operator.check(boxes.shape[0] === 1, `a batch of ${boxes.shape[0]} images; 1 is possible`);
  const scores = realInput(operator, 1, 3, 'scores');
  const anchors = realInput(operator, 2, 2, 'anchors');
  operator.emit('detectionPostprocess', [boxes, scores, anchors], options, outputs);
}
