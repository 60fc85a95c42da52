import { input, output, perTensor, type Node, type TensorData } from '../../src/graph/graph';
import { multiply, multiplierOf } from './fixedPoint';
import { dividePower, logistic16, norm16, tanh16 } from './gates';
import { fround } from './requantize';
import { activationOf, alongTime, clampTo8, initialState, int8Preactivations, logistic, realProducts, rowProducts,
  saturate16, scaleAt, scaled } from './sequence';
import type { Inputs } from './support';

/** The index of gate `name` among the gates that the weights have. */
function gateAt(gates: number, name: 'i' | 'f' | 'g' | 'o'): number {
  return (gates === 4 ? 'ifgo' : 'fgo').indexOf(name);
}

/**
 * i, f, o = σ(W·x + U·h + p·c + b), g = tanh(W·x + U·h + b); c = f·c + i·g; h = o·tanh(c), followed
 * by the optional projection.
 */
export function lstm(node: Node<'lstm'>, inputs: Inputs): TensorData[] {
  return input(node, 0).dtype === 'int8' ? integer(node, inputs) : float(node, inputs);
}

function sizes(node: Node<'lstm'>): { hiddenSize: number; gates: number; projectionSize: number } {
  const projectionSize = input(node, 2).shape[1]!;
  const hiddenSize = node.inputs[5]?.shape[1] ?? projectionSize;
  return { hiddenSize, projectionSize, gates: input(node, 1).shape[0]! / hiddenSize };
}

function float(node: Node<'lstm'>, inputs: Inputs): TensorData[] {
  const { hiddenSize, gates, projectionSize } = sizes(node);
  const { activation, cellClip, projectionClip, hybrid, gate: kind } = node.attributes;
  const act = activationOf(activation);
  const squash = kind === 'relu0To1' ? activationOf(kind) : logistic;
  const [, w, u, bias, peephole, projection, projectionBias, norm, h0, c0] = inputs;
  const clip = (x: number, bound: number): number => (bound > 0 ? Math.max(-bound, Math.min(bound, x)) : x);
  return alongTime(
    node,
    inputs,
    (b) => ({
      h: Float32Array.from(initialState(h0, b, projectionSize)),
      c: Float64Array.from(initialState(c0, b, hiddenSize)),
    }),
    (x, state) => {
      const wx = realProducts(input(node, 1), w!, x, hybrid);
      const uh = realProducts(input(node, 2), u!, state.h, hybrid);
      const gate = (name: 'i' | 'f' | 'g' | 'o'): number[] => {
        const at = gateAt(gates, name);
        const peep = name === 'g' ? -1 : gateAt(gates, name) - (name === 'o' ? 1 : 0);
        let preactivations = Array.from({ length: hiddenSize }, (_, n) =>
          wx[at * hiddenSize + n]! + uh[at * hiddenSize + n]! + (norm ? 0 : bias?.[at * hiddenSize + n] ?? 0)
          + (peephole && peep >= 0 ? peephole[peep * hiddenSize + n]! * state.c[n]! : 0));
        if (norm) {
          const mean = preactivations.reduce((a, b) => a + b, 0) / hiddenSize;
          const variance = preactivations.reduce((a, b) => a + (b - mean) ** 2, 0) / hiddenSize;
          preactivations = preactivations.map((s, n) =>
            (s - mean) / Math.sqrt(variance + 1e-8) * norm[at * hiddenSize + n]! + (bias?.[at * hiddenSize + n] ?? 0)
          );
        }
        return preactivations.map(name === 'g' ? act : squash);
      };
      const f = gate('f');
      const i = gates === 4 ? gate('i') : f.map((v) => 1 - v);
      const g = gate('g');
      state.c.forEach((c, n) => {
        state.c[n] = clip(f[n]! * c + i[n]! * g[n]!, cellClip);
      });
      const o = gate('o');
      const hidden = Array.from(state.c, (c, n) => o[n]! * act(c));
      const y = projection
        ? realProducts(input(node, 5), projection, hidden, hybrid).map((s, n) =>
          clip(s + (projectionBias?.[n] ?? 0), projectionClip)
        )
        : hidden;
      state.h = Float32Array.from(y);
      return y;
    },
    ({ h, c }) => [h, c],
  );
}

