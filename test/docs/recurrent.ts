import { add, C, clamp, f, type Fields, fold, max, min, range, up8, type Records } from './fields';
import { listedWeights, nibbleOf, quantizeRow } from './products';

// Layers with state, as docs/format/recurrent.md specifies them: see runner.ts.

export function gatesOf(r: Fields): number {
  const kind = r.int('RECURRENT_KIND');
  if (kind === C.RECURRENT_RNN!) return 1;
  const hasThree = kind !== C.RECURRENT_LSTM! || r.int('RECURRENT_PARTS') & C.RECURRENT_COUPLED!;
  return hasThree ? 3 : 4;
}

const sat16 = (x: number): number => clamp(x, -32768, 32767);
const sat8 = (x: number): number => clamp(x, -128, 127);
/** a / 2^n, halves away from zero */
const over = (a: number, n: number): number => Math.sign(a) * Math.floor(Math.abs(a) / 2 ** n + (n > 0 ? 0.5 : 0));
const floorOver = (a: bigint, n: bigint): bigint => a >> n;

export function factor(x: number, multiplier: number, exponent: number): number {
  const left = Math.max(exponent, 0);
  const most = Math.floor((2 ** 31 - 1) / 2 ** left);
  const cut = clamp(x, -most - 1, most) * 2 ** left;
  return over(Number(floorOver(BigInt(cut) * BigInt(multiplier) + (1n << 30n), 31n)), Math.max(-exponent, 0));
}

const ring = (a: number, b: number): number => sat16(Math.floor((a * b + 16384) / 32768));

function exp16(x: number, b: number): number {
  if (x === 0) return 32767;
  if (b > 5 && x < -(2 ** (20 - b))) return 0;
  const Q = 2 ** (13 - b);
  const p = (x & (Q - 1)) - Q;
  const a = p * 2 ** b + 4096;
  const a2 = ring(a, a);
  let y = sat16(28918 + ring(28918, a + over(ring(over(ring(a2, a2), 2) + ring(a2, a), 10923) + a2, 1)));
  [25520, 19875, 12055, 4435, 600, 11, 0].forEach((m, i) => {
    if (i < b + 2 && (p - x) & (Q * 2 ** i)) y = ring(y, m);
  });
  return y;
}

function inverse16(e: number): number {
  const v = (e + 32768) >> 1;
  let x = 23130 + ring(v, -15420);
  for (let i = 0; i < 3; i++) x += sat16(4 * ring(x, 8192 - ring(v, x)));
  return x;
}

const logistic16 = (x: number): number => {
  const y = sat16(2 * inverse16(exp16(-Math.abs(x), 3)));
  if (x === 0) return 16384;
  return x > 0 ? y : 32767 - y;
};
const tanh16 = (x: number, b: number): number => {
  const y = sat16(4 * (inverse16(exp16(-Math.abs(x), b + 1)) - 8192));
  return x === 0 ? 0 : Math.sign(x) * y;
};

function norm16(
  s: number[],
  weight: (n: number) => number,
  bias: (n: number) => number,
  multiplier: number,
  exponent: number,
  guard: number,
): number[] {
  const N = s.length;
  const M = Math.trunc(1024 * s.reduce((a, b) => a + b, 0) / N);
  const squares = s.reduce((a, b) => a + b * b, 0);
  let V = Number((BigInt(squares) * BigInt(Math.trunc(2 ** 20 / N)) - BigInt(M) * BigInt(M)) / (1n << 20n));
  let root = [2147483647, 0];
  if (V < 1) V = guard;
  if (V > 1) {
    let e = 11;
    for (; V >= 2 ** 29; e++) V = Math.trunc(V / 4);
    for (; V < 2 ** 27; e--) V *= 4;
    const dot = (a: number, b: number): number => Number(floorOver(BigInt(a) * BigInt(b) + (1n << 30n), 31n));
    const sat32 = (x: number): number => clamp(x, -2147483648, 2147483647);
    const h = over(V >> 1, 1);
    let x = 2 ** 28;
    for (let i = 0; i < 5; i++) x = sat32(8 * (dot(402653184, x) - dot(h, sat32(64 * dot(dot(x, x), x)))));
    x = dot(x, 1518500250);
    root = e < 0 ? [x * 2 ** -e | 0, 0] : [x, -e];
  }
  return s.map((v, n) => {
    const u = (Math.imul(factor(1024 * v - M, root[0]!, root[1]!), weight(n)) + bias(n)) | 0;
    return sat16(factor(Math.trunc((u > 0 ? u + 512 : u - 512) / 1024), multiplier, exponent + 12));
  });
}

