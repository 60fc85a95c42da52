import type { Tensor } from '../../graph/graph';
import type { CellActivation, GateFunction } from '../../graph/operators';
import type { OperatorImport } from './operatorImport';

// One direction of a recurrent layer, as the operator that computes it fastest: lstm, gru or rnn if
// they have its functions, otherwise recurrence.

/** One direction of a recurrent layer of N cells. Weights are float32. */
export interface RecurrentLayer {
  cell: 'lstm' | 'gru' | 'rnn';
  /** [B][T][I], or [T][B][I] if `timeMajor`. */
  x: Tensor;
  timeMajor: boolean;
  reverse: boolean;
  /** W [G·N][I] and U [G·N][N] of the gates i, f, g, o; z, r, g; or one. */
  w: Float32Array;
  u: Float32Array;
  cells: number;
  /** [G·N], of W and of U. */
  bias: Float32Array;
  recurrentBias: Float32Array;
  /** [3N] of the gates i, f, o. */
  peephole?: Float32Array;
  /** The functions of the gates, of g, and of the cell state, as in recurrence. */
  functions: GateFunction[];
  /** Bound of the arguments of the first two functions; 0 for none. */
  clip: number;
  /** f = 1 − i */
  coupled: boolean;
  resetAfter: boolean;
  /** int32 [B], the time steps of each item. */
  lengths?: Tensor | null;
  /** Initial states [B][N]. */
  hidden?: Tensor | null;
  cellState?: Tensor | null;
}

/** The tensors that a layer gives: all time steps, and final states [B][N]. */
export interface RecurrentResults {
  y: Tensor;
  hidden?: Tensor;
  cellState?: Tensor;
}

/** The activation of lstm and rnn that a function equals. */
function activationOf({ kind, alpha = 1, beta = kind === 'tanh' ? 1 : 0 }: GateFunction): CellActivation | undefined {
  if (kind === 'relu') return 'relu';
  if (kind === 'tanh' && alpha === 1 && beta === 1) return 'tanh';
  return kind === 'affine' && alpha === 1 && beta === 0 ? 'none' : undefined;
}

function add(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + b[i]!);
}

/** The layer with the factor and the addend of its hard sigmoid in the weights of the gates. */
function withHardGates(layer: RecurrentLayer): RecurrentLayer {
  const { alpha = 1, beta = 0 } = layer.functions[0]!;
  // g is the gate 2 of lstm and gru
  const isGate = (i: number, width: number): boolean => Math.floor(i / width / layer.cells) !== 2;
  const scaled = (values: Float32Array, width: number): Float32Array =>
    values.map((value, i) => (isGate(i, width) ? alpha * value : value));
  return {
    ...layer,
    w: scaled(layer.w, layer.w.length / layer.bias.length),
    u: scaled(layer.u, layer.cells),
    bias: scaled(layer.bias, 1).map((value, i) => (isGate(i, 1) ? value + beta : value)),
    recurrentBias: scaled(layer.recurrentBias, 1),
    ...(layer.peephole && { peephole: layer.peephole.map((value) => alpha * value) }),
  };
}

/** The activation of a layer that lstm, gru or rnn can compute; undefined for any other layer. */
function usualActivation({ cell, clip, coupled, lengths, functions }: RecurrentLayer): CellActivation | undefined {
  const [gate, ...others] = functions as [GateFunction, ...GateFunction[]];
  if (clip !== 0 || coupled || lengths) return undefined;
  if (cell === 'rnn') return activationOf(gate);
  if (gate.kind !== 'logistic' && gate.kind !== 'hardSigmoid') return undefined;
  const activations = others.map(activationOf);
  const [first] = activations;
  return activations.every((own) => own === first) && (cell === 'lstm' || first === 'tanh') ? first : undefined;
}

export function emitRecurrentLayer(operator: OperatorImport, given: RecurrentLayer, results: RecurrentResults): void {
  const { cell } = given;
  const activation = usualActivation(given);
  const hasHardGates = activation !== undefined && cell !== 'rnn' && given.functions[0]!.kind === 'hardSigmoid';
  const layer = hasHardGates ? withHardGates(given) : given;
  const constant = (data: Float32Array, shape: number[], suffix: string): Tensor => ({
    ...operator.temporary({ name: '', shape, dtype: 'float32' }, shape, suffix),
    data,
  });
  const rows = layer.bias.length;
  const w = constant(layer.w, [rows, layer.w.length / rows], 'weights');
  const u = constant(layer.u, [rows, layer.cells], 'recurrent');
  const vector = (data: Float32Array, suffix: string): Tensor => constant(data, [data.length], suffix);
  const peephole = layer.peephole ? vector(layer.peephole, 'peephole') : null;
  const { timeMajor, reverse, resetAfter } = layer;
  const along = { timeMajor, reverse };
  const hardGates = hasHardGates ? { gate: 'relu0To1' as const } : {};
  const hidden = layer.hidden ?? null;
  const cellState = layer.cellState ?? null;
  const outputs = [results.y];
  if (results.hidden ?? results.cellState) {
    outputs.push(results.hidden ?? operator.temporary(results.y, results.cellState!.shape, 'final hidden'));
  }
  if (results.cellState) outputs.push(results.cellState);
  if (activation && cell === 'lstm') {
    operator.emit(
      'lstm',
      [layer.x, w, u, vector(add(layer.bias, layer.recurrentBias), 'bias'), peephole, null, null, null, hidden,
        cellState],
      { ...along, ...hardGates, activation, cellClip: 0, projectionClip: 0 },
      outputs,
    );
  } else if (activation && cell === 'gru') {
    operator.emit(
      'gru',
      [layer.x, w, u, vector(layer.bias, 'bias'), vector(layer.recurrentBias, 'recurrent_bias'), hidden],
      { ...along, ...hardGates, resetAfter },
      outputs,
    );
  } else if (activation) {
    const bias = vector(add(layer.bias, layer.recurrentBias), 'bias');
    operator.emit('rnn', [layer.x, w, u, bias, hidden], { ...along, activation }, outputs);
  } else {
    const isGru = cell === 'gru';
    const bias = vector(isGru ? layer.bias : add(layer.bias, layer.recurrentBias), 'bias');
    operator.emit('recurrence', [layer.x, w, u, bias, isGru ? vector(layer.recurrentBias, 'recurrent_bias') : null,
      peephole, layer.lengths ?? null, hidden, ...(cell === 'lstm' ? [cellState] : [])], {
      ...along,
      cell,
      functions: layer.functions,
      clip: layer.clip,
      coupled: layer.coupled,
      resetAfter,
    }, outputs);
  }
}
