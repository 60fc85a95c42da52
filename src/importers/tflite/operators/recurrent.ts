import type { Tensor } from '../../../graph/graph';
import type { Sequence } from '../../../graph/operators';
import { dequantizeConstant, joinColumns, stackRows, type Constant } from '../../shared/constants';
import type { Mappings, TfliteOperator } from '../operator';

/** Weights for a layer on x: int8 if they are stored as int8, otherwise float32. */
function weights(operator: TfliteOperator, i: number, x: Tensor, what: string, rank: number): Constant {
  const tensor = operator.constantInput(i, what);
  operator.check(tensor.shape.length === rank, `${what} of the shape [${tensor.shape.join(', ')}]`);
  operator.check(tensor.dtype === 'int8' || tensor.dtype === 'float32', `${what} of ${tensor.dtype}`);
  operator.check(x.dtype !== 'int8' || tensor.dtype === 'int8', `int8 activations with ${what} of ${tensor.dtype}`);
  return tensor;
}

/** Parameters: float32 for a float layer, in their stored type for an int8 layer. */
function numbers(operator: TfliteOperator, i: number, x: Tensor, what: string): Constant {
  const tensor = operator.constantInput(i, what);
  return (x.dtype === 'float32' ? dequantizeConstant(tensor) : tensor) as Constant;
}

/**
 * The indices of one direction's tensors among an operator's inputs. Lists of four are in the order
 * of the gates i, f, g, o.
 */
interface Places {
  weights: number;
  recurrent: number;
  peephole: number;
  bias: number;
  projection: number;
  hidden: number;
  cell: number;
  norm?: number;
  auxiliary?: number;
}

interface LstmOptions {
  fusedActivationFunction: number;
  cellClip: number;
  projClip: number;
  asymmetricQuantizeInputs: boolean;
}

/** Emits one direction of a layer on x, which cross-linked layers extend by a second input. */
function emitLstm(
  operator: TfliteOperator,
  at: Places,
  x: Tensor,
  auxiliary: Tensor | undefined,
  options: LstmOptions,
  { timeMajor, reverse }: Sequence,
  output: Tensor,
): void {
  const name = output.name;
  const coupled = !operator.has(at.weights);
  const gates = coupled ? [1, 2, 3] : [0, 1, 2, 3];
  const int8 = x.dtype === 'int8';
  const each = (first: number, what: string): Constant[] =>
    gates.map((gate) => weights(operator, first + gate, x, what, 2));
  let source = x;
  let w = each(at.weights, 'weights');
  if (auxiliary) {
    const others = each(at.auxiliary!, 'auxiliary weights');
    operator.check(
      x.dtype === 'float32' && [...w, ...others].every((part) => part.dtype === 'float32'),
      'an auxiliary input with int8 weights',
    );
    w = w.map((part, i) => joinColumns(part, others[i]!));
    source = operator.temporary(x, [...x.shape.slice(0, -1), w[0]!.shape[1]!], 'both');
    operator.emit('concat', [x, auxiliary], { axis: x.shape.length - 1, activation: 'none' }, [source]);
  }
  const u = each(at.recurrent, 'recurrent weights');
  const hasProjection = operator.has(at.projection);
  const isHybrid = !int8 && w[0]!.dtype === 'int8';
  operator.check([...w, ...u].every((part) => part.dtype === w[0]!.dtype), 'weights of several types');
  const projection = hasProjection ? weights(operator, at.projection, x, 'projection', 2) : null;
  const hasPeephole = operator.has(at.peephole + 1);
  const [cells = 0] = w[0]!.shape;
  const [, outputs = 0] = u[0]!.shape;
  let peephole = hasPeephole
    ? stackRows(
      (coupled ? [1, 2] : [0, 1, 2]).map((gate) => numbers(operator, at.peephole + gate, x, 'peephole weights')),
      `${name}/peephole`,
    )
    : null;
  if (peephole && int8 && outputs !== cells) {
    // TensorFlow Lite's int8 kernel applies peephole weights only to the first `outputs` cells
    operator.check(outputs < cells && kernelBatch(x, timeMajor) === 1, 'int8 peephole weights with a projection');
    peephole = { ...peephole, data: peephole.data.map((value, i) => (i % cells < outputs ? value : 0)) };
  }
  const hasNorm = at.norm !== undefined && operator.has(at.norm + 1);
  const norm = hasNorm
    ? stackRows(gates.map((gate) => numbers(operator, at.norm! + gate, x, 'norm')), `${name}/norm`)
    : null;
  const biases = stackRows(gates.map((gate) => operator.constantInput(at.bias + gate, 'biases')), `${name}/bias`);
  delete biases.quantization;
  const attributes = {
    timeMajor,
    reverse,
    activation: int8 ? 'tanh' as const : operator.activation(options.fusedActivationFunction),
    cellClip: options.cellClip,
    projectionClip: options.projClip,
    ...(isHybrid && { hybrid: options.asymmetricQuantizeInputs ? 'asymmetric' as const : 'symmetric' as const }),
    ...(int8 && int8Steps(operator, at, output, hasNorm, coupled, hasProjection)),
  };
  const projectionBias = hasProjection && operator.has(at.projection + 1)
    ? operator.constantInput(at.projection + 1, 'projection biases')
    : null;
  operator.emit(
    'lstm',
    [source, stackRows(w, `${name}/weights`), stackRows(u, `${name}/recurrent`), biases, peephole, projection,
      projectionBias, norm],
    attributes,
    [output],
  );
}