/** The part of a recurrent record that says that a matrix has four bits. */
const nibbleParts: Record<string, string> = {
  RECURRENT_INPUT_WEIGHTS: 'RECURRENT_INPUT_NIBBLES',
  RECURRENT_HIDDEN_WEIGHTS: 'RECURRENT_HIDDEN_NIBBLES',
  RECURRENT_PROJECTION: 'RECURRENT_PROJECTION_NIBBLES',
};

/** Returns start + Σ a·w of lane n of a gate, for a packed weight matrix. */
function matrix(
  r: Fields,
  name: string,
  floats: boolean,
  lanes: number,
  K: number,
  lists?: string,
): (gate: number, n: number, a: number[], start?: number) => number {
  const weights = r.table(name, floats ? C.DTYPE_F32! : C.DTYPE_I8!);
  const panels = up8(lanes) / 8;
  if (lists !== undefined && r.opcode === C.OP_SPARSE_RECURRENT && r.int(`${lists}_ENTRIES`) > 0) {
    const listed = listedWeights(r, name, lists, gatesOf(r) * up8(lanes), K, 0);
    return (gate, n, a, start = 0) => a.reduce((s, v, k) => s + v * listed[(gate * up8(lanes) + n) * K + k]!, start);
  }
  const part = nibbleParts[name];
  const isPacked = part === undefined ? r.int('SVDF_NIBBLES') === 1 : (r.int('RECURRENT_PARTS') & C[part]!) !== 0;
  if (isPacked) {
    return (gate, n, a, start = 0) =>
      a.reduce((s, v, k) => s + v * nibbleOf(weights, gate * panels + (n >> 3), K, n, k), start);
  }
  return (gate, n, a, start = 0) => {
    const panel = gate * panels + (n >> 3);
    const at = (k: number): number =>
      weights.get(floats
        ? (panel * K + k) * 8 + (n % 8)
        : (panel * Math.ceil(K / 4) + (k >> 2)) * 32 + (n % 8) * 4 + (k % 4));
    return a.reduce((s, v, k) => (floats ? f(s + f(v * at(k))) : s + v * at(k)), start);
  };
}

const logistic = (x: number): number => f(1 / f(1 + f(Math.exp(-x))));

function activation(kind: number): (x: number) => number {
  const functions: Record<string, (x: number) => number> = {
    UNARY_RELU: (x) => max(x, 0),
    UNARY_RELU6: (x) => min(max(x, 0), 6),
    UNARY_RELU_N1_TO_1: (x) => min(max(x, -1), 1),
    UNARY_TANH: (x) => f(Math.tanh(x)),
  };
  return kind === -1 ? (x) => x : functions[Object.keys(functions).find((name) => C[name] === kind)!]!;
}

