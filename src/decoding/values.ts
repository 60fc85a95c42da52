import type { NamedValue, RegressRules } from '../format/task';
import { outputOf, wrongOutputs, type Output } from './outputs';

/** The numbers that a network estimates, with what the rules say of each. */
export function valuesOf(
  rules: RegressRules,
  outputs: readonly Output[],
): { entry: Omit<NamedValue, 'output' | 'index' | 'scale' | 'offset'>; value: number }[] {
  const values: readonly NamedValue[] = rules.values ??
    Array.from(outputOf(outputs, undefined, 'numbers').data, (_, i) => ({ name: String(i) }));
  return values.map(({ output, index, scale = 1, offset = 0, ...entry }, i) => {
    const { data } = outputOf(outputs, output, `the output of "${entry.name}"`);
    const at = index ?? (output === undefined ? i : 0);
    if (at >= data.length) throw wrongOutputs(outputs, `an element ${at} for "${entry.name}"`);
    return { entry, value: data[at]! * scale + offset };
  });
}
