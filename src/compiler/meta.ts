import { checkObject, checkString, isArrayOf, isString, show } from '../arguments';
import { KletError, messageOf } from '../errors';
import type { Meta } from '../format/meta';

/** Checks the entries of META that kinglet itself reads, and that all of them can be stored. */
export function checkMeta(meta: Partial<Meta>): void {
  checkObject(meta, 'the option "meta"');
  const { name, labels } = meta;
  if (name !== undefined) checkString(name, 'meta.name');
  if (labels !== undefined && !isArrayOf(labels, isString)) {
    throw new KletError('BAD_ARGUMENT', `meta.labels must be an array of strings, not ${show(labels)}`);
  }
  for (const own of ['inputs', 'outputs', 'state']) {
    if (own in meta) throw new KletError('BAD_ARGUMENT', `meta.${own} comes from the graph; leave it out`);
  }
  try {
    JSON.stringify(meta);
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `meta cannot be stored as JSON: ${messageOf(cause)}`, { cause });
  }
}
