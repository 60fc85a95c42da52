import { input, output, type AnyNode, type Node, type Tensor } from '../../graph/graph';
import type { OperatorName, Padding, Pair } from '../../graph/operators';
import type { RowForm, RowWindow } from '../operator';

// How operators compute some rows of their output (compiler/strips/).

const single: RowWindow = { size: 1, stride: 1, before: 0, after: 0 };

function windowOf(kernel: number, stride: Pair, dilation: number, padding: Padding): RowWindow | undefined {
  const size = (kernel - 1) * dilation + 1;
  const [before, , after] = padding;
  // otherwise some windows could lie outside the image
  return before < size && after < size ? { size, stride: stride[0], before, after } : undefined;
}

function withRows(padding: Padding, before: number, after: number): Padding {
  return [before, padding[1], after, padding[3]];
}

/**
 * A convolution reads the rows that its filter covers. A hybrid one also needs the range of the
 * whole image.
 */
export const convolutionRows: RowForm<'conv2d' | 'depthwiseConv2d'> = {
  window: (node) => {
    const { stride, dilation, padding, hybrid } = node.attributes;
    if (hybrid !== undefined) return undefined;
    return windowOf(input(node as AnyNode, 1).shape[1]!, stride, dilation[0], padding);
  },
  attributes: ({ attributes: { padding } }, before, after) => ({ padding: withRows(padding, before, after) }),
};

export const poolRows: RowForm<'averagePool2d' | 'maxPool2d'> = {
  window: ({ attributes: { kernel, stride, padding } }) => windowOf(kernel[0], stride, 1, padding),
  attributes: ({ attributes: { padding } }, before, after) => ({ padding: withRows(padding, before, after) }),
};

/** Each row of the output is computed from the same row of the input. */
export const sameRows: RowForm<OperatorName> = { window: () => single };

/** The same for broadcast operands. Those of one row, or of fewer dimensions, are no images. */
export const broadcastRows: RowForm<'binary' | 'prelu'> = {
  window: (node) => {
    const { shape } = output(node as AnyNode);
    return node.inputs.every((operand) => operand && (isImage(operand, shape) || repeatsRows(operand))) ?
      single
      : undefined;
  },
  images: (node) => {
    const { shape } = output(node as AnyNode);
    return node.inputs.flatMap((operand, i) => (operand && isImage(operand, shape) ? [i] : []));
  },
};

function isImage({ shape, data }: Tensor, [n, rows]: readonly number[]): boolean {
  return !data && shape.length === 4 && shape[0] === n && shape[1] === rows;
}

/** Whether the rows of a broadcast operand are all the same one. */
function repeatsRows({ shape }: Tensor): boolean {
  return (shape.at(-3) ?? 1) === 1 && (shape.at(-4) ?? 1) === 1;
}

/** Joins images along another dimension than rows. */
export const concatRows: RowForm<'concat'> = {
  window: (node: Node<'concat'>) =>
    node.attributes.axis > 1 && node.inputs.every((part) => part && !part.data) ? single : undefined,
  images: (node) => node.inputs.map((_, i) => i),
};
