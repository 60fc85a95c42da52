import { KletError } from '../../errors';
import { elementCount, type ConstantData } from '../../graph/graph';
import type { TfliteReader } from './reader';
import type { Table, TableName } from './schema';

const DENSE = 0;
const vectors: Record<number, TableName & `${string}Vector`> = {
  1: 'Int32Vector',
  2: 'Uint16Vector',
  3: 'Uint8Vector',
};

/**
 * Expands a sparse tensor to a dense one. Its dimensions, followed by those of its blocks, are
 * walked in `traversalOrder`. Each is dense or lists its indices, in segments that the previous
 * dimension delimits (as in compressed sparse rows).
 */
export function expandSparse<A extends ConstantData>(
  stored: A,
  { traversalOrder, blockMap, dimMetadata }: Table<'SparsityParameters'>,
  shape: readonly number[],
  name: string,
  reader: TfliteReader,
): A {
  const corrupt = (): KletError =>
    new KletError(
      'CORRUPT',
      `tensor "${name}" has a sparse encoding that does not fit its shape [${shape.join(', ')}]`,
    );
  const rank = shape.length;
  const levels = rank + blockMap.length;
  const count = elementCount(shape);
  if (traversalOrder.length !== levels || dimMetadata.length !== levels || new Set(traversalOrder).size !== levels ||
    traversalOrder.some((d) => d < 0 || d >= levels) || blockMap.some((d) => d < 0 || d >= rank)) throw corrupt();
  const list = (type: number, position: number): ArrayLike<number> => {
    const table = vectors[type];
    if (!table) throw corrupt();
    return reader.table(table, position).values;
  };
  const walks = dimMetadata.map((d) => ({
    size: d.format === DENSE ? d.denseSize : 0,
    ...(d.format !== DENSE && { segments: list(d.segmentsType, d.segments), indices: list(d.indicesType, d.indices) }),
  }));
  if (walks.some(({ size, segments }) => !segments && !(size >= 1 && size <= count))) throw corrupt();
  // a block has the size of its dense level
  const blocks = blockMap.map((_, i) => walks[traversalOrder.indexOf(rank + i)]!.size);
  const dense = new (stored.constructor as new(length: number) => A)(count);
  const at = new Array<number>(levels).fill(0);
  let used = 0;
  const walk = (level: number, before: number): void => {
    if (level === levels) {
      const position = at.slice(0, rank);
      blockMap.forEach((dimension, i) => {
        position[dimension] = position[dimension]! * blocks[i]! + at[rank + i]!;
      });
      if (used >= stored.length || position.some((p, d) => !(p >= 0 && p < shape[d]!))) throw corrupt();
      dense[position.reduce((index, p, d) => index * shape[d]! + p, 0)] = stored[used++]!;
      return;
    }
    const { size, segments, indices } = walks[level]!;
    const dimension = traversalOrder[level]!;
    if (!segments || !indices) {
      for (let i = 0; i < size; i++) {
        at[dimension] = i;
        walk(level + 1, before * size + i);
      }
      return;
    }
    const from = segments[before];
    const to = segments[before + 1];
    if (from === undefined || to === undefined || from < 0 || to < from || to > indices.length) throw corrupt();
    for (let i = from; i < to; i++) {
      at[dimension] = indices[i]!;
      walk(level + 1, i);
    }
  };
  walk(0, 0);
  if (used !== stored.length) throw corrupt();
  return dense;
}