function recurrentLayer(r: Fields): void {
  const { KIND, TIME, BATCH, INPUTS, CELLS, OUTPUTS, SOURCE_TIME_STRIDE, SOURCE_BATCH_STRIDE, TARGET_TIME_STRIDE,
    TARGET_BATCH_STRIDE, REVERSE, PARTS, MODE } = r.ints(
      'RECURRENT',
      'KIND',
      'TIME',
      'BATCH',
      'INPUTS',
      'CELLS',
      'OUTPUTS',
      'SOURCE_TIME_STRIDE',
      'SOURCE_BATCH_STRIDE',
      'TARGET_TIME_STRIDE',
      'TARGET_BATCH_STRIDE',
      'REVERSE',
      'PARTS',
      'MODE',
    );
  const G = gatesOf(r);
  const N = CELLS;
  const lanes = up8(N);
  const gru = KIND === C.RECURRENT_GRU! || KIND === C.RECURRENT_GRU_RESET_FIRST!;
  const plain = r.floats && MODE === C.RECURRENT_PLAIN!;
  const source = r.source('RECURRENT_SOURCE');
  const target = r.target('RECURRENT_TARGET');
  const hidden = r.target('RECURRENT_HIDDEN', !r.floats && gru ? C.DTYPE_I16! : r.dtype);
  const cell = r.target('RECURRENT_CELL', r.floats ? C.DTYPE_F32 : C.DTYPE_I16!);
  const W = matrix(r, 'RECURRENT_INPUT_WEIGHTS', plain, N, INPUTS, 'SPARSE_RECURRENT_INPUT');
  const U = matrix(r, 'RECURRENT_HIDDEN_WEIGHTS', plain, N, OUTPUTS, 'SPARSE_RECURRENT_HIDDEN');
  const number = r.floats ? C.DTYPE_F32! : C.DTYPE_I32!;
  const small = r.floats ? C.DTYPE_F32! : C.DTYPE_I16!;
  const biasW = r.table('RECURRENT_INPUT_BIAS', number);
  const biasU = r.table('RECURRENT_HIDDEN_BIAS', number);
  const gates = r.table('RECURRENT_GATES', plain || MODE ? C.DTYPE_F32! : C.DTYPE_I32!);
  const sums = r.table('RECURRENT_SUMS', C.DTYPE_I32!);
  const peephole = r.table('RECURRENT_PEEPHOLE', small);
  const norm = r.table('RECURRENT_NORM', small);
  const normBias = r.table('RECURRENT_NORM_BIAS', number);
  const words = (gate: number, i: number): number => gates.get(gate * 9 + i);
  const P = matrix(r, 'RECURRENT_PROJECTION', plain, OUTPUTS, N);
  const biasP = r.table('RECURRENT_PROJECTION_BIAS', number);
  const all = range(N);
  const squash = PARTS & C.RECURRENT_HARD_GATES! ? (v: number) => clamp(v, 0, 1) : logistic;
  const act = r.floats ? activation(r.int('RECURRENT_ACTIVATION')) : () => 0;
  /** The same in f32. Hybrid records first quantize the row by its own range. */
  const products = (
    of: typeof W,
    gate: number,
    row: number[],
    start: (n: number) => number,
    count: number,
    scale: number,
    firstSum: number,
  ): number[] => {
    if (plain) return range(count).map((n) => of(gate, n, row, start(n)));
    const { q, s, z } = quantizeRow(row, MODE === C.RECURRENT_ASYMMETRIC!);
    return range(count).map((n) =>
      f(f(f((of(gate, n, q) - z * sums.get(firstSum + n)) | 0) * f(s * scale)) + start(n))
    );
  };
  for (let b = 0; b < BATCH; b++) {
    let h = range(OUTPUTS).map((n) => hidden.get(b * OUTPUTS + n));
    let c = KIND === C.RECURRENT_LSTM! ? all.map((n) => cell.get(b * N + n)) : [];
    for (let step = 0; step < TIME; step++) {
      const t = REVERSE ? TIME - 1 - step : step;
      const x = range(INPUTS).map((k) => source.get(t * SOURCE_TIME_STRIDE + b * SOURCE_BATCH_STRIDE + k));
      let output: number[] | undefined;
      const coupled = G === 3;
      const [I, F, Gate, O] = coupled ? [0, 0, 1, 2] : [0, 1, 2, 3];
      if (r.floats) {
        const w = (gate: number): number[] =>
          products(W, gate, x, (n) => biasW.get(gate * lanes + n), N, gates.get(gate * 2), gate * lanes);
        const u = (gate: number, row: number[], start: (n: number) => number): number[] =>
          products(U, gate, row, start, N, gates.get(gate * 2 + 1), (G + gate) * lanes);
        const both = (gate: number): number[] => {
          const s = w(gate);
          return u(gate, h, (n) => s[n]!);
        };
        if (KIND === C.RECURRENT_RNN!) h = both(0).map(act);
        else if (gru) {
          const T = (gate: number, row = h): number[] => u(gate, row, (n) => biasU.get(gate * lanes + n));
          const sum = (gate: number): number[] => {
            const a = w(gate);
            const d = T(gate);
            return all.map((n) => squash(f(a[n]! + d[n]!)));
          };
          const z = sum(0);
          const reset = sum(1);
          const last = w(2);
          const d = KIND === C.RECURRENT_GRU!
            ? T(2).map((v, n) => f(reset[n]! * v))
            : T(2, h.map((v, n) => f(reset[n]! * v)));
          h = h.map((v, n) => f(f(z[n]! * v) + f(f(1 - z[n]!) * f(Math.tanh(f(last[n]! + d[n]!))))));
        } else {
          const finish = (gate: number, peeps: boolean): number[] => {
            let s = both(gate);
            if (peeps && PARTS & C.RECURRENT_HAS_PEEPHOLE!) {
              s = s.map((v, n) => f(v + f(peephole.get(gate * lanes + n) * c[n]!)));
            }
            if (PARTS & C.RECURRENT_HAS_NORM!) {
              const mean = f(fold(s, 0, add) / N);
              const d = s.map((v) => f(v - mean));
              const v = f(1 / f(Math.sqrt(f(f(fold(d, 0, (p, e) => f(p + f(e * e)), add) / N) + f(1e-8)))));
              s = d.map((e, n) => f(f(f(e * v) * norm.get(gate * lanes + n)) + normBias.get(gate * lanes + n)));
            }
            return s;
          };
          const fs = finish(F, true).map(squash);
          const is = coupled ? fs.map((v) => f(1 - v)) : finish(I, true).map(squash);
          const gs = finish(Gate, false).map(act);
          const clip = r.float('RECURRENT_CELL_CLIP');
          c = c.map((v, n) => f(f(fs[n]! * v) + f(is[n]! * gs[n]!))).map((v) => (clip > 0 ? clamp(v, -clip, clip) : v));
          const os = finish(O, true).map(squash);
          const m = c.map((v, n) => f(os[n]! * act(v)));
          const bound = r.float('RECURRENT_PROJECTION_CLIP');
          h = PARTS & C.RECURRENT_HAS_PROJECTION!
            ? products(P, 0, m, (n) => biasP.get(n), OUTPUTS, r.float('RECURRENT_PROJECTION_SCALE'), 2 * G * lanes).map(
              (v) => (bound > 0 ? clamp(v, -bound, bound) : v)
            )
            : m;
        }
      } else {
        const s = (gate: number): number[] =>
          all.map((n) => sat16(factor(W(gate, n, x) + biasW.get(gate * lanes + n), words(gate, 0), words(gate, 1))));
        const T = (gate: number, row: number[]): number[] =>
          all.map((n) => factor(U(gate, n, row) + biasU.get(gate * lanes + n), words(gate, 2), words(gate, 3)));
        const both = (gate: number): number[] => {
          const a = s(gate);
          const d = T(gate, h);
          return all.map((n) => sat16(a[n]! + d[n]!));
        };
        const zeroPoint = r.int('RECURRENT_TARGET_ZERO');
        if (KIND === C.RECURRENT_RNN!) {
          h = both(0).map((v) =>
            clamp(
              over(r.int('RECURRENT_ACTIVATION') === C.UNARY_TANH! ? tanh16(v, 3) : v, 8) + zeroPoint,
              r.int('RECURRENT_MIN'),
              r.int('RECURRENT_MAX'),
            )
          );
        } else if (gru) {
          const narrow = (row: number[]): number[] => row.map((v) => sat8(over(v, 8)));
          const h8 = narrow(h);
          const sum = (gate: number): number[] => {
            const a = s(gate);
            const d = T(gate, h8);
            return all.map((n) => logistic16(sat16(a[n]! + sat16(d[n]!))));
          };
          const z = sum(0);
          const reset = sum(1);
          const last = s(2);
          const d = KIND === C.RECURRENT_GRU!
            ? T(2, h8).map((v, n) => over(reset[n]! * sat16(v), 15))
            : T(2, narrow(h.map((v, n) => over(reset[n]! * v, 15)))).map(sat16);
          h = h.map((v, n) =>
            sat16(over(z[n]! * v, 15) + over((32767 - z[n]!) * tanh16(sat16(last[n]! + d[n]!), 3), 15))
          );
          output = h.map((v) => sat8(over(v, 8) + zeroPoint));
        } else {
          const finish = (gate: number, peeps: boolean): number[] => {
            let a = both(gate);
            if (peeps && PARTS & C.RECURRENT_HAS_PEEPHOLE!) {
              a = a.map((v, n) =>
                sat16(v + factor(peephole.get(gate * lanes + n) * c[n]!, words(gate, 4), words(gate, 5)))
              );
            }
            if (!(PARTS & C.RECURRENT_HAS_NORM!)) return a;
            const normOf = (n: number): number => norm.get(gate * lanes + n);
            const biasOf = (n: number): number => normBias.get(gate * lanes + n);
            return norm16(a, normOf, biasOf, words(gate, 6), words(gate, 7), words(gate, 8));
          };
          const bits = r.int('RECURRENT_CELL_BITS');
          const clip = r.int('RECURRENT_CELL_CLIP') || Infinity;
          const bound = r.int('RECURRENT_PROJECTION_CLIP') || Infinity;
          const fs = finish(F, true).map(logistic16);
          const is = coupled ? fs.map((v) => 32767 - v) : finish(I, true).map(logistic16);
          const gs = finish(Gate, false).map((v) => tanh16(v, 3));
          c = c.map((v, n) => clamp(sat16(over(fs[n]! * v, 15) + over(is[n]! * gs[n]!, 15 + bits)), -clip, clip));
          const os = finish(O, true).map(logistic16);
          const m = c.map((v, n) =>
            sat8(factor(os[n]! * tanh16(v, bits), r.int('RECURRENT_OUT_MULTIPLIER'), r.int('RECURRENT_OUT_EXPONENT')) -
              r.int('RECURRENT_OUT_ZERO'))
          );
          h = PARTS & C.RECURRENT_HAS_PROJECTION!
            ? range(OUTPUTS).map((n) =>
              clamp(
                sat8(factor(
                  P(0, n, m) + biasP.get(n),
                  r.int('RECURRENT_PROJECTION_MULTIPLIER'),
                  r.int('RECURRENT_PROJECTION_EXPONENT'),
                ) + zeroPoint),
                -bound,
                bound,
              )
            )
            : m;
        }
      }
      (output ?? h).forEach((v, n) => target.set(t * TARGET_TIME_STRIDE + b * TARGET_BATCH_STRIDE + n, v));
    }
    h.forEach((v, n) => hidden.set(b * OUTPUTS + n, v));
    c.forEach((v, n) => cell.set(b * N + n, v));
  }
}

