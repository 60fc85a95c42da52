import type { Tensor } from '../../graph/graph';
import type { GateFunction, GateFunctionKind } from '../../graph/operators';
import type { Constant } from './constants';
import type { OperatorImport } from './operatorImport';
import { emitRecurrentLayer, type RecurrentLayer } from './recurrentLayer';
import { UnsupportedForm } from './unsupported';

// LSTM, GRU and RNN of ONNX (operator specification, versions 7 to 22), whose weights have a
// dimension D of directions and gates in the order i, o, f, c.

/** An ONNX operator. D is 2 if it is bidirectional, otherwise 1. G is the number of its gates. */
export interface OnnxRecurrent {
  cell: 'lstm' | 'gru' | 'rnn';
  direction: 'forward' | 'reverse' | 'bidirectional';
  /** 1: the batch is the first dimension of x, y and the states. */
  layout: 0 | 1;
  /** [T][B][I], or [B][T][I] in layout 1 */
  x: Tensor;
  /** [D][G·N][I], gates i, o, f, c; z, r, h; or one */
  w: Constant;
  /** [D][G·N][N] */
  r: Constant;
  /** [D][2·G·N], Wb and then Rb */
  b?: Constant | null;
  /** [D][3·N], of i, o, f */
  p?: Constant | null;
  /** int32 [B] */
  lengths?: Tensor | null;
  /** [D][B][N], or [B][D][N] in layout 1 */
  initialHidden?: Tensor | null;
  initialCell?: Tensor | null;
  /** The functions of each direction, one direction after the other: see `onnxFunctions`. */
  functions: GateFunction[];
  /**
   * Bound of the sums of the gates, 0 for none. As in ONNX Runtime, the cell state has no bound.
   */
  clip?: number;
  /** `input_forget`: the gates i and f are coupled. */
  inputForget?: boolean;
  /** `linear_before_reset` of a gru. */
  linearBeforeReset?: boolean;
}

/** The outputs of an ONNX operator that are read. */
export interface OnnxOutputs {
  /** [T][D][B][N], or [B][T][D][N] in layout 1 */
  y?: Tensor | null;
  /** [D][B][N], or [B][D][N] in layout 1 */
  hidden?: Tensor | null;
  cell?: Tensor | null;
}

/** ONNX's names in lower case, with the parameters that each has and their defaults. */
const functionsByName: Record<string, { kind: GateFunctionKind; alpha?: number; beta?: number }> = {
  affine: { kind: 'affine', alpha: 1, beta: 0 },
  relu: { kind: 'relu' },
  leakyrelu: { kind: 'leakyRelu', alpha: 0.01 },
  thresholdedrelu: { kind: 'thresholdedRelu', alpha: 1 },
  tanh: { kind: 'tanh' },
  scaledtanh: { kind: 'tanh', alpha: 1, beta: 1 },
  sigmoid: { kind: 'logistic' },
  hardsigmoid: { kind: 'hardSigmoid', alpha: 0.2, beta: 0.5 },
  elu: { kind: 'elu', alpha: 1 },
  softsign: { kind: 'softsign' },
  softplus: { kind: 'softplus' },
};

const defaults = { lstm: ['Sigmoid', 'Tanh', 'Tanh'], gru: ['Sigmoid', 'Tanh'], rnn: ['Tanh'] };
const gatesOf = { lstm: 4, gru: 3, rnn: 1 };

/**
 * The functions that the attributes `activations`, `activation_alpha` and `activation_beta` name. A
 * function takes the next alpha and the next beta if it has such a parameter.
 */
export function onnxFunctions(
  cell: OnnxRecurrent['cell'],
  directions: number,
  names: readonly string[] = [],
  alphas: readonly number[] = [],
  betas: readonly number[] = [],
): GateFunction[] {
  const all = names.length > 0 ? names : Array.from({ length: directions }, () => defaults[cell]).flat();
  const expected = directions * defaults[cell].length;
  if (all.length !== expected) throw new UnsupportedForm(`${all.length} activations; ${expected} are possible`);
  let alphaAt = 0;
  let betaAt = 0;
  return all.map((name) => {
    const lower = name.toLowerCase();
    const known = Object.hasOwn(functionsByName, lower) ? functionsByName[lower] : undefined;
    if (!known) throw new UnsupportedForm(`the activation ${name}`);
    const { kind, alpha, beta } = known;
    return {
      kind,
      ...(alpha !== undefined && { alpha: alphas[alphaAt++] ?? alpha }),
      ...(beta !== undefined && { beta: betas[betaAt++] ?? beta }),
    };
  });
}

/** The rows of the gates of weights [gates][…], in another order. */
function reordered(values: Float32Array, order: readonly number[]): Float32Array {
  const size = values.length / order.length;
  const made = new Float32Array(values.length);
  order.forEach((from, to) => made.set(values.subarray(from * size, (from + 1) * size), to * size));
  return made;
}

