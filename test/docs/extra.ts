import { C, f, type Fields, range, type Records } from './fields';

// The records of the extra module, as docs/format/extra.md specifies them: see runner.ts.

function elementwise(r: Fields): void {
  const kind = r.int('ELEMENTWISE_KIND');
  const isSelection = kind === C.ELEMENTWISE_SELECT;
  const isPredicate = kind >= C.ELEMENTWISE_EQUAL! && kind <= C.ELEMENTWISE_XOR!;
  const a = r.source('ELEMENTWISE_A');
  const b = r.source('ELEMENTWISE_B');
  const c = r.source('ELEMENTWISE_C', C.DTYPE_U8);
  const target = r.target('ELEMENTWISE_TARGET', isPredicate ? C.DTYPE_U8 : r.dtype);
  const compute = r.floats ? floats : integers;
  indices(r).forEach((index, at) => {
    const offset = (strides: string): number => index.reduce((sum, i, d) => sum + i * r.int(strides, d), 0);
    const p = a.get(offset('ELEMENTWISE_A_STRIDES'));
    const q = b.get(offset('ELEMENTWISE_B_STRIDES'));
    if (isSelection) target.set(at, c.get(offset('ELEMENTWISE_C_STRIDES')) !== 0 ? p : q);
    else target.set(at, isPredicate ? Number(predicate(kind, p, q)) : compute(kind, p, q));
  });
}

/** Every index of the record, with the last dimension fastest. */
function indices(r: Fields): number[][] {
  return range(C.MAX_RANK!).map((d) => r.int('ELEMENTWISE_DIMENSIONS', d)).reduce<number[][]>(
    (heads, size) => heads.flatMap((head) => range(size).map((i) => [...head, i])),
    [[]],
  );
}

function predicate(kind: number, p: number, q: number): boolean {
  const [x, y] = [p !== 0, q !== 0];
  return [false, p === q, p !== q, p < q, p <= q, x && y, x || y, x !== y][kind]!;
}

function floats(kind: number, p: number, q: number): number {
  if (kind === C.ELEMENTWISE_POW) return p ** q;
  if (kind === C.ELEMENTWISE_FLOOR_DIV) return Math.floor(f(p / q));
  const remainder = p % q;
  return remainder !== 0 && remainder < 0 !== q < 0 ? remainder + q : remainder;
}

function integers(kind: number, p: number, q: number): number {
  if (kind === C.ELEMENTWISE_POW) {
    if (q < 0) return Math.abs(p) === 1 ? p ** q : 0;
    return range(q).reduce((power) => Math.imul(power, p), 1);
  }
  if (q === 0) return 0;
  const quotient = Math.floor(p / q);
  return kind === C.ELEMENTWISE_FLOOR_DIV ? quotient : p - quotient * q;
}

/** The records of this file, by opcode. */
export const extra: Records = { OP_ELEMENTWISE: elementwise };
