import type { Tensor } from '../../graph/graph';
import type { GateFunction } from '../../graph/operators';
import type { Constant } from './constants';
import type { OperatorImport } from './operatorImport';
import { emitRecurrentLayer } from './recurrentLayer';
import { UnsupportedForm } from './unsupported';

// LSTM, GRU and SimpleRNN of Keras. Weights are [I][G·N], with the gates i, f, c, o or z, r, h.

/** A layer of Keras with N units and G gates. */
export interface KerasRecurrent {
  cell: 'lstm' | 'gru' | 'rnn';
  /** [B][T][I], or [T][B][I] if `timeMajor` */
  x: Tensor;
  timeMajor?: boolean;
  /** [I][G·N] */
  kernel: Constant;
  /** [N][G·N] */
  recurrentKernel: Constant;
  /** [G·N]; [2][G·N] of a gru with `resetAfter` */
  bias?: Constant | null;
  activation: GateFunction;
  recurrentActivation: GateFunction;
  resetAfter?: boolean;
  goBackwards?: boolean;
  returnSequences: boolean;
  /** [B][N]: h, and c of an lstm. A stateful layer has a state of the network here. */
  initialState?: readonly Tensor[];
}

/** The outputs of a layer of Keras. */
export interface KerasOutputs {
  /** [B][T][N] (time first if `timeMajor`), or [B][N] without `returnSequences`. */
  output: Tensor;
  /** [B][N], the final states that `return_state` gives, or that a stateful layer keeps. */
  states?: readonly Tensor[];
}

const activations: Record<string, GateFunction> = {
  linear: { kind: 'affine' },
  sigmoid: { kind: 'logistic' },
  tanh: { kind: 'tanh' },
  relu: { kind: 'relu' },
  elu: { kind: 'elu' },
  softsign: { kind: 'softsign' },
  softplus: { kind: 'softplus' },
};

/** The function of a name in Keras. The slope of a hard sigmoid is 1/5, from Keras 3 on 1/6. */
export function kerasFunction(name: string, version: 2 | 3): GateFunction {
  if (name === 'hard_sigmoid') return { kind: 'hardSigmoid', alpha: version === 2 ? 0.2 : 1 / 6, beta: 0.5 };
  if (Object.hasOwn(activations, name)) return activations[name]!;
  throw new UnsupportedForm(`the activation ${name}`);
}

/** [rows][columns] → [columns][rows] */
function transposed({ shape: [rows = 0, columns = 0], data }: Constant): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
}

export function emitKerasRecurrent(operator: OperatorImport, layer: KerasRecurrent, outputs: KerasOutputs): void {
  // Keras gives the steps in the order in which they are computed
  emitDirection(operator, layer, outputs, layer.returnSequences && layer.goBackwards === true);
}

function emitDirection(
  operator: OperatorImport,
  layer: KerasRecurrent,
  outputs: KerasOutputs,
  isReversed: boolean,
): void {
  const { cell, x, kernel, recurrentKernel, bias, timeMajor = false, goBackwards = false } = layer;
  const { output, states = [] } = outputs;
  const gates = { lstm: 4, gru: 3, rnn: 1 }[cell];
  const [N = 0, rows = 0] = recurrentKernel.shape;
  const fits = kernel.shape.length === 2 && kernel.shape[0] === x.shape.at(-1) && kernel.shape[1] === rows &&
    rows === gates * N;
  operator.check(
    fits,
    `weights [${kernel.shape.join(', ')}] and [${recurrentKernel.shape.join(', ')}] for inputs of ${x.shape.at(-1)}`,
  );
  const hasTwo = cell === 'gru' && layer.resetAfter === true;
  operator.check(!bias || bias.data.length === (hasTwo ? 2 : 1) * rows, `biases of ${bias?.data.length} numbers`);
  const biases = bias ? Float32Array.from(bias.data) : new Float32Array(hasTwo ? 2 * rows : rows);
  const { activation, recurrentActivation } = layer;
  const functions = {
    lstm: [recurrentActivation, activation, activation],
    gru: [recurrentActivation, activation],
    rnn: [activation],
  };
  const time = timeMajor ? 0 : 1;
  const sequence = x.shape.with(-1, N);
  const y = layer.returnSequences && !isReversed ? output : operator.temporary(output, sequence, 'sequence');
  const batch = x.shape[1 - time]!;
  const last = operator.temporary(output, [batch, N], 'last');
  const [hidden = layer.returnSequences ? undefined : last, cellState] = states;
  emitRecurrentLayer(operator, {
    cell,
    x,
    timeMajor,
    reverse: goBackwards,
    w: transposed(kernel),
    u: transposed(recurrentKernel),
    cells: N,
    bias: biases.slice(0, rows),
    recurrentBias: hasTwo ? biases.slice(rows) : new Float32Array(rows),
    functions: functions[cell],
    clip: 0,
    coupled: false,
    resetAfter: layer.resetAfter ?? false,
    hidden: layer.initialState?.[0] ?? null,
    cellState: layer.initialState?.[1] ?? null,
  }, { y, ...(hidden && { hidden }), ...(cellState && { cellState }) });
  if (isReversed) {
    const end = [0, 0, 0].with(time, sequence[time]! - 1);
    operator.emit('slice', [y], { begin: end, stride: [1, 1, 1].with(time, -1) }, [output]);
  }
  if (!layer.returnSequences) operator.emit('reshape', [hidden!], {}, [output]);
}

/** How Bidirectional merges its directions. */
export type MergeMode = 'concat' | 'sum' | 'mul' | 'ave';

/**
 * Emits a Bidirectional of Keras: a layer in each direction, whose outputs are in the order of
 * time, and the merge of both. `states` are those of the forward layer, then those of the backward
 * layer. Without a merge mode there are two outputs.
 */
export function emitKerasBidirectional(
  operator: OperatorImport,
  forward: KerasRecurrent,
  backward: KerasRecurrent,
  mode: MergeMode | null,
  output: readonly Tensor[],
  states: readonly Tensor[] = [],
): void {
  const layers = [forward, backward];
  const [first] = output as [Tensor];
  const parts = layers.map((layer, d) => {
    const { x, returnSequences, recurrentKernel: { shape: [N = 0] }, timeMajor = false } = layer;
    const shape = returnSequences ? x.shape.with(-1, N) : [x.shape[timeMajor ? 1 : 0]!, N];
    const to = mode ? operator.temporary(first, shape, d === 0 ? 'forward' : 'backward') : output[d]!;
    const half = states.length / 2;
    const own = states.slice(d * half, (d + 1) * half);
    emitDirection(operator, { ...layer, goBackwards: d === 1 }, { output: to, states: own }, false);
    return to;
  });
  if (mode === 'concat') {
    operator.emit('concat', parts, { axis: first.shape.length - 1, activation: 'none' }, [first]);
  } else if (mode) {
    const sum = mode === 'ave' ? operator.temporary(first, first.shape, 'sum') : first;
    operator.emit('binary', parts, { kind: mode === 'mul' ? 'mul' : 'add', activation: 'none' }, [sum]);
    if (mode !== 'ave') return;
    const half: Tensor = { ...operator.temporary(first, [1], 'half'), data: Float32Array.of(0.5) };
    operator.emit('binary', [sum, half], { kind: 'mul', activation: 'none' }, [first]);
  }
}
