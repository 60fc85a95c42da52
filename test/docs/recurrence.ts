import { C, clamp, f, type Fields, max, range, up8 } from './fields';

// RECURRENCE, as docs/format/extra.md specifies it: see runner.ts.

type Row = number[];

function gate(r: Fields, which: number): (x: number) => number {
  const at = which * (C.RECURRENCE_FUNCTION_BYTES! / 4);
  const kind = r.int('RECURRENCE_FUNCTIONS', at);
  const alpha = r.float('RECURRENCE_FUNCTIONS', at + 1);
  const beta = r.float('RECURRENCE_FUNCTIONS', at + 2);
  const line = (x: number): number => f(f(x * alpha) + beta);
  const functions: Record<string, (x: number) => number> = {
    GATE_AFFINE: line,
    GATE_RELU: (x) => (x < 0 ? 0 : x),
    GATE_LEAKY_RELU: (x) => (x >= 0 ? x : f(x * alpha)),
    GATE_THRESHOLDED_RELU: (x) => (x > alpha ? x : 0),
    GATE_TANH: (x) => f(f(Math.tanh(f(x * beta))) * alpha),
    GATE_LOGISTIC: (x) => f(1 / f(1 + f(Math.exp(-x)))),
    GATE_HARD_SIGMOID: (x) => clamp(line(x), 0, 1),
    GATE_ELU: (x) => (x >= 0 ? x : f(f(Math.expm1(x)) * alpha)),
    GATE_SOFTSIGN: (x) => f(x / f(1 + Math.abs(x))),
    GATE_SOFTPLUS: (x) => f(max(x, 0) + f(Math.log(f(1 + f(Math.exp(-Math.abs(x))))))),
  };
  const own = functions[Object.keys(functions).find((name) => C[name] === kind)!]!;
  const clip = r.float('RECURRENCE_CLIP');
  return (x) => own(clip > 0 && which < 2 ? clamp(x, -clip, clip) : x);
}

export function recurrence(r: Fields): void {
  const R = r.ints(
    'RECURRENCE',
    'KIND',
    'TIME',
    'BATCH',
    'INPUTS',
    'CELLS',
    'TIME_MAJOR',
    'REVERSE',
    'HAS_LENGTHS',
    'COUPLED',
  );
  const N = R.CELLS;
  const lanes = up8(N);
  const source = r.source('RECURRENCE_SOURCE');
  const lengths = r.source('RECURRENCE_LENGTHS', C.DTYPE_I32);
  const [target, hidden, cell] = ['TARGET', 'HIDDEN', 'CELL'].map((name) => r.target(`RECURRENCE_${name}`));
  const [W, U, biasW, biasU, peephole] = ['INPUT_WEIGHTS', 'HIDDEN_WEIGHTS', 'INPUT_BIAS', 'HIDDEN_BIAS', 'PEEPHOLE']
    .map((name) => r.table(`RECURRENCE_${name}`, C.DTYPE_F32!));
  const [F, G, H] = range(3).map((which) => gate(r, which));
  const all = range(N);
  /** start + Σ row·weights of each lane of a gate */
  const product = (weights: typeof W, of: number, row: Row, start: (n: number) => number): Row =>
    all.map((n) =>
      row.reduce(
        (s, v, k) => f(s + f(v * weights!.get(((of * lanes + n - (n % 8)) / 8 * row.length + k) * 8 + (n % 8)))),
        start(n),
      )
    );
  for (let b = 0; b < R.BATCH; b++) {
    let h = all.map((n) => hidden!.get(b * N + n));
    let c = R.KIND === C.RECURRENT_LSTM ? all.map((n) => cell!.get(b * N + n)) : [];
    const L = R.HAS_LENGTHS === 1 ? clamp(lengths.get(b), 0, R.TIME) : R.TIME;
    for (let step = 0; step < R.TIME; step++) {
      const t = R.REVERSE === 1 && step < L ? L - 1 - step : step;
      const row = R.TIME_MAJOR === 1 ? t * R.BATCH + b : b * R.TIME + t;
      const x = range(R.INPUTS).map((k) => source.get(row * R.INPUTS + k));
      const w = (of: number): Row => product(W, of, x, (n) => biasW!.get(of * lanes + n));
      const both = (of: number): Row => {
        const s = w(of);
        return product(U, of, h, (n) => s[n]!);
      };
      if (step < L && R.KIND === C.RECURRENT_RNN) h = both(0).map(F!);
      else if (step < L && R.KIND === C.RECURRENT_LSTM) {
        const peep = (s: Row, of: number): Row => s.map((v, n) => f(v + f(peephole!.get(of * lanes + n) * c[n]!)));
        const i = peep(both(0), 0).map(F!);
        const forget = R.COUPLED === 1 ? i.map((v) => f(1 - v)) : peep(both(1), 1).map(F!);
        const g = both(2).map(G!);
        c = c.map((v, n) => f(f(forget[n]! * v) + f(i[n]! * g[n]!)));
        const o = peep(both(3), 2).map(F!);
        h = c.map((v, n) => f(o[n]! * H!(v)));
      } else if (step < L) {
        const T = (of: number, from = h): Row => product(U, of, from, (n) => biasU!.get(of * lanes + n));
        const sum = (a: Row, d: Row): Row => a.map((v, n) => f(v + d[n]!));
        const z = sum(w(0), T(0)).map(F!);
        const reset = sum(w(1), T(1)).map(F!);
        const t2 = R.KIND === C.RECURRENT_GRU
          ? T(2).map((v, n) => f(reset[n]! * v))
          : T(2, h.map((v, n) => f(reset[n]! * v)));
        const g = sum(w(2), t2).map(G!);
        h = h.map((v, n) => f(f(z[n]! * v) + f(f(1 - z[n]!) * g[n]!)));
      }
      all.forEach((n) => target!.set(row * N + n, step < L ? h[n]! : 0));
    }
    all.forEach((n) => hidden!.set(b * N + n, h[n]!));
    c.forEach((v, n) => cell!.set(b * N + n, v));
  }
}
