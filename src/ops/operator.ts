import type { Node } from '../graph/graph';
import type { OperatorName } from '../graph/operators';
import type { Emitter } from './emitter';

/**
 * How post-training quantization treats the operator's tensors:
 * `weights`: activations int8 by range, input 1 int8 per output channel, input 2 int32 bias;
 * `free`: activations int8, each by its own range;
 * `same`: the output has the input's scale and zero point (values are only moved or compared);
 * `fixed`: the output's range is known beforehand; `float`: it stays in float32.
 */
export type QuantizationRule = 'weights' | 'free' | 'same' | 'float' | { scale: number; zeroPoint: number };

/** Everything the compiler knows of one operator. */
export interface Operator<K extends OperatorName> {
  /**
   * Shapes of the outputs from those of the inputs; where attributes leave them open, the outputs'
   * own.
   */
  infer(node: Node<K>): number[][];
  /**
   * Emits the records that compute the outputs. Throws `UNSUPPORTED_OP` for a form it does not
   * have.
   */
  lower(node: Node<K>, emit: Emitter): void;
  /** The rule of post-training quantization. */
  quantization: QuantizationRule;
  /** Whether a run depends on those before it. */
  stateful?: boolean;
}
