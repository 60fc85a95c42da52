import { fromAscii, isObject } from './json';

// The DEBUG section of a file (docs/format/).

/** Debug info about the records and the arena, for tools. Optional, not needed to run. */
export interface DebugInfo {
  /**
   * `layout` and `density` are set for pruned weights stored as lists and for weights that stay
   * packed: the kind of list or "nibbles", and the fraction of nonzero weights.
   */
  records: { name: string; op: string; shape: number[]; macs: number; weights: number; layout?: string;
    density?: number }[];
  /**
   * Buffers of the arena as [name, offset, bytes, first, last], where `first` and `last` are the
   * records between which a buffer is in use (−1: before the first record).
   */
  arena: [name: string, offset: number, bytes: number, first: number, last: number][];
}

/**
 * Debug info without repeated keys, and without buffer names that equal record names.
 */
export function shortDebugInfo({ records, arena }: DebugInfo): unknown {
  const numbers = new Map(records.map(({ name }, i) => [name, i]));
  return {
    records: records.map((
      { name, op, shape, macs, weights, layout, density },
    ) => [name, op, shape, macs, weights, ...(layout === undefined ? [] : [layout, density])]),
    arena: arena.map(([name, ...rest]) => [numbers.get(name) ?? name, ...rest]),
  };
}

/** The debug info of a file, if it has any that can be read. */
export function debugInfoOf({ readDebug }: { readDebug: () => Uint8Array | undefined }): DebugInfo | undefined {
  const debugInfo = fromAscii(readDebug() ?? new Uint8Array(0));
  if (!isObject(debugInfo) || !isTable(debugInfo.records, ['string', 'string', 'object', 'number', 'number']) ||
    !isTable(debugInfo.arena, ['', 'number', 'number', 'number', 'number'])) return undefined;
  const records = debugInfo.records.map(([name, op, shape, macs, weights, layout, density]) => ({
    name,
    op,
    shape,
    macs,
    weights,
    ...(layout !== undefined && { layout, density }),
  }));
  const arena = debugInfo.arena.map((
    [name, ...rest],
  ) => [typeof name === 'number' ? records[name]?.name : name, ...rest]);
  if (!records.every(({ shape, layout, density }) =>
    isTable([shape], []) && (layout === undefined || isTable([[layout, density]], ['string', 'number']))
  ) || !isTable(arena, ['string'])) return undefined;
  return { records, arena } as DebugInfo;
}

/**
 * Whether a value is an array of arrays whose first elements have the given types ('' matches any).
 */
function isTable(value: unknown, types: readonly string[]): value is unknown[][] {
  return Array.isArray(value) &&
    value.every((row) => Array.isArray(row) && types.every((type, i) => type === '' || typeof row[i] === type));
}
