// LSTM, GRU and RNN of ONNX, in plain loops after the operator specification.

/** An operator with its numbers as nested arrays; layouts are those of layout 0. */
export interface OnnxCase {
  cell: 'lstm' | 'gru' | 'rnn';
  direction: 'forward' | 'reverse' | 'bidirectional';
  T: number;
  B: number;
  I: number;
  N: number;
  /** [T][B][I] */
  x: Float32Array;
  /** [D][G·N][I] and so on */
  w: Float32Array;
  r: Float32Array;
  b: Float32Array | undefined;
  p: Float32Array | undefined;
  lengths: number[] | undefined;
  h0: Float32Array | undefined;
  c0: Float32Array | undefined;
  /** The functions f, g, h of each direction. */
  functions: ((x: number) => number)[][];
  clip: number;
  inputForget: boolean;
  linearBeforeReset: boolean;
}

export interface OnnxResult {
  /** [T][D][B][N] */
  y: Float32Array;
  /** [D][B][N] */
  h: Float32Array;
  c: Float32Array;
}

export function onnxRecurrent(o: OnnxCase): OnnxResult {
  const { T, B, I, N } = o;
  const D = o.direction === 'bidirectional' ? 2 : 1;
  const G = { lstm: 4, gru: 3, rnn: 1 }[o.cell];
  const y = new Float32Array(T * D * B * N);
  const hn = new Float32Array(D * B * N);
  const cn = new Float32Array(D * B * N);
  for (let d = 0; d < D; d++) {
    const isReverse = o.direction === 'reverse' || d === 1;
    const [f, g, h] = o.functions[d]!.map((of, which) => (v: number) =>
      // ONNX Runtime does not clip the argument of h
      of(o.clip > 0 && which < 2 ? Math.max(-o.clip, Math.min(o.clip, v)) : v)
    );
    const wb = (gate: number, n: number): number => o.b?.[d * 2 * G * N + gate * N + n] ?? 0;
    const rb = (gate: number, n: number): number => o.b?.[d * 2 * G * N + (G + gate) * N + n] ?? 0;
    const p = (gate: number, n: number): number => o.p?.[d * 3 * N + gate * N + n] ?? 0;
    for (let b = 0; b < B; b++) {
      let H = Array.from({ length: N }, (_, n) => o.h0?.[(d * B + b) * N + n] ?? 0);
      let C = Array.from({ length: N }, (_, n) => o.c0?.[(d * B + b) * N + n] ?? 0);
      const L = o.lengths?.[b] ?? T;
      for (let step = 0; step < L; step++) {
        const t = isReverse ? L - 1 - step : step;
        const xw = (gate: number, n: number): number => {
          let sum = wb(gate, n);
          for (let k = 0; k < I; k++) sum += o.x[(t * B + b) * I + k]! * o.w[((d * G + gate) * N + n) * I + k]!;
          return sum;
        };
        const hr = (gate: number, n: number, state = H): number => {
          let sum = rb(gate, n);
          for (let k = 0; k < N; k++) sum += state[k]! * o.r[((d * G + gate) * N + n) * N + k]!;
          return sum;
        };
        const cells = (value: (n: number) => number): number[] => Array.from({ length: N }, (_, n) => value(n));
        if (o.cell === 'rnn') H = cells((n) => f!(xw(0, n) + hr(0, n)));
        else if (o.cell === 'gru') {
          const z = cells((n) => f!(xw(0, n) + hr(0, n)));
          const r = cells((n) => f!(xw(1, n) + hr(1, n)));
          const reset = H.map((v, n) => r[n]! * v);
          const tilde = cells((n) => g!(xw(2, n) + (o.linearBeforeReset ? r[n]! * hr(2, n) : hr(2, n, reset))));
          H = cells((n) => (1 - z[n]!) * tilde[n]! + z[n]! * H[n]!);
        } else {
          // i, o, f, c
          const i = cells((n) => f!(xw(0, n) + hr(0, n) + p(0, n) * C[n]!));
          const forget = cells((n) => (o.inputForget ? 1 - i[n]! : f!(xw(2, n) + hr(2, n) + p(2, n) * C[n]!)));
          const c = cells((n) => g!(xw(3, n) + hr(3, n)));
          const next = cells((n) => forget[n]! * C[n]! + i[n]! * c[n]!);
          const out = cells((n) => f!(xw(1, n) + hr(1, n) + p(1, n) * next[n]!));
          C = next;
          H = cells((n) => out[n]! * h!(C[n]!));
        }
        y.set(H, ((t * D + d) * B + b) * N);
      }
      hn.set(H, (d * B + b) * N);
      cn.set(C, (d * B + b) * N);
    }
  }
  return { y, h: hn, c: cn };
}
