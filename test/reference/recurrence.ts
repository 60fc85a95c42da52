import { input, type Node, type TensorData } from '../../src/graph/graph';
import type { GateFunction } from '../../src/graph/operators';
import { alongTime, initialState, rowProducts, type Row } from './sequence';
import type { Inputs } from './support';

/** A function of a gate, with the defaults of its parameters. */
export function gateOf({ kind, alpha = 1, beta = kind === 'tanh' ? 1 : 0 }: GateFunction): (x: number) => number {
  switch (kind) {
    case 'affine':
      return (x) => alpha * x + beta;
    case 'relu':
      return (x) => Math.max(0, x);
    case 'leakyRelu':
      return (x) => (x >= 0 ? x : alpha * x);
    case 'thresholdedRelu':
      return (x) => (x > alpha ? x : 0);
    case 'tanh':
      return (x) => alpha * Math.tanh(beta * x);
    case 'logistic':
      return (x) => 1 / (1 + Math.exp(-x));
    case 'hardSigmoid':
      return (x) => Math.max(0, Math.min(1, alpha * x + beta));
    case 'elu':
      return (x) => (x >= 0 ? x : alpha * (Math.exp(x) - 1));
    case 'softsign':
      return (x) => x / (1 + Math.abs(x));
    case 'softplus':
      return (x) => Math.log(1 + Math.exp(x));
  }
}

/**
 * f, i, o, z, r = F(…); g = G(…); lstm: c = f·c + i·g, h = o·H(c); gru: h = z·h + (1 − z)·g; rnn: h
 * = F(…), with a clip before F and G.
 */
export function recurrence(node: Node<'recurrence'>, inputs: Inputs): TensorData[] {
  const [, w, u, bias, recurrentBias, peephole, lengths, h0, c0] = inputs;
  const { cell, functions, clip, coupled, resetAfter, timeMajor } = node.attributes;
  const N = input(node, 2).shape[1]!;
  const rows = input(node, 1).shape[0]!;
  const [F, G, H] = functions.map((of, which) => {
    const gate = gateOf(of);
    return (x: number): number => gate(clip > 0 && which < 2 ? Math.max(-clip, Math.min(clip, x)) : x);
  });
  const each = (value: (n: number) => number): number[] => Array.from({ length: N }, (_, n) => value(n));
  const step = (x: Row, state: { h: number[]; c: number[] }): number[] => {
    const { h, c } = state;
    const wx = rowProducts(w!, x, rows).map((s, row) => s + (bias?.[row] ?? 0));
    const products = (of: Row): number[] => rowProducts(u!, of, rows).map((s, row) => s + (recurrentBias?.[row] ?? 0));
    const uh = products(h);
    const sum = (gate: number, n: number): number => wx[gate * N + n]! + uh[gate * N + n]!;
    if (cell === 'rnn') {
      state.h = each((n) => F!(sum(0, n)));
    } else if (cell === 'gru') {
      const z = each((n) => F!(sum(0, n)));
      const r = each((n) => F!(sum(1, n)));
      const afterReset = products(h.map((value, n) => r[n]! * value));
      const g = each((n) => {
        const at = 2 * N + n;
        return G!(wx[at]! + (resetAfter ? r[n]! * uh[at]! : afterReset[at]!));
      });
      state.h = each((n) => z[n]! * h[n]! + (1 - z[n]!) * g[n]!);
    } else {
      const peep = (gate: number, n: number, of: number): number => (peephole ? peephole[gate * N + n]! * of : 0);
      const i = each((n) => F!(sum(0, n) + peep(0, n, c[n]!)));
      const f = each((n) => (coupled ? 1 - i[n]! : F!(sum(1, n) + peep(1, n, c[n]!))));
      state.c = each((n) => f[n]! * c[n]! + i[n]! * G!(sum(2, n)));
      state.h = each((n) => F!(sum(3, n) + peep(2, n, state.c[n]!)) * H!(state.c[n]!));
    }
    return state.h;
  };
  const { shape } = input(node, 0);
  const T = shape.length === 2 ? 1 : shape[timeMajor ? 0 : 1]!;
  return alongTime(
    node,
    inputs,
    (b) => ({ h: initialState(h0, b, N), c: initialState(c0, b, N) }),
    step,
    ({ h, c }) => [h, c],
    (b) => Math.max(0, Math.min(T, lengths ? lengths[b]! : T)),
  );
}
