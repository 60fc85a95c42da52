import type { CellActivation } from '../../../graph/operators';
import type { Constant } from '../../shared/constants';
import { Mismatch, type Body } from './body';
import { linear, matricesOf, type Linear, type Matrices } from './linear';

/** The tensors of a body that a cell reads and computes. */
export interface Ports {
  /** The input of one time step. */
  x: number;
  /** The states before and after the time step. */
  states: { before: number; after: number }[];
}

/** A recurrent layer; `hidden` is the index of its hidden state among the states. */
export type Cell = { hidden: number; bias: Constant } & Matrices
  & ({ op: 'lstm' | 'rnn'; activation: CellActivation } | { op: 'gru'; resetAfter: boolean; recurrentBias: Constant });

const activations: Record<string, CellActivation> = {
  TANH: 'tanh',
  RELU: 'relu',
  RELU6: 'relu6',
  RELU_N1_TO_1: 'reluN1To1',
  RELU_0_TO_1: 'relu0To1',
};
/** By the code of a fused activation. */
const fused: readonly (CellActivation | undefined)[] = ['none', 'relu', 'reluN1To1', 'relu6', 'tanh'];

interface Activated {
  activation: CellActivation;
  /** The tensor that it is applied to, or whose last operator applies it. */
  of: number;
  isFused: boolean;
}

function activated(body: Body, index: number): Activated {
  const producer = body.find(index, ...Object.keys(activations));
  if (producer) {
    return { activation: activations[producer.kind]!, of: producer.source.inputs[0] ?? -1, isFused: false };
  }
  const activation = fused[body.fusedActivation(index)];
  if (!activation) throw body.mismatch(index, 'a usual activation');
  return { activation, of: index, isFused: true };
}

function bias(parts: Linear[], name: string): Constant {
  const width = parts[0]!.width;
  const data = new Float32Array(parts.length * width);
  parts.forEach(({ biases }, gate) => {
    for (const values of biases) values.forEach((value, i) => (data[gate * width + i]! += value));
  });
  return { name, shape: [data.length], dtype: 'float32', data };
}

/** The first attempt that matches. If none does, the error of the last one. */
function firstOf<T>(attempts: (() => T)[]): T {
  let last: unknown;
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      last = error;
    }
  }
  throw last;
}

/** The product of a gate by one tensor; it has exactly one by each of `sources`. */
function productsBy(body: Body, index: number, gate: Linear, sources: number[]): Linear['products'] {
  const found = sources.map((source) => gate.products.find(({ of }) => of === source));
  if (gate.products.length !== sources.length || found.includes(undefined)) {
    throw body.mismatch(index, 'one product by its input and one by its hidden state');
  }
  return found as Linear['products'];
}

/** c = σ(f)·c + σ(i)·act(g); h = σ(o)·act(c) */
function lstm(body: Body, { x, states }: Ports, hidden: number, name: string): Cell {
  const h = states[hidden]!;
  const c = states[1 - hidden]!;
  const logistic = (index: number): number => body.inputsOf(index, 'LOGISTIC')[0] ?? -1;
  const [o, outer] = firstOf(body.pairs(h.after, 'MUL').map(([gate, value]) => () => {
    const { activation, of } = activated(body, value);
    if (of !== c.after) throw body.mismatch(value, 'the activation of its cell state');
    return [logistic(gate), activation] as const;
  }));
  const [f, i, inner] = firstOf(body.pairs(c.after, 'ADD').map(([kept, added]) => () => {
    const forget = firstOf(body.pairs(kept, 'MUL').map(([gate, cell]) => () => {
      if (cell !== c.before) throw body.mismatch(cell, 'its cell state');
      return logistic(gate);
    }));
    return firstOf(body.pairs(added, 'MUL').map(([gate, value]) => () => {
      return [forget, logistic(gate), activated(body, value)] as const;
    }));
  }));
  if (inner.activation !== outer) throw body.mismatch(c.after, `${outer} for both activations`);
  const indices = [i, f, inner.of, o];
  const gates = indices.map((index, gate) => linear(body, index, gate === 2 && inner.isFused));
  const products = gates.map((gate, at) => productsBy(body, indices[at]!, gate, [x, h.before]));
  const matrices = matricesOf(products.map(([w]) => w!), products.map(([, u]) => u!), name);
  return { op: 'lstm', hidden, ...matrices, bias: bias(gates, `${name}/bias`), activation: outer };
}