/**
 * The batch size that TensorFlow Lite's kernel works on at a time. It runs the sequences of a batch
 * one by one, unless time is the first dimension.
 */
function kernelBatch({ shape }: Tensor, timeMajor: boolean): number {
  if (shape.length === 2) return shape[0]!;
  return timeMajor ? shape[1]! : 1;
}

/** The quantization of an int8 layer's states and intermediate results. */
function int8Steps(
  operator: TfliteOperator,
  at: Places,
  output: Tensor,
  hasNorm: boolean,
  coupled: boolean,
  hasProjection: boolean,
): { cellScale: number; hidden: { scale: number; zeroPoint: number }; gateScales?: number[] } {
  const hidden = operator.quantizationOfState(at.hidden);
  const cell = operator.quantizationOfState(at.cell);
  const own = output.quantization;
  operator.check(hidden !== undefined && cell !== undefined && own !== undefined, 'int8 states without scales');
  operator.check(
    Math.fround(hidden!.scale) === Math.fround(own!.scale[0]!) && hidden!.zeroPoint === own!.zeroPoint[0],
    'a hidden state whose quantization differs from that of its output',
  );
  // a scale that is a power of two may differ in its last digit
  const exponent = Math.round(Math.log2(cell!.scale));
  operator.check(
    Math.abs(Math.log2(cell!.scale) - exponent) < 1e-3 && cell!.zeroPoint === 0,
    `a cell state with the scale ${cell!.scale}`,
  );
  const gates = [0, 1, 2, 3].map((gate) => operator.quantizationOfIntermediate(gate)?.scale ?? 0);
  const inner = operator.quantizationOfIntermediate(4);
  operator.check(inner !== undefined, 'int8 without the scale of its hidden values');
  operator.check(
    !hasNorm || gates.every((scale, gate) => scale > 0 || (coupled && gate === 0)),
    'a norm without the scales of its gates',
  );
  // LiteRT adds the zero point of the hidden values. Older runtimes subtracted it, and files made
  // for those negate it.
  const [outputZeroPoint] = own!.zeroPoint as [number];
  operator.check(
    hasProjection || Math.abs(inner!.zeroPoint) === Math.abs(outputZeroPoint),
    `hidden values with the zero point ${inner!.zeroPoint} and an output with the zero point ${outputZeroPoint}`,
  );
  return {
    cellScale: 2 ** exponent,
    hidden: hasProjection ? inner! : { scale: inner!.scale, zeroPoint: outputZeroPoint },
    ...(hasNorm && { gateScales: coupled ? gates.slice(1) : gates }),
  };
}

