import { operatorOf } from '../../ops/index';
import type { AnyNode } from '../../graph/graph';
import type { QuantizationRule } from '../../ops/operator';

/** The rule by which post-training quantization treats a node. */
export type RuleOf = (node: AnyNode) => QuantizationRule;

/** The rule of the node's operator. */
export function ruleOf(node: AnyNode): QuantizationRule {
  const { quantization: rule } = operatorOf(node.op);
  return typeof rule === 'function' ? rule(node) : rule;
}