/** h = act(W·x + U·h + b) */
function rnn(body: Body, { x, states: [h] }: Ports, name: string): Cell {
  const { activation, of, isFused } = activated(body, h!.after);
  const sum = linear(body, of, isFused);
  const [w, u] = productsBy(body, of, sum, [x, h!.before]);
  return { op: 'rnn', hidden: 0, ...matricesOf([w!], [u!], name), bias: bias([sum], `${name}/bias`), activation };
}

/** The gates of a GRU: z and r, and the candidate as tanh(input + reset). */
interface GruParts {
  z: number;
  candidate: number;
}

/** h = z·h + (1 − z)·tanh(…), where z = σ(…) */
function gruParts(body: Body, h: Ports['states'][number]): GruParts {
  return firstOf(body.pairs(h.after, 'ADD').map(([kept, added]) => () => {
    const z = firstOf(body.pairs(kept, 'MUL').map(([gate, state]) => () => {
      if (state !== h.before) throw body.mismatch(state, 'its hidden state');
      body.inputsOf(gate, 'LOGISTIC');
      return gate;
    }));
    return firstOf(body.pairs(added, 'MUL').map(([rest, value]) => () => {
      const [one = -1, gate = -1] = body.inputsOf(rest, 'SUB');
      if (!body.isFilledWith(one, 1) || gate !== z || !body.isUnfused(rest)) {
        throw body.mismatch(rest, 'one minus its update gate');
      }
      const [candidate = -1] = body.inputsOf(value, 'TANH');
      return { z: body.inputsOf(z, 'LOGISTIC')[0] ?? -1, candidate };
    }));
  }));
}

function gru(body: Body, { x, states: [h] }: Ports, name: string): Cell {
  const { z, candidate } = gruParts(body, h!);
  const before = h!.before;
  const zGate = linear(body, z);
  const logistic = (index: number): number => body.inputsOf(index, 'LOGISTIC')[0] ?? -1;
  const resetOf = (index: number, isHidden: (value: number) => boolean): { r: number; value: number } =>
    firstOf(body.pairs(index, 'MUL').map(([gate, value]) => () => {
      const r = logistic(gate);
      if (!isHidden(value)) throw body.mismatch(value, 'its hidden state');
      return { r, value };
    }));
  const finish = (r: number, input: Linear, hidden: Linear, resetAfter: boolean, of: number): Cell => {
    const rGate = linear(body, r);
    const [zw, zu] = productsBy(body, z, zGate, [x, before]);
    const [rw, ru] = productsBy(body, r, rGate, [x, before]);
    const [gw] = productsBy(body, candidate, input, [x]);
    const [gu] = productsBy(body, candidate, hidden, [of]);
    const none: Linear = { width: zGate.width, products: [], biases: [] };
    return {
      op: 'gru',
      hidden: 0,
      resetAfter,
      ...matricesOf([zw!, rw!, gw!], [zu!, ru!, gu!], name),
      bias: bias([zGate, rGate, input], `${name}/bias`),
      recurrentBias: bias([none, none, hidden], `${name}/recurrent_bias`),
    };
  };
  return firstOf([() =>
    firstOf(body.pairs(candidate, 'ADD').map(([input, reset]) => () => {
      const { r, value } = resetOf(reset, (index) =>
        body.find(index, 'FULLY_CONNECTED', 'ADD', 'SPLIT', 'SPLIT_V', 'SLICE', 'STRIDED_SLICE') !== undefined);
      return finish(r, linear(body, input), linear(body, value), true, before);
    })), () => {
    const sum = linear(body, candidate);
    const product = sum.products.find(({ of }) => of !== x);
    if (sum.products.length !== 2 || !product) throw body.mismatch(candidate, 'products by its input and its state');
    const { r } = resetOf(product.of, (index) => index === before);
    const only = (isInput: boolean): Linear['products'] => sum.products.filter(({ of }) => (of === x) === isInput);
    return finish(
      r,
      { ...sum, products: only(true) },
      { ...sum, products: only(false), biases: [] },
      false,
      product.of,
    );
  }]);
}

/** The recurrent layer that a body computes. */
export function matchCell(body: Body, ports: Ports, name: string): Cell {
  if (ports.states.length === 2) return firstOf([1, 0].map((hidden) => () => lstm(body, ports, hidden, name)));
  if (ports.states.length !== 1) throw new Mismatch(`${ports.states.length} states; a recurrent layer has 1 or 2`);
  const producer = body.find(ports.states[0]!.after, 'ADD');
  const isGru = producer?.source.inputs.every((index) => body.find(index, 'MUL'));
  return isGru ? gru(body, ports, name) : rnn(body, ports, name);
}
