import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, toStream } from '../../src/compiler/index';
import type { AnyNode, Graph, Tensor, TensorData } from '../../src/graph/graph';
import type { Attributes } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { sliceNode } from '../../src/ops/nodes';
import { cellStates, stateTensor } from '../../src/ops/shared/cellStates';
import { refuses } from '../robustness/refusal';
import { biases, checkSequence, hybridOf, isFloat, recurrentSuite, sequence, weights, withWidth, type CellType,
  type SequenceSpec } from './sequences';
import { Random, single } from './suite';

// Initial and final states of recurrent layers, as operands and outputs.

type CellOp = 'lstm' | 'gru' | 'rnn';
const gatesOf = { lstm: 4, gru: 3, rnn: 1 };

/** A layer without optional parts. */
function layer(op: CellOp, s: SequenceSpec): Graph {
  const { type, hiddenSize } = s;
  const random = new Random(s.seed);
  const x = sequence(s);
  const gates = gatesOf[op];
  const y: Tensor = {
    name: 'y',
    shape: withWidth(x, hiddenSize),
    dtype: x.dtype,
    ...(!isFloat(type) && { quantization: { scale: [1 / 128], zeroPoint: [0], axis: 0 } }),
  };
  const operands = [x, weights(random, 'w', gates, hiddenSize, s.inputs, type, s.x.scale),
    weights(random, 'u', gates, hiddenSize, hiddenSize, type, 1 / 128), biases(random, 'b', gates * hiddenSize, type)];
  const along = { timeMajor: s.timeMajor, reverse: s.reverse, ...hybridOf(type) };
  if (op === 'gru') return single(op, operands, { ...along, resetAfter: s.seed % 2 === 0 }, y);
  if (op === 'rnn') return single(op, operands, { ...along, activation: 'tanh' }, y);
  const attributes: Attributes['lstm'] = {
    ...along,
    activation: 'tanh',
    cellClip: 0,
    projectionClip: 0,
    ...(!isFloat(type) && { cellScale: 2 ** -11 }),
  };
  return single(op, operands, attributes, y);
}

/** An initial state: absent, a constant, or an input of the network. */
type Start = 'none' | 'constant' | 'input';

/** Adds the operands and outputs of a layer's states. int16 states can be constants only. */
function withStates(graph: Graph, starts: Start[], hasFinal: boolean[], seed: number): Graph {
  const random = new Random(seed);
  const node = graph.nodes[0]!;
  cellStates(node).forEach((state, i) => {
    const own = stateTensor(node, state);
    const start = starts[i]!;
    if (start !== 'none') {
      while (node.inputs.length < state.input) node.inputs.push(null);
      const data = own.dtype === 'float32'
        ? Float32Array.from({ length: state.shape[0] * state.shape[1] }, () => random.between(-1, 1))
        : Int16Array.from({ length: state.shape[0] * state.shape[1] }, () => random.int(-9000, 9000));
      const isInput = start === 'input' && own.dtype !== 'int16';
      const value = own.dtype === 'int8' ? Int8Array.from(data, (v) => v / 100) : data;
      const tensor: Tensor = { ...own, name: `${own.name} 0`, ...(!isInput && { data: value }) };
      node.inputs[state.input] = tensor;
      if (isInput) graph.inputs.push(tensor);
    }
    if (!hasFinal.slice(i).some(Boolean) || own.dtype === 'int16') return;
    const final: Tensor = { ...own, name: `${own.name} n` };
    node.outputs.push(final);
    if (node.outputs !== graph.outputs) graph.outputs.push(final);
  });
  return graph;
}

const start = fc.constantFrom<Start>('none', 'constant', 'input');

recurrentSuite(
  'states of a recurrent layer',
  250,
  (sequences) =>
    fc.record({
      sequence: sequences,
      op: fc.constantFrom<CellOp>('lstm', 'gru', 'rnn'),
      starts: fc.tuple(start, start),
      hasFinal: fc.tuple(fc.boolean(), fc.boolean()),
    }),
  ({ sequence: s, op, starts, hasFinal }) => {
    checkSequence(withStates(layer(op, s), starts, hasFinal, s.seed), s);
  },
);

const spec = (type: CellType, batch = 1): SequenceSpec => ({
  type,
  batch,
  time: 7,
  inputs: 5,
  hiddenSize: 9,
  timeMajor: false,
  reverse: false,
  isSingleStep: false,
  x: { scale: 1 / 64, zeroPoint: 3 },
  densities: [1, 1],
  seed: 5,
});