function svdf(r: Fields): void {
  const { TIME, BATCH, INPUTS, UNITS, RANK, MEMORY, SOURCE_TIME_STRIDE, SOURCE_BATCH_STRIDE, TARGET_TIME_STRIDE,
    TARGET_BATCH_STRIDE, MODE } = r.ints(
      'SVDF',
      'TIME',
      'BATCH',
      'INPUTS',
      'UNITS',
      'RANK',
      'MEMORY',
      'SOURCE_TIME_STRIDE',
      'SOURCE_BATCH_STRIDE',
      'TARGET_TIME_STRIDE',
      'TARGET_BATCH_STRIDE',
      'MODE',
    );
  const filters = UNITS * RANK;
  const plain = r.floats && MODE === C.RECURRENT_PLAIN!;
  const source = r.source('SVDF_SOURCE');
  const target = r.target('SVDF_TARGET');
  const state = r.target('SVDF_STATE', r.floats ? C.DTYPE_F32 : C.DTYPE_I16!);
  const W = matrix(r, 'SVDF_FEATURE_WEIGHTS', plain, filters, INPUTS);
  const time = r.table('SVDF_TIME_WEIGHTS', r.floats ? C.DTYPE_F32! : C.DTYPE_I16!);
  const bias = r.table('SVDF_BIAS', r.floats ? C.DTYPE_F32! : C.DTYPE_I32!);
  const sums = r.table('SVDF_SUMS', C.DTYPE_I32!);
  for (let b = 0; b < BATCH; b++) {
    for (let t = 0; t < TIME; t++) {
      const x = range(INPUTS).map((k) => source.get(t * SOURCE_TIME_STRIDE + b * SOURCE_BATCH_STRIDE + k));
      const { q, s, z } = quantizeRow(x, MODE === C.RECURRENT_ASYMMETRIC!);
      for (let i = 0; i < filters; i++) {
        const past = (m: number): number => (b * filters + i) * MEMORY + m;
        for (let m = 1; m < MEMORY; m++) state.set(past(m - 1), state.get(past(m)));
        if (plain) state.set(past(MEMORY - 1), W(0, i, x));
        else if (r.floats) {
          state.set(past(MEMORY - 1), f(f((W(0, i, q) - z * sums.get(i)) | 0) * f(s * r.float('SVDF_SCALE'))));
        } else {
          const acc = (W(0, i, x) - r.int('SVDF_SOURCE_ZERO') * sums.get(i)) | 0;
          const p = factor(acc, r.int('SVDF_FEATURE_MULTIPLIER'), r.int('SVDF_FEATURE_EXPONENT'));
          state.set(past(MEMORY - 1), sat16(p));
        }
      }
      for (let unit = 0; unit < UNITS; unit++) {
        const dot = (i: number): number =>
          range(MEMORY).reduce((sum, m) => {
            const product = time.get(i * MEMORY + m) * state.get((b * filters + i) * MEMORY + m);
            return r.floats ? f(sum + f(product)) : (sum + product) | 0;
          }, 0);
        const own = range(RANK).map((k) => dot(unit * RANK + k));
        const at = t * TARGET_TIME_STRIDE + b * TARGET_BATCH_STRIDE + unit;
        if (r.floats) {
          target.set(at, clamp(f(own.reduce(add, 0) + bias.get(unit)), r.float('SVDF_MIN'), r.float('SVDF_MAX')));
        } else {
          const acc = own.reduce((p, v) => (p + v) | 0, bias.get(unit));
          const result = factor(acc, r.int('SVDF_OUT_MULTIPLIER'), r.int('SVDF_OUT_EXPONENT')) +
            r.int('SVDF_TARGET_ZERO');
          target.set(at, clamp(result, r.int('SVDF_MIN'), r.int('SVDF_MAX')));
        }
      }
    }
  }
}

/** The records of this file, by opcode. */
export const recurrent: Records = { OP_RECURRENT: recurrentLayer, OP_SPARSE_RECURRENT: recurrentLayer, OP_SVDF: svdf };
