import { perTensor, type AnyNode, type Tensor } from '../../graph/graph';
import { sameQuantization } from '../../ops/shared/quantized';
import type { Fusing } from './fuseQuantized';

/** Operators whose only operand with values is the first one. */
const movements = new Set<AnyNode['op']>(['reshape', 'transpose', 'slice', 'split', 'gather', 'broadcastTo',
  'maxPool2d', 'depthToSpace', 'spaceToDepth']);

/**
 * Emits an operator that moves or compares values on the quantized values, whose results then have
 * the same quantization.
 *
 * @returns whether it did
 */
export function movedForm(node: AnyNode, fusing: Fusing): boolean {
  const operands = movedOperands(node);
  const views = operands.map((tensor) =>
    fusing.view(tensor) ?? (node.op === 'gather' ? table(tensor, fusing) : undefined)
  );
  const [first] = views;
  if (!first || !views.every((view) => view && view.dtype === first.dtype && sameQuantization(view, first))) {
    return false;
  }
  if (!fitsGrid(node, first)) return false;
  const inputs = [...views, ...node.inputs.slice(views.length)];
  if (node.op === 'argmax') {
    fusing.nodes.push({ ...node, inputs } as AnyNode);
    return true;
  }
  const outputs = node.outputs.map((tensor) => {
    const { dtype, quantization } = first;
    const made = fusing.tensor({ name: tensor.name, shape: [], dtype, quantization: quantization! }, tensor.shape);
    fusing.setView(tensor, made);
    return made;
  });
  fusing.nodes.push({ ...node, inputs, outputs } as AnyNode);
  return true;
}

/** The operands that are moved or compared; none for an operator that computes. */
function movedOperands(node: AnyNode): (Tensor | null)[] {
  const { op, inputs, attributes } = node;
  switch (op) {
    case 'concat':
      return attributes.activation === 'none' ? inputs : [];
    case 'binary': {
      const { kind, activation } = attributes;
      return (kind === 'minimum' || kind === 'maximum') && activation === 'none' ? inputs : [];
    }
    case 'unary':
      return attributes.kind === 'relu' ? [inputs[0]!] : [];
    case 'reduce':
      return attributes.kind === 'max' || attributes.kind === 'min' ? [inputs[0]!] : [];
    case 'resize2d':
    case 'resample':
      return attributes.mode === 'nearest' && !('roi' in attributes) ? [inputs[0]!] : [];
    case 'argmax':
    case 'pad':
      return [inputs[0]!];
    default:
      return movements.has(op) ? [inputs[0]!] : [];
  }
}

/** A table of embeddings as the file has it, if it has one scale. */
function table(tensor: Tensor | null, { stored }: Fusing): Tensor | undefined {
  const integers = tensor ? stored.get(tensor) : undefined;
  const isByte = integers?.dtype === 'int8' || integers?.dtype === 'uint8';
  return isByte && integers.quantization.scale.length === 1 ? integers : undefined;
}

/** Whether the constant that an operator adds has a quantized value. */
function fitsGrid(node: AnyNode, like: Tensor): boolean {
  if (node.op !== 'pad' || node.attributes.mode !== 'constant') return true;
  const { scale, zeroPoint } = perTensor(like);
  const steps = node.attributes.value / scale;
  const [lowest, highest] = like.dtype === 'uint8' ? [0, 255] : [-128, 127];
  return Number.isInteger(steps) && steps + zeroPoint >= lowest && steps + zeroPoint <= highest;
}
