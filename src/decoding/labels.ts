import { KletError } from '../errors';

/** @throws KletError `SHAPE_MISMATCH` if there are labels, but not one for each class */
export function checkLabels(labels: readonly string[], classes: number): void {
  if (labels.length === 0 || labels.length === classes) return;
  const hint = labels.length === classes - 1
    ? 'if one output is no class, give its index as "background"'
    : 'labels: [] shows the indexes';
  throw new KletError(
    'SHAPE_MISMATCH',
    `there are ${labels.length} labels for ${classes} classes, so names may be wrong; ${hint}`,
  );
}
