import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import { attributeForms, type AttributeForm, type OperatorName } from './operators';

/**
 * Checks that a node has the attributes of its operator, and their types.
 *
 * @throws KletError `INVALID_GRAPH`; nothing for an operator that kinglet does not have
 */
export function checkAttributes(op: string, name: string, attributes: Record<string, unknown>): void {
  if (!Object.hasOwn(attributeForms, op)) return;
  for (const [attribute, wanted] of Object.entries<string>(attributeForms[op as OperatorName])) {
    const value = attributes[attribute];
    if (wanted.endsWith('?') && value === undefined) continue;
    const form = wanted.replace('?', '') as AttributeForm;
    if (hasForm(value, form)) continue;
    throw new KletError('INVALID_GRAPH', `${op} "${name}" needs ${form} as ${attribute}, not ${show(value)}`);
  }
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value);

function areNumbers(value: unknown, count?: number): boolean {
  return isArrayOf(value, isNumber) && (count === undefined || count === value.length);
}

function hasForm(value: unknown, form: AttributeForm): boolean {
  switch (form) {
    case 'a number':
      return isNumber(value);
    case 'two numbers':
      return areNumbers(value, 2);
    case 'four numbers':
      return areNumbers(value, 4);
    case 'an array of numbers':
      return areNumbers(value);
    case 'a string':
      return typeof value === 'string';
    case 'true or false':
      return typeof value === 'boolean';
    case 'an array of functions':
      return isArrayOf(value, (entry) => {
        const { kind, alpha = 0, beta = 0 } = (entry ?? {}) as { kind?: unknown; alpha?: unknown; beta?: unknown };
        return typeof kind === 'string' && isNumber(alpha) && isNumber(beta);
      });
    case 'a scale and a zero point': {
      const { scale, zeroPoint } = (value ?? {}) as { scale?: unknown; zeroPoint?: unknown };
      return isNumber(scale) && isNumber(zeroPoint);
    }
  }
}
