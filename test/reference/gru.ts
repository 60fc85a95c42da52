import { input, perTensor, type Node, type TensorData } from '../../src/graph/graph';
import { dividePower, logistic16, tanh16 } from './gates';
import { activationOf, alongTime, clampTo8, initialState, int8Preactivations, logistic, realProducts, saturate16,
  type Row } from './sequence';
import type { Inputs } from './support';

/**
 * z, r = σ(W·x + b + U·h + ub); g = tanh(W·x + b + r·(U·h + ub)), or tanh(W·x + b + U·(r·h) + ub);
 * h = z·h + (1 − z)·g
 */
export function gru(node: Node<'gru'>, inputs: Inputs): TensorData[] {
  const hiddenSize = input(node, 2).shape[1]!;
  const [, w, u, bias, recurrentBias, h0] = inputs;
  const { resetAfter, hybrid, gate: kind } = node.attributes;
  const squash = kind === 'relu0To1' ? activationOf(kind) : logistic;
  const of = (gate: number, n: number): number => gate * hiddenSize + n;
  if (input(node, 0).dtype === 'int8') return integer(node, inputs);
  return alongTime(node, inputs, (b) => ({ h: Float64Array.from(initialState(h0, b, hiddenSize)) }), (x, state) => {
    const wx = realProducts(input(node, 1), w!, x, hybrid).map((s, i) => s + (bias?.[i] ?? 0));
    const inner = (h: Row): number[] =>
      realProducts(input(node, 2), u!, h, hybrid).map((s, i) => s + (recurrentBias?.[i] ?? 0));
    const uh = inner(state.h);
    const gate = (index: number): number[] =>
      Array.from({ length: hiddenSize }, (_, n) => squash(wx[of(index, n)]! + uh[of(index, n)]!));
    const z = gate(0);
    const r = gate(1);
    const reset = resetAfter
      ? uh.slice(2 * hiddenSize).map((s, n) => r[n]! * s)
      : inner(Array.from(state.h, (h, n) => r[n]! * h)).slice(2 * hiddenSize);
    state.h.forEach((h, n) => {
      state.h[n] = z[n]! * h + (1 - z[n]!) * Math.tanh(wx[of(2, n)]! + reset[n]!);
    });
    return Array.from(state.h);
  }, ({ h }) => [h]);
}

/** Gates are Q3.12 and the state is Q0.15; products read the state as Q0.7. */
function integer(node: Node<'gru'>, inputs: Inputs): TensorData[] {
  const hiddenSize = input(node, 2).shape[1]!;
  const [, , , bias, recurrentBias, h0] = inputs;
  const zeroPoint = perTensor(input(node, 0)).zeroPoint;
  const narrow = (h: number[]): number[] => h.map((v) => clampTo8(dividePower(v, 8)));
  return alongTime(node, inputs, (b) => ({ h: initialState(h0, b, hiddenSize) }), (x, state) => {
    const preactivations = (h: number[]): ReturnType<typeof int8Preactivations> =>
      int8Preactivations(
        node,
        x,
        zeroPoint,
        bias ?? null,
        narrow(h),
        { scale: 1 / 128, zeroPoint: 0 },
        () => 2 ** -12,
        recurrentBias ?? null,
      );
    const both = preactivations(state.h);
    const gate = (index: number): number[] =>
      Array.from(
        { length: hiddenSize },
        (_, n) =>
          logistic16(saturate16(both.input[index * hiddenSize + n]! +
            saturate16(both.hidden[index * hiddenSize + n]!))),
      );
    const z = gate(0);
    const r = gate(1);
    const last = (hidden: number[]): number[] => hidden.slice(2 * hiddenSize).map(saturate16);
    const reset = node.attributes.resetAfter
      ? last(both.hidden).map((s, n) => dividePower(r[n]! * s, 15))
      : last(preactivations(state.h.map((h, n) => dividePower(r[n]! * h, 15))).hidden);
    state.h = state.h.map((h, n) => {
      const g = tanh16(saturate16(both.input[2 * hiddenSize + n]! + reset[n]!), 3);
      return saturate16(dividePower(z[n]! * h, 15) + dividePower((32767 - z[n]!) * g, 15));
    });
    return narrow(state.h);
  }, ({ h }) => [h]);
}