/** The layer over steps 0 to 2, and over the others from its final states on. */
function inTwoParts(whole: Graph): Graph {
  const node = whole.nodes[0]!;
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  const states = cellStates(node);
  const between = states.map((state) => ({ ...stateTensor(node, state), name: `${state.name} between` }));
  const cut = (name: string, of: Tensor, begin: number, steps: number): [Tensor, AnyNode] => {
    const part: Tensor = { ...of, name, shape: [of.shape[0]!, steps, of.shape[2]!] };
    return [part, sliceNode(of, part, [0, begin, 0])];
  };
  const [early, cutEarly] = cut('early', x, 0, 3);
  const [late, cutLate] = cut('late', x, 3, 4);
  const outputs = [3, 4].map((steps, i): Tensor => ({ ...y, name: `y${i}`, shape: y.shape.with(1, steps) }));
  const operands = [...node.inputs];
  while (operands.length < states[0]!.input) operands.push(null);
  return {
    ...whole,
    outputs,
    nodes: [cutEarly, cutLate, {
      ...node,
      name: 'first',
      inputs: [early, ...node.inputs.slice(1)],
      outputs: [outputs[0]!, ...between],
    }, { ...node, name: 'second', inputs: [late, ...operands.slice(1), ...between], outputs: [outputs[1]!] }],
  };
}

describe('a layer that begins with the final states of another', () => {
  test
    .each((['lstm', 'gru', 'rnn'] as const).flatMap((op) =>
      (['float32', 'asymmetric', 'int8'] as const).flatMap((type) => [1, 3].map((batch) => ({ op, type, batch })))
    ))('continues it bit for bit: $op in $type, batch $batch', ({ op, type, batch }) => {
      const graph = layer(op, spec(type, batch));
      const random = new Random(3);
      const x = random.fill(type === 'int8' ? new Int8Array(batch * 35) : new Float32Array(batch * 35));
      const whole = loadSync(compile(graph)).predict(x, { output: 'raw' }) as TensorData;
      const { y0, y1 } = loadSync(compile(inTwoParts(graph))).predict(x, { output: 'raw' }) as Record<string,
        TensorData>;
      const joined = Array.from(
        { length: batch },
        (_, b) => [...y0!.slice(b * 27, (b + 1) * 27), ...y1!.slice(b * 36, (b + 1) * 36)],
      ).flat();
      expect(joined).toEqual([...whole]);
    });
});

describe('the streaming form of a layer', () => {
  test('with constant initial states begins from them once, and gives the final states so far', () => {
    for (const op of ['lstm', 'gru', 'rnn'] as const) {
      const graph = withStates(layer(op, spec('float32')), ['constant', 'constant'], [true, true], 2);
      const x = new Random(4).fill(new Float32Array(35)) as Float32Array;
      const whole = loadSync(compile(graph)).predict(x) as Record<string, Float32Array>;
      const stream = loadSync(compile(toStream(graph))).createState();
      let last: Record<string, Float32Array> = {};
      const frames = Array.from({ length: 7 }, (_, t) => {
        last = stream.predict(x.slice(t * 5, t * 5 + 5));
        return [...last.y!];
      });
      expect(frames.flat()).toEqual([...whole.y!]);
      for (const { name } of graph.outputs.slice(1)) expect(last[name]).toEqual(whole[name]);
    }
  });

  test('is refused if the initial state is computed', () => {
    const graph = withStates(layer('gru', spec('float32')), ['input', 'none'], [false, false], 2);
    refuses(() => toStream(graph), 'UNSUPPORTED_OP', /gru "gru": its initial state "gru\/hidden 0" is computed/);
  });
});

describe('states are refused', () => {
  const refused = (
    change: (node: AnyNode) => void,
    code: 'INVALID_GRAPH' | 'UNSUPPORTED_OP',
    message: RegExp,
  ): void => {
    const graph = layer('lstm', spec('float32'));
    change(graph.nodes[0]!);
    refuses(() => compile(graph), code, message);
  };
  const state = (shape: number[], dtype: Tensor['dtype'] = 'float32'): Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    return { name: 'start', shape, dtype, data: dtype === 'float32' ? new Float32Array(count) : new Int32Array(count) };
  };
  const nulls = [null, null, null, null];

  test('with another shape', () => {
    refused((node) => node.inputs.push(...nulls, state([9])), 'INVALID_GRAPH', /initial hidden state \[9\].*\[1, 9\]/);
  });
  test('with another type', () => {
    refused(
      (node) => node.inputs.push(...nulls, state([1, 9], 'int32')),
      'UNSUPPORTED_OP',
      /its hidden state "start" is int32 .*; it must be float32/,
    );
  });
  test('after the last operand', () => {
    refused(
      (node) => node.inputs.push(...nulls, null, null, state([1, 9])),
      'INVALID_GRAPH',
      /it has 11 operands; at most 10 are possible/,
    );
  });
  test('as a fourth output', () => {
    refused(
      (node) => {
        for (const name of ['h', 'c', 'd']) node.outputs.push({ name, shape: [1, 9], dtype: 'float32' });
      },
      'INVALID_GRAPH',
      /"d" is declared as \[1, 9\]/,
    );
  });
});
