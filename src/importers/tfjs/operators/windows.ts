import type { Tensor } from '../../../graph/graph';
import type { Padding, Pair } from '../../../graph/operators';
import { windowPadding } from '../../shared/padding';
import type { TfOperator } from '../operator';

/** Windows over the rows and columns of an image. */
export interface ImageWindows {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padding: Padding;
}

export function isChannelsFirst(operator: TfOperator): boolean {
  return operator.attributes.string('data_format', 'NHWC').startsWith('NC');
}

/** The entries for rows and columns in a list with one for each dimension of the image. */
export function spatial(operator: TfOperator, list: readonly number[]): Pair {
  const first = isChannelsFirst(operator) ? 2 : 1;
  const [rows = 1, columns = 1] = list.slice(first, first + 2);
  return [rows, columns];
}

/** An input of four dimensions as [N][H][W][C]. */
export function toImage(operator: TfOperator, x: Tensor): Tensor {
  operator.check(x.shape.length === 4, `an input of ${x.shape.length} dimensions`);
  return isChannelsFirst(operator) ? operator.emit.transpose(x, [0, 2, 3, 1]) : x;
}

/** The reverse of `toImage`. */
export function fromImage(operator: TfOperator, y: Tensor): Tensor {
  return isChannelsFirst(operator) ? operator.emit.transpose(y, [0, 3, 1, 2]) : y;
}

/** A list with one number for each channel, in a shape that broadcasts to an input of this rank. */
export function perChannel(operator: TfOperator, values: Tensor, rank: number): Tensor {
  if (!isChannelsFirst(operator) || values.shape.length !== 1 || rank < 3) return values;
  return operator.emit.reshape(values, [values.shape[0]!, ...new Array<number>(rank - 2).fill(1)]);
}

/** The windows of a convolution or pool over an image [N][H][W][C]. */
export function windowsOf(operator: TfOperator, image: Tensor, kernel: Pair): ImageWindows {
  const { attributes } = operator;
  const stride = spatial(operator, attributes.ints('strides'));
  const dilation = attributes.has('dilations') ? spatial(operator, attributes.ints('dilations')) : [1, 1] as Pair;
  operator.check(
    [...kernel, ...stride, ...dilation].every((n) => Number.isInteger(n) && n > 0),
    'a kernel, stride or dilation of 0',
  );
  const windows = { kernel, stride, dilation };
  return { ...windows, padding: paddingOf(operator, image.shape, windows) };
}

function paddingOf(operator: TfOperator, image: readonly number[], windows: Omit<ImageWindows, 'padding'>): Padding {
  const rule = operator.attributes.string('padding', 'VALID');
  if (rule === 'EXPLICIT') return explicitPadding(operator);
  operator.check(rule === 'SAME' || rule === 'VALID', `the padding "${rule}"`);
  const small = image.map((size, i) => (i === 1 || i === 2 ? Math.ceil(size / windows.stride[i - 1]!) : size));
  return windowPadding(operator, rule as 'SAME' | 'VALID', image, small, windows);
}

/** Amounts before and after each dimension of the image. */
export function explicitPadding(operator: TfOperator): Padding {
  const amounts = operator.attributes.ints('explicit_paddings');
  const first = isChannelsFirst(operator) ? 4 : 2;
  const [top, bottom, left, right] = amounts.slice(first, first + 4);
  const padding = [top, left, bottom, right] as Padding;
  operator.check(padding.every((n) => Number.isInteger(n) && n >= 0), `the padding [${amounts.join(', ')}]`);
  return padding;
}
