import { Random } from '../helpers/random';
import type { TfliteNetwork, TfliteOperator, TfliteTensor } from './writer';

// Recurrent layers as TensorFlow's converter leaves them: a loop over time steps.

export interface LoopLayer {
  cell: 'lstm' | 'rnn' | 'gru';
  steps: number;
  inputs: number;
  cells: number;
  /** Whether the layer gives the outputs of all steps. */
  sequences: boolean;
  /** TensorFlow's lists, or the tensors that built-in operators make of them. */
  lists: 'flex' | 'builtin';
  weights?: 'float32' | 'int8' | 'mixed';
  /** Products for each gate (implementation=1) in place of one for all. */
  perGate?: boolean;
  /** The reset gate of a gru comes after the product. */
  resetAfter?: boolean;
  activation?: 'TANH' | 'RELU';
  /** Multiplications by 1, which dropout leaves. */
  dropout?: boolean;
  goBackwards?: boolean;
  /** A list of inputs that is made before the loop. */
  inputList?: boolean;
}

type SubGraph = Pick<TfliteNetwork, 'tensors' | 'operators' | 'inputs' | 'outputs'>;

/** Collects the tensors and operators of a subgraph. */
export class Builder {
  readonly tensors: TfliteTensor[] = [];
  readonly operators: TfliteOperator[] = [];

  tensor(
    name: string,
    shape: number[],
    type: TfliteTensor['type'] = 'FLOAT32',
    rest: Partial<TfliteTensor> = {},
  ): string {
    const unique = this.tensors.some((t) => t.name === name) ? `${name}_${this.tensors.length}` : name;
    // as a converter writes a shape that it does not know
    const isOpen = shape.length > 1 && shape.every((size) => size === 1) && !rest.data;
    const open = isOpen ? { shapeSignature: shape.map(() => -1) } : {};
    this.tensors.push({ name: unique, shape, type, ...open, ...rest });
    return unique;
  }

  integers(values: number[], shape = [values.length]): string {
    return this.tensor('integers', shape, 'INT32', { data: values });
  }

  integer(value: number): string {
    return this.integers([value], []);
  }

  float(name: string, shape: number[], data: number[]): string {
    return this.tensor(name, shape, 'FLOAT32', { data });
  }

  /** Adds an operator and its output. */
  apply(
    kind: string,
    inputs: (string | null)[],
    shape: number[],
    { type = 'FLOAT32', options, name = kind.toLowerCase() }: { type?: TfliteTensor['type'];
      options?: Record<string, unknown>; name?: string } = {},
  ): string {
    const output = this.tensor(name, shape, type);
    const isFlex = kind.startsWith('Flex');
    this.operators.push({
      kind: isFlex ? 'CUSTOM' : kind,
      inputs,
      outputs: [output],
      ...(isFlex && { customCode: kind }),
      ...(options && { options }),
    });
    return output;
  }

  split(x: string, parts: number, width: number): string[] {
    const outputs = Array.from({ length: parts }, () => this.tensor('part', [1, width]));
    this.operators.push({ kind: 'SPLIT', inputs: [this.integer(1), x], outputs, options: { numSplits: parts } });
    return outputs;
  }

  graph(inputs: string[], outputs: string[]): SubGraph {
    return { tensors: this.tensors, operators: this.operators, inputs, outputs };
  }
}

/** The network's main graph, to which layers are added; the loops' graphs follow it. */
export class LoopNetwork {
  readonly main = new Builder();
  readonly others: SubGraph[] = [];
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  private numbers(count: number, bound: number): number[] {
    return Array.from({ length: count }, () => this.random.between(-bound, bound));
  }

  private matrix(body: Builder, rows: number, columns: number, isInt8: boolean): string {
    if (!isInt8) return body.float('weights', [rows, columns], this.numbers(rows * columns, 0.6));
    const data = Array.from({ length: rows * columns }, () => this.random.int(-127, 127));
    const quantization = { scale: this.random.between(0.004, 0.006) };
    return body.tensor('weights', [rows, columns], 'INT8', { data, quantization });
  }

