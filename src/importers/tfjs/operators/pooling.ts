import type { Pair } from '../../../graph/operators';
import type { Mapping, Mappings } from '../operator';
import { fromImage, spatial, toImage, windowsOf } from './windows';

function pool(op: 'averagePool2d' | 'maxPool2d'): Mapping {
  return (operator) => {
    const { emit, attributes, network } = operator;
    operator.check(!network.isRead(1), 'the indices of the maxima');
    const image = toImage(operator, operator.input(0));
    const sizes = attributes.ints('ksize');
    const kernel: Pair = spatial(operator, sizes);
    operator.check(
      sizes.length === 4 && sizes[0] === 1 && kernel[0] * kernel[1] === sizes.reduce((a, b) => a * b, 1),
      `windows [${sizes.join(', ')}]`,
    );
    const { stride, padding } = windowsOf(operator, image, kernel);
    return fromImage(operator, emit.node(op, [image], { kernel, stride, padding, activation: 'none' }));
  };
}

export const pooling: Mappings = {
  AvgPool: pool('averagePool2d'),
  MaxPool: pool('maxPool2d'),
  MaxPoolWithArgmax: pool('maxPool2d'),
};
