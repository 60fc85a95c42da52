// One wrong value inside correct arguments.

/** The paths to all values inside arguments, down to the elements of small arrays. */
export function pathsIn(
  value: unknown,
  before: readonly PropertyKey[] = [],
  seen = new Set<unknown>(),
): PropertyKey[][] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return [];
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return [];
  seen.add(value);
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = [...before, name];
    return [here, ...pathsIn(inner, here, seen)];
  });
}

/** Replaces or removes one value inside arguments. */
export function damage(values: unknown[], at: number, by: unknown, removes: boolean): void {
  const paths = pathsIn(values);
  if (paths.length === 0) return;
  const chosen = paths[at % paths.length]!;
  const last = chosen[chosen.length - 1]!;
  const owner = chosen.slice(0, -1).reduce((o: unknown, name) => (o as Record<PropertyKey, unknown>)[name], values);
  if (removes) delete (owner as Record<PropertyKey, unknown>)[last];
  else (owner as Record<PropertyKey, unknown>)[last] = by;
}
