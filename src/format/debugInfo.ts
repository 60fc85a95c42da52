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
  /** Set if layers run in strips of rows. */
  strips?: StripInfo;
}

export interface StripInfo {
  /** Bytes that the arena would have without strips. */
  wholeArena: number;
  /** Layers that take turns as [first record, record after the last one, number of strips]. */
  segments: [first: number, end: number, strips: number][];
}

/**
 * Debug info without repeated keys, and without buffer names that equal record names.
 */
export function shortDebugInfo({ records, arena, strips }: DebugInfo): unknown {
  const named = records.map(({ name }, i) => [name, i] as const);
  const numbers = new Map(strips ? named.reverse() : named);
  return {
    // a layer that runs in strips has its name once
    records: records.map(({ name, op, shape, macs, weights, layout, density }, i) => {
      const known = strips && numbers.get(name) !== i ? numbers.get(name) : name;
      return [known, op, shape, macs, weights, ...(layout === undefined ? [] : [layout, density])];
    }),
    arena: arena.map(([name, ...rest]) => [numbers.get(name) ?? name, ...rest]),
    ...(strips && { strips }),
  };
}

/** A layer of a network, which consists of one record or of the records of its strips. */
export type DebugLayer = DebugInfo['records'][number] & {
  /** The first of its records. */
  index: number;
  /** All of its records. */
  indices: number[];
};

/** The layers of a network. The records of a layer that runs in strips are added up. */
export function layersOf({ records, strips }: Pick<DebugInfo, 'records' | 'strips'>): DebugLayer[] {
  const layers: DebugLayer[] = [];
  const segmentOf = (index: number): number =>
    strips?.segments.findIndex(([first, end]) => index >= first && index < end) ?? -1;
  const known = new Map<string, DebugLayer>();
  records.forEach((record, index) => {
    const segment = segmentOf(index);
    const key = JSON.stringify([segment, record.op, record.name]);
    const layer = segment < 0 ? undefined : known.get(key);
    if (!layer) {
      layers.push({ ...record, index, indices: [index] });
      known.set(key, layers.at(-1));
      return;
    }
    layer.indices.push(index);
    layer.shape = layer.shape.map((size, d) => (d === 1 ? size + record.shape[1]! : size));
    layer.macs += record.macs;
    layer.weights = Math.max(layer.weights, record.weights);
  });
  return layers;
}

/** The debug info of a file, if it has any that can be read. */
export function debugInfoOf({ readDebug }: { readDebug: () => Uint8Array | undefined }): DebugInfo | undefined {
  const debugInfo = fromAscii(readDebug() ?? new Uint8Array(0));
  if (!isObject(debugInfo) || !isTable(debugInfo.records, ['', 'string', 'object', 'number', 'number']) ||
    !isTable(debugInfo.arena, ['', 'number', 'number', 'number', 'number'])) return undefined;
  const names = debugInfo.records.map(([name]) => name);
  const records = debugInfo.records.map(([name, op, shape, macs, weights, layout, density]) => ({
    name: typeof name === 'number' ? names[name] : name,
    op,
    shape,
    macs,
    weights,
    ...(layout !== undefined && { layout, density }),
  }));
  const arena = debugInfo.arena.map((
    [name, ...rest],
  ) => [typeof name === 'number' ? records[name]?.name : name, ...rest]);
  const { strips } = debugInfo;
  if (!records.every(({ name, shape, layout, density }) =>
    typeof name === 'string' && isTable([shape], []) &&
    (layout === undefined || isTable([[layout, density]], ['string', 'number']))
  ) || !isTable(arena, ['string'])) return undefined;
  return { records, arena, ...(isStripInfo(strips) && { strips }) } as DebugInfo;
}

function isStripInfo(value: unknown): value is StripInfo {
  return isObject(value) && typeof value.wholeArena === 'number' &&
    isTable(value.segments, ['number', 'number', 'number']);
}

/**
 * Whether a value is an array of arrays whose first elements have the given types ('' matches any).
 */
function isTable(value: unknown, types: readonly string[]): value is unknown[][] {
  return Array.isArray(value) &&
    value.every((row) => Array.isArray(row) && types.every((type, i) => type === '' || typeof row[i] === type));
}
