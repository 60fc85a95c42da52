import type { ElementType, Maker } from './maker';

/** The dimensions before the features: batch of a single step, or time and batch of a sequence. */
function leadingDimensions(isStep: boolean, timeMajor: boolean, time: number, batch: number): number[] {
  if (isStep) return [batch];
  return timeMajor ? [time, batch] : [batch, time];
}

// Layers with state. Both TensorFlow Lite's interpreter and kinglet keep it from sample to sample.

type Name = string | null;

interface Sizes {
  inputs: number;
  cells: number;
  outputs: number;
  batch: number;
}

/**
 * Tensors of one direction of an LSTM in the order of its inputs, and the intermediate tensors of
 * int8.
 */
export function lstm(
  make: Maker,
  x: string,
  { inputs, cells, outputs, batch }: Sizes,
  { isCoupled, hasPeephole, hasNorm }: { isCoupled: boolean; hasPeephole: boolean; hasNorm: boolean },
  y: string,
): { operands: Name[]; states: Name[]; norms: Name[]; intermediates?: string[] } {
  const { random, isFloat } = make;
  const hasProjection = outputs !== cells;
  const each = (gate: (g: number) => string, skips = isCoupled ? [0] : []): Name[] =>
    [0, 1, 2, 3].map((g) => (skips.includes(g) ? null : gate(g)));
  const w = each(() => make.weights([cells, inputs], null));
  const u = each(() => make.weights([cells, outputs], null));
  // in hybrid layers they are int8 too
  const peep = (): string => (make.type === 'hybrid' ? make.weights([cells], null) : make.wide([cells], 1));
  const peephole = hasPeephole ? [isCoupled ? null : peep(), peep(), peep()] : [null, null, null];
  const norms = hasNorm ? each(() => make.wide([cells], 1.5)) : [null, null, null, null];
  // with layer normalization, biases have the scale of its weights
  const biases = each((
    g,
  ) => (hasNorm && !isFloat
    ? make.sumBias(cells, [(make.find(norms[g]!).quantization!.scale as number) / 1024])
    : make.bias(cells, x, w[g]!))
  );
  const projection = hasProjection
    ? [make.weights([outputs, cells], null), random.pick([true, false]) ? make.bias(outputs, x, w[1]!) : null]
    : [null, null];
  const own = make.find(y).quantization;
  const states = [make.variable([batch, outputs], isFloat ? 'FLOAT32' : 'INT8', own),
    make.variable(
      [batch, cells],
      isFloat ? 'FLOAT32' : 'INT16',
      isFloat ? undefined : { scale: 2 ** -random.pick([11, 12, 13]) },
    )];
  const operands = [...w, ...u, ...peephole, ...biases, ...projection];
  if (isFloat) return { operands, states, norms };
  const hidden = hasProjection
    ? make.intermediate('INT8', Math.fround(random.between(0.9, 1.1) / 127), random.int(-9, 9))
    : make.intermediate('INT8', own!.scale as number, -(own!.zeroPoint as number));
  return {
    operands,
    states,
    norms,
    intermediates: [...[0, 1, 2, 3].map(() => make.intermediate('INT16', 2 ** -random.pick([10, 11, 12]))), hidden],
  };
}

function partsOf(make: Maker): { isCoupled: boolean; hasPeephole: boolean; hasNorm: boolean } {
  const flip = (): boolean => make.random.pick([true, false]);
  return { isCoupled: flip(), hasPeephole: flip(), hasNorm: flip() };
}

function sizesOf(make: Maker): Sizes {
  const { random } = make;
  const cells = random.int(1, 20);
  return {
    inputs: random.int(1, 24),
    cells,
    outputs: random.pick([cells, cells, random.int(1, 20)]),
    batch: random.int(1, 3),
  };
}

const clips = (make: Maker): Record<string, unknown> => ({
  fusedActivationFunction: 'TANH',
  cellClip: make.random.pick([0, 0, 0.8]),
  projClip: make.random.pick([0, 0, 0.6]),
  ...(make.type === 'hybrid' && { asymmetricQuantizeInputs: make.random.pick([true, false]) }),
});

