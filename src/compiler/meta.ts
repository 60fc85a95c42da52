import { checkObject, checkString, isArrayOf, isString, show } from '../arguments';
import { KletError, messageOf } from '../errors';
import type { Meta } from '../format/meta';
import { checkPreprocessing } from '../format/preprocessing';
import { checkTaskOf } from '../format/task';

/**
 * Checks the entries of META that kinglet itself reads, and that all of them can be stored.
 *
 * @param outputs the outputs of the network
 */
export function checkMeta(meta: Partial<Meta>, outputs: readonly { readonly name: string }[]): void {
  checkObject(meta, 'the option "meta"');
  const { name, labels, preprocessing, task } = meta;
  if (name !== undefined) checkString(name, 'meta.name');
  if (labels !== undefined && !isArrayOf(labels, isString)) {
    throw new KletError('BAD_ARGUMENT', `meta.labels must be an array of strings, not ${show(labels)}`);
  }
  // recordings are checked where their features are computed
  if (preprocessing !== undefined && (preprocessing as { kind?: unknown } | null)?.kind !== 'audio') {
    checkPreprocessing(preprocessing);
  }
  if (task !== undefined) checkTaskOf(task, outputs, 'meta.task');
  for (const own of ['inputs', 'outputs', 'state']) {
    if (own in meta) throw new KletError('BAD_ARGUMENT', `meta.${own} comes from the graph; leave it out`);
  }
  try {
    JSON.stringify(meta);
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `meta cannot be stored as JSON: ${messageOf(cause)}`, { cause });
  }
}