  /** Adds a layer on x [1][steps][inputs]; its output is [1][steps][cells] or [1][cells]. */
  layer(x: string, layer: LoopLayer): string {
    const { main } = this;
    const { steps, inputs, cells, sequences, lists, goBackwards } = layer;
    const isFlex = lists === 'flex';
    const stateCount = layer.cell === 'lstm' ? 2 : 1;
    const shape = main.apply('SHAPE', [x], [3], { type: 'INT32', options: { outputType: 'INT32' } });
    const batch = main.apply('STRIDED_SLICE', [shape, main.integers([0]), main.integers([1]), main.integers([1])], [], {
      type: 'INT32',
      options: { shrinkAxisMask: 1 },
    });
    const packed = main.apply('PACK', [batch, main.integer(cells)], [2], {
      type: 'INT32',
      options: { valuesCount: 2, axis: 0 },
    });
    const zeros = main.apply('FILL', [packed, main.float('zero', [], [0])], [1, cells]);
    const order = main.integers([1, 0, 2]);
    let sequence = main.apply('TRANSPOSE', [x, order], [steps, 1, inputs]);
    if (goBackwards) sequence = main.apply('REVERSE_V2', [sequence, main.integers([0])], [steps, 1, inputs]);
    if (layer.inputList) {
      sequence = main.apply('FlexTensorListFromTensor', [sequence, main.integers([1, inputs])], [], {
        type: 'VARIANT',
      });
    }
    const kept = sequences ? steps : 1;
    const list = isFlex
      ? main.apply('FlexTensorListReserve', [main.integers([-1, cells]), main.integer(kept)], [], { type: 'VARIANT' })
      : main.apply('FILL', [main.integers([kept, 1, cells]), main.float('zero', [], [0])], [1, 1, 1]);
    this.others.push(this.condition(layer, stateCount), this.body(layer));
    const zero = main.integer(0);
    const operands = [zero, zero, list, ...new Array<string>(stateCount).fill(zeros), sequence];
    const listShape = isFlex ? [] : [1, 1, 1];
    const outputs = [main.tensor('while', [], 'INT32'), main.tensor('while', [], 'INT32'),
      main.tensor('while', listShape, isFlex ? 'VARIANT' : 'FLOAT32'),
      ...Array.from({ length: stateCount }, () => main.tensor('while', [1, cells])),
      layer.inputList ? main.tensor('while', [], 'VARIANT') : main.tensor('while', [steps, 1, inputs])];
    const index = this.others.length;
    main.operators.push({
      kind: 'WHILE',
      inputs: operands,
      outputs,
      options: { condSubgraphIndex: index - 1, bodySubgraphIndex: index },
    });
    const stacked = isFlex
      ? main.apply('FlexTensorListStack', [outputs[2]!, main.integers([-1, cells])], [kept, 1, cells])
      : main.apply('RESHAPE', [outputs[2]!, main.apply('SHAPE', [outputs[2]!], [3], { type: 'INT32' })], [1, 1, 1]);
    if (sequences) return main.apply('TRANSPOSE', [stacked, order], isFlex ? [1, steps, cells] : [1, 1, 1]);
    return main.apply(
      'STRIDED_SLICE',
      [stacked, main.integers([-1, 0, 0]), main.integers([0, 0, 0]), main.integers([1, 1, 1])],
      isFlex ? [1, cells] : [1, 1],
      { options: { beginMask: 6, endMask: 6, shrinkAxisMask: 1 } },
    );
  }

  /** Both directions of a layer, one behind the other in the last dimension. */
  bidirectional(x: string, layer: LoopLayer): string {
    const { main } = this;
    const { steps, cells, sequences } = layer;
    const forward = this.layer(x, layer);
    let backward = this.layer(x, { ...layer, goBackwards: true });
    if (sequences) backward = main.apply('REVERSE_V2', [backward, main.integers([1])], [1, steps, cells]);
    return main.apply('CONCATENATION', [forward, backward], sequences ? [1, steps, 2 * cells] : [1, 2 * cells], {
      options: { axis: sequences ? 2 : 1 },
    });
  }