const sequenceLstm = (isStep: boolean) => (make: Maker): void => {
  const { random } = make;
  const sizes = sizesOf(make);
  const parts = partsOf(make);
  const timeMajor = random.pick([true, false]);
  const time = random.int(1, 8);
  // TFLite reads int8 peepholes out of bounds for batches, or if there are fewer cells than outputs
  if (!make.isFloat && parts.hasPeephole && sizes.outputs !== sizes.cells) {
    Object.assign(sizes, { batch: 1, outputs: Math.min(sizes.outputs, sizes.cells) });
  }
  const leading = leadingDimensions(isStep, timeMajor, time, sizes.batch);
  const shape = (width: number): number[] => [...leading, width];
  const x = make.input(shape(sizes.inputs), -1, 1);
  const y = make.output(shape(sizes.outputs), -1, 1);
  const { operands, states, norms, intermediates } = lstm(make, x, sizes, parts, y);
  make.emit(isStep ? 'LSTM' : 'UNIDIRECTIONAL_SEQUENCE_LSTM', [x, ...operands, ...states, ...norms], [y], {
    ...clips(make),
    ...(!isStep && { timeMajor }),
  }, intermediates && { intermediates });
};

const bidirectionalLstm = (make: Maker): void => {
  // with int8 weights TFLite treats every sequence as time-major; for merged batch-major outputs it
  // finds only the first batch item's state
  const { random } = make;
  const sizes = sizesOf(make);
  const timeMajor = make.type === 'hybrid' || random.pick([true, false]);
  const time = random.int(1, 8);
  const mergeOutputs = random.pick([true, false]);
  if (mergeOutputs && !timeMajor) sizes.batch = 1;
  const { batch, inputs, outputs: width } = sizes;
  const shape = (channels: number): number[] => (timeMajor ? [time, batch, channels] : [batch, time, channels]);
  const x = make.input(shape(inputs), -1, 1);
  const outputs = (mergeOutputs ? [2 * width] : [width, width]).map((channels) => make.output(shape(channels), -1, 1));
  // TFLite requires equal options in both directions
  const parts = { ...partsOf(make), hasNorm: false };
  const [a, b] = [lstm(make, x, sizes, parts, outputs[0]!), lstm(make, x, sizes, parts, outputs[0]!)];
  make.emit(
    'BIDIRECTIONAL_SEQUENCE_LSTM',
    [x, ...a.operands, ...b.operands, ...a.states, ...b.states, ...Array.from({ length: 9 }, () => null)],
    outputs,
    { ...clips(make), timeMajor, mergeOutputs },
  );
};

/** Weights, recurrent weights, biases and state. */
function rnn(make: Maker, x: string, { inputs, cells, batch }: Sizes): string[] {
  const w = make.weights([cells, inputs], null);
  return [w, make.weights([cells, cells], null), make.bias(cells, x, w), make.variable([batch, cells], 'FLOAT32')];
}

const rnnOptions = (make: Maker): Record<string, unknown> => ({
  fusedActivationFunction: make.random.pick(['TANH', 'RELU_N1_TO_1', 'RELU6']),
  ...(make.type === 'hybrid' && { asymmetricQuantizeInputs: make.random.pick([true, false]) }),
});

const sequenceRnn = (isStep: boolean) => (make: Maker): void => {
  const sizes = sizesOf(make);
  const timeMajor = make.random.pick([true, false]);
  const time = make.random.int(1, 6);
  const leading = leadingDimensions(isStep, timeMajor, time, sizes.batch);
  const shape = (width: number): number[] => [...leading, width];
  const x = make.input(shape(sizes.inputs), -1, 1);
  make.emit(isStep ? 'RNN' : 'UNIDIRECTIONAL_SEQUENCE_RNN', [x, ...rnn(make, x, sizes)], [
    make.output(shape(sizes.cells), -1, 1),
  ], { ...rnnOptions(make), ...(!isStep && { timeMajor }) });
};

const bidirectionalRnn = (make: Maker): void => {
  // with int8 weights TFLite runs a time-major sequence of T steps T times
  const { random } = make;
  const [forward, backward] = [sizesOf(make), sizesOf(make)];
  const timeMajor = make.type !== 'hybrid' && random.pick([true, false]);
  const time = random.int(1, 6);
  const mergeOutputs = random.pick([true, false]);
  const { batch, inputs } = forward;
  const shape = (width: number): number[] => (timeMajor ? [time, batch, width] : [batch, time, width]);
  const x = make.input(shape(inputs), -1, 1);
  const widths = mergeOutputs ? [forward.cells + backward.cells] : [forward.cells, backward.cells];
  make.emit(
    'BIDIRECTIONAL_SEQUENCE_RNN',
    [x, ...rnn(make, x, forward), ...rnn(make, x, { ...backward, batch, inputs }), null, null, null],
    widths.map((width) => make.output(shape(width), -1, 1)),
    { ...rnnOptions(make), timeMajor, mergeOutputs },
  );
};

