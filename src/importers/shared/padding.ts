import type { Padding } from '../../graph/operators';

/** What refuses forms of an operator. */
interface Checks {
  check(condition: boolean, form: string): void;
}

/** Windows of a convolution or pool over height and width, in pixels. */
export interface Windows {
  kernel: number[];
  stride: number[];
  dilation?: number[];
}

/**
 * SAME padding before and after one dimension, in pixels, for windows of `extent` pixels that map
 * `input` pixels to `output` pixels. An odd pixel goes after.
 */
function samePadding(input: number, output: number, extent: number, stride: number): [before: number, after: number] {
  const total = Math.max((output - 1) * stride + extent - input, 0);
  return [total >> 1, total - (total >> 1)];
}

/**
 * SAME or VALID padding in pixels. The windows slide over the image `large` [N, H, W, C]; `small`
 * has one pixel per window.
 */
export function windowPadding(
  operator: Checks,
  rule: 'SAME' | 'VALID',
  large: readonly number[],
  small: readonly number[],
  { kernel, stride, dilation = [1, 1] }: Windows,
): Padding {
  operator.check([...kernel, ...stride, ...dilation].every((n) => n > 0), 'a kernel, stride or dilation of 0');
  if (rule === 'VALID') return [0, 0, 0, 0];
  const along = (i: 0 | 1) =>
    samePadding(large[i + 1]!, small[i + 1]!, (kernel[i]! - 1) * dilation[i]! + 1, stride[i]!);
  const [[top, bottom], [left, right]] = [along(0), along(1)];
  return [top, left, bottom, right];
}

/**
 * The padding of a transposed convolution from the image `small` to the image `large`, given the
 * padding above and to the left. Pixels that the windows cover below and to the right of `large`
 * are padding too.
 */
export function transposedPadding(
  [top, left]: readonly number[],
  large: readonly number[],
  small: readonly number[],
  { kernel, stride }: Windows,
): Padding {
  const rest = (i: 0 | 1, before: number) =>
    Math.max((small[i + 1]! - 1) * stride[i]! + kernel[i]! - before - large[i + 1]!, 0);
  return [top!, left!, rest(0, top!), rest(1, left!)];
}
