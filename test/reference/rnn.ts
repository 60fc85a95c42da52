import { input, output, perTensor, type Node, type TensorData } from '../../src/graph/graph';
import { dividePower, tanh16 } from './gates';
import { activationRange } from './requantize';
import { activationOf, alongTime, clampTo8, initialState, int8Preactivations, realProducts,
  saturate16 } from './sequence';
import type { Inputs } from './support';

/** h = activation(W·x + U·h + b) */
export function rnn(node: Node<'rnn'>, inputs: Inputs): TensorData[] {
  const hiddenSize = input(node, 2).shape[1]!;
  const [, w, u, bias, h0] = inputs;
  const { activation, hybrid } = node.attributes;
  if (input(node, 0).dtype !== 'int8') {
    const act = activationOf(activation);
    return alongTime(node, inputs, (b) => ({ h: Float32Array.from(initialState(h0, b, hiddenSize)) }), (x, state) => {
      const uh = realProducts(input(node, 2), u!, state.h, hybrid);
      const y = realProducts(input(node, 1), w!, x, hybrid).map((s, n) => act(s + uh[n]! + (bias?.[n] ?? 0)));
      state.h = Float32Array.from(y);
      return y;
    }, ({ h }) => [h]);
  }
  // pre-activations are Q3.12 before tanh, otherwise in units of output scale / 256
  const q = perTensor(output(node));
  const [min, max] = activation === 'tanh' ? [-128, 127] : activationRange(activation, output(node));
  return alongTime(node, inputs, (b) => ({ h: initialState(h0, b, hiddenSize, q.zeroPoint) }), (x, state) => {
    const preactivations = int8Preactivations(
      node,
      x,
      perTensor(input(node, 0)).zeroPoint,
      bias ?? null,
      state.h,
      q,
      () => (activation === 'tanh' ? 2 ** -12 : q.scale / 256),
    );
    state.h = preactivations.input.map((s, n) => {
      const sum = saturate16(s + preactivations.hidden[n]!);
      return clampTo8(dividePower(activation === 'tanh' ? tanh16(sum, 3) : sum, 8) + q.zeroPoint, min, max);
    });
    return state.h;
  }, ({ h }) => [h]);
}