const svdf = (make: Maker): void => {
  const { random, isFloat } = make;
  const [batch, inputs, units, rank, memory] = [random.int(1, 3), random.int(1, 24), random.int(1, 12),
    random.int(1, 3), random.int(1, 9)];
  const filters = units * rank;
  const x = make.input([batch, inputs], -1, 1);
  const feature = make.weights([filters, inputs], null);
  const time = make.type === 'hybrid' ? make.weights([filters, memory], null) : make.wide([filters, memory], 1);
  const steps = { scale: 2 ** -11 };
  const bias = isFloat
    ? make.bias(units, x, feature)
    : make.sumBias(units, [Math.fround(steps.scale * (make.find(time).quantization!.scale as number))]);
  make.emit('SVDF', [x, feature, time, bias,
    make.variable([batch, filters * memory], isFloat ? 'FLOAT32' : 'INT16', isFloat ? undefined : steps)], [
    make.output([batch, units], -4, 4),
  ], {
    rank,
    fusedActivationFunction: isFloat ? random.pick(['NONE', 'RELU']) : 'RELU',
    ...(make.type === 'hybrid' && { asymmetricQuantizeInputs: random.pick([true, false]) }),
  });
};

const gather = (make: Maker): void => {
  const { random } = make;
  const shape = [random.int(1, 4), random.int(1, 5), random.int(1, 6)];
  const axis = random.int(0, 2);
  const count = random.int(1, 7);
  const batchDims = axis > 0 ? random.int(0, 1) : 0;
  const indices = batchDims === 1 ? [shape[0]!, count] : [count];
  const x = make.input(shape, -2, 2);
  const picked = make.integers(
    Array.from({ length: indices.reduce((a, b) => a * b) }, () => random.int(0, shape[axis]! - 1)),
    indices,
  );
  make.emit('GATHER', [x, picked], [make.outputLike(x, [...shape.slice(0, axis), count, ...shape.slice(axis + 1)])], {
    axis,
    batchDims,
  });
};

const gatherNd = (make: Maker): void => {
  const { random } = make;
  const shape = Array.from({ length: 4 }, () => random.int(1, 5));
  const depth = random.int(1, 4);
  const count = random.int(1, 7);
  const picked = make.integers(Array.from({ length: count * depth }, (_, i) => random.int(0, shape[i % depth]! - 1)), [
    count,
    depth,
  ]);
  const x = make.input(shape, -2, 2);
  make.emit('GATHER_ND', [x, picked], [make.outputLike(x, [count, ...shape.slice(depth)])]);
};

const cumsum = (make: Maker): void => {
  const { random } = make;
  const shape = [random.int(1, 4), random.int(1, 9), random.int(1, 20)];
  const axis = make.integers([random.int(-3, 2)], []);
  const options = { exclusive: random.pick([true, false]), reverse: random.pick([true, false]) };
  make.emit('CUMSUM', [make.input(shape, -2, 2), axis], [make.output(shape, -9, 9)], options);
};

export const recurrent: Record<string, (make: Maker) => void> = {
  UNIDIRECTIONAL_SEQUENCE_LSTM: sequenceLstm(false),
  LSTM: sequenceLstm(true),
  BIDIRECTIONAL_SEQUENCE_LSTM: bidirectionalLstm,
  UNIDIRECTIONAL_SEQUENCE_RNN: sequenceRnn(false),
  RNN: sequenceRnn(true),
  BIDIRECTIONAL_SEQUENCE_RNN: bidirectionalRnn,
  SVDF: svdf,
  GATHER: gather,
  GATHER_ND: gatherNd,
  CUMSUM: cumsum,
};

export const recurrentTypes: Record<string, readonly ElementType[] | undefined> = {
  UNIDIRECTIONAL_SEQUENCE_LSTM: ['float32', 'int8', 'hybrid'],
  LSTM: ['float32', 'int8', 'hybrid'],
  BIDIRECTIONAL_SEQUENCE_LSTM: ['float32', 'hybrid'],
  UNIDIRECTIONAL_SEQUENCE_RNN: ['float32', 'hybrid'],
  RNN: ['float32', 'hybrid'],
  BIDIRECTIONAL_SEQUENCE_RNN: ['float32', 'hybrid'],
  SVDF: ['float32', 'int8', 'hybrid'],
  CUMSUM: ['float32'],
};
