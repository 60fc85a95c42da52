import { constantsOf, readFormat } from './page';

// The fields of records as docs/format/ names them, the arrays that they point to, and the
// arithmetic of docs/format/arithmetic.md: see runner.ts.

export const C = Object.fromEntries(constantsOf(readFormat()));
export const f = Math.fround;

/** An array in the arena or in WEIGHTS. */
class Elements {
  /** @param dtype an element type of the format, or F64 */
  constructor(
    private readonly view: DataView,
    private readonly start: number,
    private readonly dtype: number,
    private readonly bytes = sizeOf(dtype),
  ) {}
  get(i: number): number {
    const at = this.start + i * this.bytes;
    const { view } = this;
    switch (this.dtype) {
      case C.DTYPE_I8:
        return view.getInt8(at);
      case C.DTYPE_U8:
        return view.getUint8(at);
      case C.DTYPE_F32:
        return view.getFloat32(at, true);
      case C.DTYPE_I16:
        return view.getInt16(at, true);
      case F64:
        return view.getFloat64(at, true);
      default:
        return view.getInt32(at, true);
    }
  }
  set(i: number, x: number): void {
    const at = this.start + i * this.bytes;
    const { view } = this;
    if (this.dtype === C.DTYPE_F32) view.setFloat32(at, x, true);
    else if (this.bytes === 1) view.setInt8(at, x);
    else if (this.bytes === 2) view.setInt16(at, x, true);
    else view.setInt32(at, x, true);
  }
}

/** The element type of tables in double precision, which no tensor has. */
export const F64 = -64;

export function sizeOf(dtype: number): number {
  if (dtype === F64) return 8;
  if (dtype === C.DTYPE_I16) return 2;
  return dtype === C.DTYPE_I8 || dtype === C.DTYPE_U8 ? 1 : 4;
}

/** The implementation of each opcode, by the name of the opcode on the page. */
export type Records = Record<string, (r: Fields) => void>;

/** The fields of one record. */
export class Fields {
  readonly opcode: number;
  readonly dtype: number;
  readonly floats: boolean;
  constructor(
    private readonly plan: DataView,
    private readonly at: number,
    private readonly arena: DataView,
    private readonly weights: DataView,
  ) {
    this.opcode = plan.getUint8(at + C.RECORD_OPCODE!);
    this.dtype = plan.getUint8(at + C.RECORD_DTYPE!);
    this.floats = this.dtype === C.DTYPE_F32;
  }
  int(name: string, i = 0): number {
    return this.plan.getInt32(this.at + C[name]! + i * 4, true);
  }
  float(name: string, i = 0): number {
    return this.plan.getFloat32(this.at + C[name]! + i * 4, true);
  }
  /** MIN, MAX: i32 or f32 by the record's dtype. */
  bound(name: string): number {
    return this.floats ? this.float(name) : this.int(name);
  }
  source(name: string, dtype = this.dtype): Elements {
    const raw = this.plan.getUint32(this.at + C[name]!, true);
    const constant = raw >= C.SOURCE_IN_WEIGHTS!;
    return new Elements(constant ? this.weights : this.arena, constant ? raw - C.SOURCE_IN_WEIGHTS! : raw, dtype);
  }
  target(name: string, dtype = this.dtype): Elements {
    return new Elements(this.arena, this.int(name), dtype);
  }
  table(name: string, dtype: number): Elements {
    return new Elements(this.weights, this.int(name), dtype);
  }
  /** The values of the fields PREFIX_A, PREFIX_B, …, by their names A, B, … */
  ints<K extends string>(prefix: string, ...names: K[]): Record<K, number> {
    return Object.fromEntries(names.map((name) => [name, this.int(`${prefix}_${name}`)])) as Record<K, number>;
  }
}

/** The element offsets in two tensors for every index, with the last dimension fastest. */
export function* walk(r: Fields, dimensions: string, first: string, second: string): Generator<[number, number]> {
  const sizes = range(C.MAX_RANK!).map((d) => r.int(dimensions, d));
  const count = sizes.reduce((a, b) => a * b, 1);
  for (let n = 0; n < count; n++) {
    let rest = n;
    let a = 0;
    let b = 0;
    for (let d = C.MAX_RANK! - 1; d >= 0; d--) {
      const i = rest % sizes[d]!;
      rest = (rest - i) / sizes[d]!;
      a += i * r.int(first, d);
      b += i * r.int(second, d);
    }
    yield [a, b];
  }
}

// ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────

export function even(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

export function away(x: number): number {
  return Math.trunc(f(x + (x < 0 ? -0.5 : 0.5)));
}

export function clamp(x: number, lower: number, upper: number): number {
  const y = x < lower ? lower : x;
  return upper < y ? upper : y;
}

/** Zero point and clamp bounds of a target. */
interface Bounds {
  zeroPoint: number;
  min: number;
  max: number;
}

export function boundsOf(r: Fields, prefix: string): Bounds {
  return {
    zeroPoint: r.int(`${prefix}_TARGET_ZERO`),
    min: C[`${prefix}_MIN`] === undefined ? -128 : r.int(`${prefix}_MIN`),
    max: C[`${prefix}_MAX`] === undefined ? 127 : r.int(`${prefix}_MAX`),
  };
}

export const wholeRange = (zeroPoint: number): Bounds => ({ zeroPoint, min: -128, max: 127 });

export function requantize(acc: number, scale: number, { zeroPoint, min, max }: Bounds): number {
  return even(clamp(f(f(acc) * scale), min - zeroPoint, max - zeroPoint)) + zeroPoint;
}

export function quantize(x: number, { zeroPoint, min, max }: Bounds): number {
  return even(clamp(Number.isNaN(x) ? 0 : x, min - zeroPoint, max - zeroPoint)) + zeroPoint;
}

export const max = (a: number, b: number): number => (a < b ? b : a);
export const min = (a: number, b: number): number => (b < a ? b : a);
export const add = (a: number, b: number): number => f(a + b);

/** Reduces a row of f32 in its fixed order; `take` adds an element to a partial result. */
export function fold(row: number[], first: number, take: (p: number, x: number) => number, join = take): number {
  const whole = row.length - (row.length % 4);
  const p = [first, first, first, first];
  for (let i = 0; i < whole; i++) p[i % 4] = take(p[i % 4]!, row[i]!);
  return row.slice(whole).reduce(take, join(join(p[0]!, p[2]!), join(p[1]!, p[3]!)));
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export const up8 = (n: number): number => Math.ceil(n / 8) * 8;