function emitRnn(
  operator: TfliteOperator,
  first: number,
  x: Tensor,
  auxiliary: { x: Tensor; weights: number } | undefined,
  code: number,
  isAsymmetric: boolean,
  { timeMajor, reverse }: Sequence,
  output: Tensor,
): void {
  let source = x;
  let w = weights(operator, first, x, 'weights', 2);
  const u = weights(operator, first + 1, x, 'recurrent weights', 2);
  operator.check(x.dtype === 'float32' && u.dtype === w.dtype, `${x.dtype} activations`);
  if (auxiliary) {
    const other = weights(operator, auxiliary.weights, x, 'auxiliary weights', 2);
    operator.check(w.dtype === 'float32' && other.dtype === 'float32', 'an auxiliary input with int8 weights');
    w = joinColumns(w, other);
    source = operator.temporary(x, [...x.shape.slice(0, -1), w.shape[1]!], 'both');
    operator.emit('concat', [x, auxiliary.x], { axis: x.shape.length - 1, activation: 'none' }, [source]);
  }
  const hybrid = w.dtype === 'int8' ? { hybrid: isAsymmetric ? 'asymmetric' as const : 'symmetric' as const } : {};
  operator.emit('rnn', [source, w, u, operator.constantInput(first + 2, 'biases')], {
    timeMajor,
    reverse,
    activation: operator.activation(code),
    ...hybrid,
  }, [output]);
}

/**
 * Emits both directions of a layer, with one merged output or two. `second` is the input of the
 * backward direction.
 */
function emitBothWays(
  operator: TfliteOperator,
  merge: boolean,
  widths: [number, number],
  emit: (reverse: boolean, output: Tensor) => void,
): void {
  const [forward, backward] = operator.outputs;
  if (!merge) {
    operator.check(backward !== undefined, 'one output for two directions');
    emit(false, forward!);
    emit(true, backward!);
    return;
  }
  const parts = widths.map((width, i) =>
    operator.temporary(forward!, [...forward!.shape.slice(0, -1), width], i === 0 ? 'forward' : 'backward')
  );
  parts.forEach((part, i) => emit(i === 1, part));
  operator.emit('concat', parts, { axis: forward!.shape.length - 1, activation: 'none' }, [forward!]);
}

const oneDirection: Places = {
  weights: 1,
  recurrent: 5,
  peephole: 9,
  bias: 12,
  projection: 16,
  hidden: 18,
  cell: 19,
  norm: 20,
};
const forwards: Places = {
  weights: 1,
  recurrent: 5,
  peephole: 9,
  bias: 12,
  projection: 16,
  hidden: 35,
  cell: 36,
  auxiliary: 40,
};
const backwards: Places = {
  weights: 18,
  recurrent: 22,
  peephole: 26,
  bias: 29,
  projection: 33,
  hidden: 37,
  cell: 38,
  auxiliary: 44,
};