/** Emits one layer for each direction, and what joins them. */
export function emitOnnxRecurrent(operator: OperatorImport, layer: OnnxRecurrent, outputs: OnnxOutputs): void {
  const { cell, x, w, r, b, p, layout } = layer;
  const isReverse = layer.direction === 'bidirectional' ? [false, true] : [layer.direction === 'reverse'];
  const D = isReverse.length;
  const [N = 0] = r.shape.slice(-1);
  const rows = gatesOf[cell] * N;
  const I = x.shape.at(-1) ?? 0;
  const batch = x.shape[1 - layout] ?? 0;
  const expect = (tensor: Tensor | null | undefined, what: string, ...shape: number[]): void => {
    const fits = !tensor ||
      (tensor.shape.length === shape.length && shape.every((size, i) => size === tensor.shape[i]));
    operator.check(fits, `${what} of the shape [${tensor?.shape.join(', ')}], not [${shape.join(', ')}]`);
  };
  const states = (count: number): number[] => (layout === 1 ? [batch, count, N] : [count, batch, N]);
  operator.check(x.shape.length === 3, `an input of ${x.shape.length} dimensions`);
  expect(w, 'weights', D, rows, I);
  expect(r, 'recurrent weights', D, rows, N);
  expect(b, 'biases', D, 2 * rows);
  expect(p, 'peephole weights', D, 3 * N);
  expect(layer.lengths, 'lengths', batch);
  expect(layer.initialHidden, 'an initial state', ...states(D));
  expect(layer.initialCell, 'an initial cell state', ...states(D));
  const order = cell === 'lstm' ? [0, 2, 3, 1] : Array.from({ length: gatesOf[cell] }, (_, gate) => gate);
  const part = (tensor: Constant | null | undefined, d: number): Float32Array | undefined => {
    if (!tensor) return undefined;
    operator.check(tensor.dtype === 'float32', `weights of ${tensor.dtype}`);
    const size = tensor.data.length / D;
    return (tensor.data as Float32Array).slice(d * size, (d + 1) * size);
  };
  const perDirection = layer.functions.length / D;
  const made = isReverse.map((reverse, d) => {
    const bias = part(b, d) ?? new Float32Array(2 * rows);
    const peephole = part(p, d);
    const own: RecurrentLayer = {
      cell,
      x,
      timeMajor: layout === 0,
      reverse,
      w: reordered(part(w, d)!, order),
      u: reordered(part(r, d)!, order),
      cells: N,
      bias: reordered(bias.subarray(0, rows), order),
      recurrentBias: reordered(bias.subarray(rows), order),
      ...(peephole && { peephole: reordered(peephole, [0, 2, 1]) }),
      functions: layer.functions.slice(d * perDirection, (d + 1) * perDirection),
      clip: layer.clip ?? 0,
      coupled: layer.inputForget ?? false,
      resetAfter: layer.linearBeforeReset ?? false,
      lengths: shortened(layer.lengths, x.shape[layout] ?? 0),
      hidden: stateOf(operator, layer.initialHidden, d, D, layout),
      cellState: stateOf(operator, layer.initialCell, d, D, layout),
    };
    const like: Tensor = { name: '', shape: [], dtype: 'float32' };
    const results = {
      y: operator.temporary(like, [...x.shape.slice(0, 2), N], 'sequence'),
      ...(outputs.hidden && { hidden: operator.temporary(like, [batch, N], 'hidden') }),
      ...(outputs.cell && { cellState: operator.temporary(like, [batch, N], 'cell') }),
    };
    emitRecurrentLayer(operator, own, results);
    return results;
  });
  const join = (to: Tensor | null | undefined, of: (results: (typeof made)[number]) => Tensor, axis: number): void => {
    if (!to) return;
    const parts = made.map((results) => {
      const tensor = of(results);
      const target = D === 1 ? to : operator.temporary(tensor, tensor.shape.toSpliced(axis, 0, 1), 'direction');
      operator.emit('reshape', [tensor], {}, [target]);
      return target;
    });
    if (D > 1) operator.emit('concat', parts, { axis, activation: 'none' }, [to]);
  };
  join(outputs.y, ({ y }) => y, layout === 1 ? 2 : 1);
  join(outputs.hidden, ({ hidden }) => hidden!, layout);
  join(outputs.cell, ({ cellState }) => cellState!, layout);
}

/** Lengths, unless they are constants that no sequence exceeds. */
function shortened(lengths: Tensor | null | undefined, time: number): Tensor | null {
  if (!lengths) return null;
  return lengths.data && Array.from(lengths.data).every((length) => length >= time) ? null : lengths;
}

/** The initial state [B][N] of direction d; null for zeros, from which every layer starts. */
function stateOf(
  operator: OperatorImport,
  tensor: Tensor | null | undefined,
  d: number,
  D: number,
  layout: 0 | 1,
): Tensor | null {
  if (!tensor || tensor.data?.every((value) => value === 0)) return null;
  const shape = tensor.shape.with(layout, 1);
  const flat = tensor.shape.toSpliced(layout, 1);
  let source = tensor;
  if (D > 1) {
    source = operator.temporary(tensor, shape, 'initial');
    const begin = [0, 0, 0].with(layout, d);
    operator.emit('slice', [tensor], { begin, stride: [1, 1, 1] }, [source]);
  }
  return operator.reshaped(source, flat, 'state');
}
