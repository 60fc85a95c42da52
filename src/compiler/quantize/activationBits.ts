import { show } from '../../arguments';
import { KletError } from '../../errors';
import type { AnyNode, Graph } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { ruleOf } from './rules';

/** The bits of an activation. */
export type ActivationBits = 8 | 16;

/** The bits of a node's result; undefined for the default. */
export type BitsOf = (node: AnyNode) => ActivationBits | undefined;

/**
 * Returns the bits of a node's result as the option `activationBits` says, or undefined for nodes
 * that it does not name.
 *
 * @throws KletError `BAD_ARGUMENT` for other numbers, and for nodes that have no int16 form
 */
export function activationBitsOf(graph: Graph, bits: ActivationBits | Record<string, ActivationBits>): BitsOf {
  if (typeof bits !== 'object') {
    checkBits(bits, '');
    return (node) => (bits === 16 && !takesInt16(node) ? 8 : bits);
  }
  const byName = new Map(Object.entries(bits));
  for (const [name, value] of byName) {
    checkBits(value, ` for "${name}"`);
    const node = graph.nodes.find((one) => one.name === name);
    if (node && (value === 8 || takesInt16(node))) continue;
    const why = node ? `${node.op} has no int16 form` : `"${graph.name}" has no node of this name`;
    throw new KletError('BAD_ARGUMENT', `the option "activationBits" of quantize() names "${name}", but ${why}`);
  }
  return (node) => byName.get(node.name);
}

function checkBits(bits: unknown, where: string): void {
  if (bits === 8 || bits === 16) return;
  const what = `the option "activationBits" of quantize() is 8 or 16, not ${show(bits)}${where}`;
  throw new KletError('BAD_ARGUMENT', what);
}

/** Whether a node can be quantized to int16. Recurrent layers stay int8. */
export function takesInt16(node: AnyNode): boolean {
  return ruleOf(node) !== 'float' && !operatorOf(node.op).int8;
}
