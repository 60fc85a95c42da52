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
  /** Without it, the steps of a layer that goes backward are in the order of computation. */
  inTimeOrder?: boolean;
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
  const { cell, x, kernel, recurrentKernel, bias, timeMajor = false, goBackwards = false } = layer;
  const isReversed = layer.returnSequences && goBackwards && layer.inTimeOrder !== true;
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