function integer(node: Node<'lstm'>, inputs: Inputs): TensorData[] {
  const { hiddenSize, gates, projectionSize } = sizes(node);
  const { cellClip, projectionClip, cellScale = 2 ** -11, gateScales } = node.attributes;
  const bits = 15 + Math.log2(cellScale);
  const [, , , bias, peephole, projection, projectionBias, norm, h0, c0] = inputs;
  const x0 = perTensor(input(node, 0));
  const y0 = perTensor(output(node));
  const inner = node.attributes.hidden ?? y0;
  const whole = (
    clip: number,
    scale: number,
    most: number,
  ): number => (clip > 0 ? Math.trunc(Math.min(fround(clip / fround(scale)), most)) : 0);
  const clip = whole(cellClip, cellScale, 32767);
  const most = whole(projectionClip, y0.scale, 127);
  const gateScale = (gate: number): number => fround(norm ? gateScales?.[gate] ?? 2 ** -12 : 2 ** -12);
  return alongTime(
    node,
    inputs,
    (b) => ({ h: initialState(h0, b, projectionSize, y0.zeroPoint), c: initialState(c0, b, hiddenSize) }),
    (x, state) => {
      const preactivations = int8Preactivations(node, x, x0.zeroPoint, norm ? null : bias ?? null, state.h, y0, (row) =>
        gateScale(Math.floor(row / hiddenSize)));
      const gate = (name: 'i' | 'f' | 'g' | 'o'): number[] => {
        const at = gateAt(gates, name);
        const peep = name === 'g' ? -1 : at - (name === 'o' ? 1 : 0);
        let values = Array.from({ length: hiddenSize }, (_, n) =>
          saturate16(preactivations.input[at * hiddenSize + n]! + preactivations.hidden[at * hiddenSize + n]!));
        if (peephole && peep >= 0) {
          const factor = fround(fround(cellScale * scaleAt(node.inputs[4]!, peep * hiddenSize)) / gateScale(at));
          values = values.map((v, n) =>
            saturate16(v + scaled(peephole[peep * hiddenSize + n]! * state.c[n]!, factor))
          );
        }
        if (norm) {
          const scale = scaleAt(node.inputs[7]!, at * hiddenSize);
          const guard = Math.max(1, Math.trunc(fround(10000 * scale)));
          values = norm16(
            values,
            norm.subarray(at * hiddenSize, (at + 1) * hiddenSize),
            Array.from({ length: hiddenSize }, (_, n) => bias?.[at * hiddenSize + n] ?? 0),
            multiplierOf(scale),
            guard,
            multiply,
          );
        }
        return values.map((v) => (name === 'g' ? tanh16(v, 3) : logistic16(v)));
      };
      const f = gate('f');
      const i = gates === 4 ? gate('i') : f.map((v) =>
        32767 - v
      );
      const g = gate('g');
      state.c = state.c.map((c, n) => {
        const sum = saturate16(dividePower(f[n]! * c, 15) + dividePower(i[n]! * g[n]!, 15 + bits));
        return clip > 0 ? Math.max(-clip, Math.min(clip, sum)) : sum;
      });
      const o = gate('o');
      const factor = fround(fround(2 ** -15 / fround(inner.scale)) * 2 ** -15);
      const hidden = state.c.map((c, n) =>
        clampTo8(scaled(o[n]! * tanh16(c, bits), factor) + inner.zeroPoint)
      );
      state.h = hidden;
      if (projection) {
        const p = node.inputs[5]!;
        const real = fround(fround(scaleAt(p, 0) * fround(inner.scale)) / fround(y0.scale));
        state.h = rowProducts(
          projection,
          hidden.map((v) => v - inner.zeroPoint),
          projectionSize,
        ).map((sum, n) =>
          clampTo8(
            clampTo8(scaled(sum + (projectionBias?.[n] ?? 0), real) + y0.zeroPoint),
            most > 0 ? -most : -128,
            most > 0 ? most : 127,
          )
        );
      }
      return state.h;
    },
    ({ h }) => [h],
  );
}