  network(inputs: string[], outputs: string[]): TfliteNetwork {
    return { ...this.main.graph(inputs, outputs), others: this.others };
  }

  private inputsOf(
    builder: Builder,
    { steps, inputs, cells, lists, inputList }: LoopLayer,
    stateCount: number,
  ): string[] {
    const isFlex = lists === 'flex';
    return [builder.tensor('counter', [], 'INT32'), builder.tensor('time', [], 'INT32'),
      builder.tensor('list', isFlex ? [] : [1, 1, 1], isFlex ? 'VARIANT' : 'FLOAT32'),
      ...['h', 'c'].slice(0, stateCount).map((name) => builder.tensor(name, [1, cells])),
      inputList ? builder.tensor('xs', [], 'VARIANT') : builder.tensor('xs', [steps, 1, inputs])];
  }

  private condition(layer: LoopLayer, stateCount: number): SubGraph {
    const builder = new Builder();
    const operands = this.inputsOf(builder, layer, stateCount);
    const less = (counter: string): string =>
      builder.apply('LESS', [counter, builder.integer(layer.steps)], [], { type: 'BOOL' });
    const both = [less(operands[1]!), less(operands[0]!)];
    return builder.graph(operands, [builder.apply('LOGICAL_AND', both, [], { type: 'BOOL' })]);
  }

  private body(layer: LoopLayer): SubGraph {
    const { cell, inputs, cells, sequences, lists, dropout } = layer;
    const body = new Builder();
    const stateCount = cell === 'lstm' ? 2 : 1;
    const operands = this.inputsOf(body, layer, stateCount);
    const [counter, time, list, h] = operands as [string, string, string, string];
    const xs = operands.at(-1);
    const next = (value: string): string => body.apply('ADD', [value, body.integer(1)], [], { type: 'INT32' });
    const [nextCounter, nextTime] = [next(counter), next(time)];
    const read = layer.inputList
      ? body.apply('FlexTensorListGetItem', [xs, time, body.integers([1, inputs])], [1, inputs])
      : body.apply('GATHER', [xs, time], [1, inputs], { options: { axis: 0 } });
    const scaled = (value: string, width: number): string => {
      if (!dropout) return value;
      const shape = body.apply('SHAPE', [value], [2], { type: 'INT32' });
      return body.apply('MUL', [value, body.apply('FILL', [shape, body.float('one', [], [1])], [1, 1])], [1, width]);
    };
    const x = scaled(read, inputs);
    const hidden = scaled(h, cells);
    const states = {
      lstm: () => this.lstm(body, layer, x, hidden, operands[4]!),
      rnn: () => [this.rnn(body, layer, x, hidden)],
      gru: () => [this.gru(body, layer, x, hidden, h)],
    }[cell]();
    const at = sequences ? time : body.integer(0);
    const written = lists === 'flex'
      ? body.apply('FlexTensorListSetItem', [list, at, states[0]!], [], { type: 'VARIANT' })
      : this.grow(body, list, at, sequences ? nextTime : undefined, states[0]!, cells);
    return body.graph(operands, [nextCounter, nextTime, written, ...states, xs]);
  }

  /** The list with an element replaced, as built-in operators do it. */
  private grow(body: Builder, list: string, at: string, after: string | undefined, h: string, cells: number): string {
    const sized = (value: string, rest: number): string =>
      body.apply(
        'CONCATENATION',
        [body.apply('RESHAPE', [value, body.integers([1])], [1], { type: 'INT32' }), body.integers([rest, rest])],
        [3],
        { type: 'INT32', options: { axis: 0 } },
      );
    const end = after ? sized(after, 0) : body.integers([1, 0, 0]);
    const before = after ? sized(at, -1) : body.integers([0, -1, -1]);
    const head = body.apply('SLICE', [list, body.integers([0, 0, 0]), before], [1, 1, 1]);
    const tail = body.apply('SLICE', [list, end, body.integers([-1, -1, -1])], [1, 1, 1]);
    const item = body.apply('EXPAND_DIMS', [h, body.integer(0)], [1, 1, cells]);
    const joined = body.apply('CONCATENATION', [head, item, tail], [1, 1, cells], { options: { axis: 0 } });
    return body.apply('CAST', [joined], [1, 1, 1]);
  }

