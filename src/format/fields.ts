import { isString, show } from '../arguments';
import { KletError } from '../errors';

// Objects that programs write and read, described by schemas. The words of a schema are what a
// value is checked by, and what error messages say.

/**
 * What a value must be:
 *
 * - `'a number'` or `'a whole number'`, finite, also with ` from 0` or ` above 0`, and then ` to 1`
 * - `'a text'`, which is not empty; `'true or false'`
 * - `'pil|tf'`: one of these words or numbers
 * - `[schema]`: a list of at least one such value; `[schema, schema]`: a list of as many
 * - `{ name: schema }`: an object with these properties, of which `needs` lists those required
 * - a function that chooses the schema by the value
 */
export type Schema = string | readonly Schema[] | Fields | ((value: unknown) => Schema);

export interface Fields {
  readonly [name: string]: Schema;
}

const NUMBER = /^a (whole )?number(?: (from|above) (\S+))?(?: to (\S+))?$/;

function fits(value: unknown, words: string): boolean {
  if (words === 'a text') return isString(value) && value !== '';
  if (words === 'true or false') return typeof value === 'boolean';
  const number = NUMBER.exec(words);
  if (!number) return words.split('|').some((word) => word === value || Number(word) === value);
  const [, whole, bound, min = -Infinity, max = Infinity] = number;
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) return false;
  return Number(value) >= Number(min) && Number(value) <= Number(max) && !(bound === 'above' && value === Number(min));
}

function textOf(schema: Schema): string {
  if (isString(schema)) return schema.replaceAll('|', ', ').replace(/, (\w+)$/, ' or $1');
  if (!Array.isArray(schema)) return `{ ${namesOf(schema as Fields).join(', ')} }`;
  const parts = schema.map((part) => textOf(part as Schema));
  return `[${parts.length > 1 ? parts.join(', ') : `${parts[0]}, …`}]`;
}

function namesOf(fields: Fields): string[] {
  return Object.keys(fields).filter((name) => name !== 'needs');
}

/** @param name the value in error messages; none for the whole */
function check(value: unknown, schema: Schema, name: string, fail: (problem: string) => never): void {
  if (typeof schema === 'function') return check(value, schema(value), name, fail);
  const wrong = (): never => fail(`needs ${textOf(schema)} as ${name}, not ${show(value)}`);
  if (isString(schema)) {
    if (!fits(value, schema)) wrong();
    return;
  }
  if (Array.isArray(schema)) {
    if (!Array.isArray(value) || (schema.length > 1 ? value.length !== schema.length : value.length === 0)) wrong();
    const list = value as unknown[];
    // a loop over indexes tests holes as well
    for (let i = 0; i < list.length; i++) check(list[i], schema[i % schema.length] as Schema, `${name}[${i}]`, fail);
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong();
  const fields = schema as Fields;
  const given = value as Record<string, unknown>;
  const names = namesOf(fields);
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined) {
    fail(`has the unknown property ${show(unknown)}${name && ` in ${name}`}; it has ${names.join(', ')}`);
  }
  const needs = (fields.needs as string | undefined ?? '').split(' ');
  for (const key of names) {
    if (given[key] === undefined && !needs.includes(key)) continue;
    check(given[key], fields[key]!, name ? `${name}.${key}` : key, fail);
  }
}

/**
 * Checks the properties of an object. `undefined` counts as absent.
 *
 * @param where the object in error messages
 * @param hint what follows in error messages, such as an example
 * @throws KletError `BAD_ARGUMENT` naming the first property that is unknown, missing or wrong
 */
export function checkFields(
  value: object,
  fields: Fields,
  where: string,
  hint = '',
): asserts value is Record<string, unknown> {
  check(value, fields, '', (problem) => {
    throw new KletError('BAD_ARGUMENT', `${where} ${problem}${hint}`);
  });
}