export const recurrent: Mappings = {
  UNIDIRECTIONAL_SEQUENCE_LSTM(operator) {
    const { options } = operator;
    operator.check(!options.diagonalRecurrentTensors, 'diagonal recurrent weights');
    emitLstm(operator, oneDirection, operator.input(0, 3), undefined, options, {
      timeMajor: options.timeMajor,
      reverse: false,
    }, operator.output);
  },

  LSTM(operator) {
    operator.check(operator.options.kernelType === 0, 'the basic kernel');
    emitLstm(operator, oneDirection, operator.input(0, 2), undefined, operator.options, {
      timeMajor: false,
      reverse: false,
    }, operator.output);
  },

  BIDIRECTIONAL_SEQUENCE_LSTM(operator) {
    const { options } = operator;
    const x = operator.input(0, 3);
    const auxiliary = operator.optionalInput(39);
    operator.check(x.dtype === 'float32', `${x.dtype} activations`);
    // an auxiliary input without weights is the input of the backward direction
    const isLinked = operator.has(forwards.auxiliary! + 1);
    const widths: [number, number] = [operator.input(forwards.recurrent + 3).shape[1]!,
      operator.input(backwards.recurrent + 3).shape[1]!];
    emitBothWays(operator, options.mergeOutputs, widths, (reverse, output) => {
      const source = reverse && auxiliary && !isLinked ? auxiliary : x;
      emitLstm(
        operator,
        reverse ? backwards : forwards,
        source,
        isLinked ? auxiliary ?? undefined : undefined,
        options,
        { timeMajor: options.timeMajor, reverse },
        output,
      );
    });
  },

  UNIDIRECTIONAL_SEQUENCE_RNN(operator) {
    const { fusedActivationFunction, asymmetricQuantizeInputs, timeMajor } = operator.options;
    emitRnn(operator, 1, operator.input(0, 3), undefined, fusedActivationFunction, asymmetricQuantizeInputs, {
      timeMajor,
      reverse: false,
    }, operator.output);
  },

  RNN(operator) {
    const { fusedActivationFunction, asymmetricQuantizeInputs } = operator.options;
    emitRnn(operator, 1, operator.input(0, 2), undefined, fusedActivationFunction, asymmetricQuantizeInputs, {
      timeMajor: false,
      reverse: false,
    }, operator.output);
  },

  BIDIRECTIONAL_SEQUENCE_RNN(operator) {
    const { fusedActivationFunction, asymmetricQuantizeInputs, timeMajor, mergeOutputs } = operator.options;
    const x = operator.input(0, 3);
    const auxiliary = operator.optionalInput(9);
    const isLinked = operator.has(10);
    const widths: [number, number] = [operator.input(1).shape[0]!, operator.input(5).shape[0]!];
    emitBothWays(operator, mergeOutputs, widths, (reverse, output) => {
      const source = reverse && auxiliary && !isLinked ? auxiliary : x;
      const beside = isLinked && auxiliary ? { x: auxiliary, weights: reverse ? 11 : 10 } : undefined;
      emitRnn(operator, reverse ? 5 : 1, source, beside, fusedActivationFunction, asymmetricQuantizeInputs, {
        timeMajor,
        reverse,
      }, output);
    });
  },

  SVDF(operator) {
    const { rank, fusedActivationFunction, asymmetricQuantizeInputs } = operator.options;
    const x = operator.input(0, 2);
    const int8 = x.dtype === 'int8';
    const { output } = operator;
    const feature = weights(operator, 1, x, 'feature weights', 2);
    const time = numbers(operator, 2, x, 'time weights');
    const bias = operator.has(3) ? operator.constantInput(3, 'biases') : null;
    const activation = int8 ? 'none' : operator.activation(fusedActivationFunction);
    const state = operator.quantizationOfState(4);
    operator.check(!int8 || (state !== undefined && state.zeroPoint === 0), 'an int8 state without a scale');
    const hybrid = !int8 && feature.dtype === 'int8'
      ? { hybrid: asymmetricQuantizeInputs ? 'asymmetric' as const : 'symmetric' as const }
      : {};
    const isTanh = activation === 'tanh';
    const linear = isTanh ? operator.temporary(output, output.shape, 'linear') : output;
    // in int8 the activation is the clamping to the output's range, as in TensorFlow Lite
    operator.emit('svdf', [x, feature, time, bias], {
      timeMajor: false,
      reverse: false,
      rank,
      activation: isTanh ? 'none' : activation,
      ...hybrid,
      ...(int8 && { stateScale: state!.scale }),
    }, [linear]);
    if (isTanh) operator.emit('unary', [linear], { kind: 'tanh' });
  },
};