  private product(body: Builder, x: string, rows: number, columns: number, isInt8: boolean, hasBias: boolean): string {
    const bias = hasBias ? body.float('bias', [rows], this.numbers(rows, 0.5)) : null;
    return body.apply('FULLY_CONNECTED', [x, this.matrix(body, rows, columns, isInt8), bias], [1, rows], {
      options: { asymmetricQuantizeInputs: true },
    });
  }

  /** W·x + b and U·h of the gates, as one sum each. */
  private preactivations(body: Builder, layer: LoopLayer, x: string, h: string, gates: number): string[] {
    const { inputs, cells, weights = 'float32', perGate } = layer;
    const sum = (rows: number): string =>
      body.apply('ADD', [this.product(body, x, rows, inputs, weights === 'int8', true),
        this.product(body, h, rows, cells, weights !== 'float32', false)], [1, rows]);
    if (perGate) return Array.from({ length: gates }, () => sum(cells));
    const rows = gates * cells;
    const biased = body.apply('ADD', [sum(rows), body.float('bias', [rows], this.numbers(rows, 0.3))], [1, rows]);
    return gates === 1 ? [biased] : body.split(biased, gates, cells);
  }

  private lstm(body: Builder, layer: LoopLayer, x: string, h: string, c: string): string[] {
    const { cells, activation = 'TANH' } = layer;
    const shape = [1, cells];
    const [i, f, g, o] = this.preactivations(body, layer, x, h, 4) as [string, string, string, string];
    const logistic = (value: string): string => body.apply('LOGISTIC', [value], shape);
    const kept = body.apply('MUL', [logistic(f), c], shape);
    const added = body.apply('MUL', [logistic(i), body.apply(activation, [g], shape)], shape);
    const cell = body.apply('ADD', [kept, added], shape);
    return [body.apply('MUL', [logistic(o), body.apply(activation, [cell], shape)], shape), cell];
  }

  private rnn(body: Builder, layer: LoopLayer, x: string, h: string): string {
    const [sum] = this.preactivations(body, layer, x, h, 1) as [string];
    return body.apply(layer.activation ?? 'TANH', [sum], [1, layer.cells]);
  }

  /** `x` and `h` are inputs of products; `state` is the hidden state itself. */
  private gru(body: Builder, layer: LoopLayer, x: string, h: string, state: string): string {
    const { inputs, cells, weights = 'float32', resetAfter } = layer;
    const shape = [1, cells];
    const isInt8 = weights === 'int8';
    const add = (a: string, b: string): string => body.apply('ADD', [a, b], shape);
    const mul = (a: string, b: string): string => body.apply('MUL', [a, b], shape);
    const logistic = (value: string): string => body.apply('LOGISTIC', [value], shape);
    const [xz, xr, xg] = body.split(this.product(body, x, 3 * cells, inputs, isInt8, true), 3, cells) as [string,
      string, string];
    const count = resetAfter ? 3 : 2;
    const inner = this.product(body, h, count * cells, cells, isInt8, resetAfter ?? false);
    const [hz, hr, hg] = body.split(inner, count, cells) as [string, string, string];
    const z = logistic(add(xz, hz));
    const r = logistic(add(xr, hr));
    const reset = resetAfter ? mul(r, hg) : this.product(body, mul(r, state), cells, cells, isInt8, false);
    const candidate = body.apply('TANH', [add(xg, reset)], shape);
    const rest = body.apply('SUB', [body.float('one', [], [1]), z], shape);
    return add(mul(z, state), mul(rest, candidate));
  }
}
