import * as L from '../../../assembly/layout';
import type { Program } from '../program';
import type { PlanRecord } from '../record';
import { floatText, intText, type Fields } from '../text';
import { unaryNames } from './elementwise';
import { boundsFields, factorFields, haveFourBits, intFields, isFloat, nibblePanelBytes, packRows, unpackNibbles,
  unpackPanels, up, type Printer } from './shared';

const floatWidth = (r: PlanRecord): 'float' | 'int16_t' => (isFloat(r) ? 'float' : 'int16_t');

function gatesOf(r: PlanRecord): number {
  const kind = r.int(L.RECURRENT_KIND);
  if (kind === L.RECURRENT_RNN) return 1;
  return kind === L.RECURRENT_LSTM && !hasPart(r, L.RECURRENT_COUPLED) ? 4 : 3;
}

function hasPart(r: PlanRecord, part: number): boolean {
  return (r.int(L.RECURRENT_PARTS) & part) !== 0;
}

const isHybrid = (r: PlanRecord): boolean => isFloat(r) && r.int(L.RECURRENT_MODE) !== L.RECURRENT_PLAIN;

/** A packed matrix of a record: where it is, and in which form. */
interface Packed {
  weights: number;
  /** Lanes and inputs of one gate. */
  N: number;
  K: number;
  hasNibbles: boolean;
  isPlain: boolean;
  /** The first of the fields COUNTS, DELTAS and ENTRIES of lists of blocks. */
  lists?: number;
}

const BLOCK = 32;

/** The weights of every gate. */
function weightsOfGates(r: PlanRecord, program: Program, gates: number, packed: Packed): Fields[] {
  const { weights, N, K, hasNibbles, isPlain, lists } = packed;
  const at = r.int(weights);
  const sizes = { inputs: intText(K), outputs: intText(N) };
  if (lists !== undefined) return listedGates(r, program, gates, packed, lists).map((own) => ({ ...own, ...sizes }));
  return Array.from({ length: gates }, (_, gate) => {
    if (isPlain) {
      const count = up(N, 8) * K;
      const rows = unpackPanels(program.read('float', at + 4 * gate * count, count), N, K, true);
      return { float_weights: program.table('weights', r, 'float', rows), ...sizes };
    }
    const bytes = hasNibbles ? nibblePanelBytes(N, K) : up(N, 8) * up(K, 4);
    const rows = hasNibbles
      ? unpackNibbles(program.read('uint8_t', at + gate * bytes, bytes), N, K)
      : unpackPanels(program.read('int8_t', at + gate * bytes, bytes), N, K, false);
    return haveFourBits(rows)
      ? {
        product: program.part('sums_nibbles'),
        nibbles: program.table('weights', r, 'uint8_t', packRows(rows, N, K)),
        ...sizes,
      }
      : { product: program.part('sums_dense'), weights: program.table('weights', r, 'int8_t', rows), ...sizes };
  });
}

/** Lists of blocks, one for each 8 lanes, gate by gate. */
function listedGates(r: PlanRecord, program: Program, gates: number, { weights, N }: Packed, lists: number): Fields[] {
  const panels = up(N, 8) / 8;
  const counts = program.read('uint16_t', r.int(lists), gates * panels);
  let entry = 0;
  return Array.from({ length: gates }, (_, gate) => {
    const own = counts.slice(gate * panels, (gate + 1) * panels);
    const entries = own.reduce((a, b) => a + b, 0);
    const from = entry;
    entry += entries;
    return {
      product: program.part('sums_blocks'),
      // a table must not be empty
      weights: program.table(
        'weights',
        r,
        'int8_t',
        entries > 0 ? program.read('int8_t', r.int(weights) + from * BLOCK, entries * BLOCK) : [0],
      ),
      steps: program.table(
        'steps',
        r,
        'uint8_t',
        entries > 0 ? program.read('uint8_t', r.int(lists + 4) + from, entries) : [0],
      ),
      counts: program.table('counts', r, 'uint16_t', own),
    };
  });
}

/** `{ [0] = …, [1] = … }` of structs. */
function structs(values: Fields[]): Fields {
  return Object.fromEntries(values.map((value, i) => [`[${i}]`, value]));
}

/** The gates of one of the two matrices, with their biases, factors and sums. */
function gatesFields(r: PlanRecord, program: Program, which: 0 | 1): Fields[] {
  const G = gatesOf(r);
  const N = r.int(L.RECURRENT_CELLS);
  const lanes = up(N, 8);
  const K = r.int(which === 0 ? L.RECURRENT_INPUTS : L.RECURRENT_OUTPUTS);
  const firstList = L.SPARSE_RECURRENT_INPUT_COUNTS + 12 * which;
  const isListed = r.opcode === L.OP_SPARSE_RECURRENT && r.int(firstList + 8) > 0;
  const weights = weightsOfGates(r, program, G, {
    weights: L.RECURRENT_INPUT_WEIGHTS + 4 * which,
    N,
    K,
    hasNibbles: hasPart(r, which === 0 ? L.RECURRENT_INPUT_NIBBLES : L.RECURRENT_HIDDEN_NIBBLES),
    isPlain: isFloat(r) && !isHybrid(r),
    ...(isListed && { lists: firstList }),
  });
  const bias = r.int(L.RECURRENT_INPUT_BIAS + 4 * which);
  return weights.map((own, gate) => {
    if (isFloat(r)) {
      return {
        ...own,
        float_bias: program.table('bias', r, 'float', program.read('float', bias + 4 * gate * lanes, N)),
        ...(isHybrid(r) &&
          {
            sums: program.table(
              'sums',
              r,
              'int32_t',
              program.read('int32_t', r.int(L.RECURRENT_SUMS) + 4 * (which * G + gate) * lanes, N),
            ),
            scale: floatText(program.read('float', r.int(L.RECURRENT_GATES) + 8 * gate + 4 * which, 1)[0]!),
          }),
      };
    }
    const [multiplier, exponent] = gateWords(r, program, gate).slice(2 * which) as [number, number];
    return {
      ...own,
      bias: program.table('bias', r, 'int32_t', program.read('int32_t', bias + 4 * gate * lanes, N)),
      factor: factorFields(multiplier, exponent),
    };
  });
}

/** int8: multipliers and exponents of a gate, and the guard of its norm. */
function gateWords(r: PlanRecord, program: Program, gate: number): number[] {
  const bytes = 4 * L.RECURRENT_GATE_WORDS;
  return program.read('int32_t', r.int(L.RECURRENT_GATES) + gate * bytes, L.RECURRENT_GATE_WORDS);
}

/** A table with a number for each lane of each gate, without the padding of lanes. */
function perLane(
  r: PlanRecord,
  program: Program,
  role: string,
  field: number,
  type: 'float' | 'int16_t' | 'int32_t',
): string {
  const N = r.int(L.RECURRENT_CELLS);
  const lanes = up(N, 8);
  const padded = program.read(type, r.int(field), gatesOf(r) * lanes);
  return program.table(role, r, type, padded.filter((_, i) => i % lanes < N));
}

/** Peephole and layer normalization of an lstm. */
function finishFields(r: PlanRecord, program: Program): Fields {
  const type = floatWidth(r);
  const suffix = isFloat(r) ? '_f32' : '';
  const words = isFloat(r) ? [] : Array.from({ length: gatesOf(r) }, (_, gate) => gateWords(r, program, gate));
  const factors = (first: number): Fields => structs(words.map((own) => factorFields(own[first]!, own[first + 1]!)));
  return {
    ...(hasPart(r, L.RECURRENT_HAS_PEEPHOLE) &&
      {
        [`peephole${suffix}`]: perLane(r, program, 'peephole', L.RECURRENT_PEEPHOLE, type),
        peephole_factor: factors(4),
      }),
    ...(hasPart(r, L.RECURRENT_HAS_NORM) &&
      {
        [`norm${suffix}`]: perLane(r, program, 'norm', L.RECURRENT_NORM, type),
        [`norm_bias${suffix}`]: perLane(
          r,
          program,
          'norm_bias',
          L.RECURRENT_NORM_BIAS,
          isFloat(r) ? 'float' : 'int32_t',
        ),
        norm_factor: factors(6),
        norm_guard: Object.fromEntries(words.map((own, gate) => [`[${gate}]`, intText(own[8]!)])),
      }),
  };
}

function projectionOf(r: PlanRecord, program: Program): string {
  const [N, P] = [r.int(L.RECURRENT_CELLS), r.int(L.RECURRENT_OUTPUTS)];
  const [weights] = weightsOfGates(r, program, 1, {
    weights: L.RECURRENT_PROJECTION,
    N: P,
    K: N,
    hasNibbles: hasPart(r, L.RECURRENT_PROJECTION_NIBBLES),
    isPlain: isFloat(r) && !isHybrid(r),
  });
  const type = isFloat(r) ? 'float' : 'int32_t';
  const bias = program.table('bias', r, type, program.read(type, r.int(L.RECURRENT_PROJECTION_BIAS), P));
  const sums = r.int(L.RECURRENT_SUMS) + 4 * 2 * gatesOf(r) * up(N, 8);
  return program.object(r, 'projection', 'gate_matrix', {
    ...weights,
    ...(isFloat(r)
      ? { float_bias: bias }
      : {
        bias,
        factor: factorFields(r.int(L.RECURRENT_PROJECTION_MULTIPLIER), r.int(L.RECURRENT_PROJECTION_EXPONENT)),
      }),
    ...(isHybrid(r) &&
      {
        sums: program.table('sums', r, 'int32_t', program.read('int32_t', sums, P)),
        scale: floatText(r.float(L.RECURRENT_PROJECTION_SCALE)),
      }),
  });
}

/** Fields that only int8, or only float layers read. */
function typeFields(r: PlanRecord, program: Program): Fields {
  const activation = r.int(L.RECURRENT_ACTIVATION);
  if (isFloat(r)) {
    const squash = hasPart(r, L.RECURRENT_HARD_GATES) ? L.UNARY_RELU_0_TO_1 : L.UNARY_LOGISTIC;
    return {
      squash: program.part(unaryNames[squash]!),
      ...(activation >= 0 && { activation: program.part(unaryNames[activation]!) }),
      cell_clip: floatText(r.float(L.RECURRENT_CELL_CLIP)),
      projection_clip: floatText(r.float(L.RECURRENT_PROJECTION_CLIP)),
      is_hybrid: isHybrid(r) ? '1' : '0',
      is_asymmetric: r.int(L.RECURRENT_MODE) === L.RECURRENT_ASYMMETRIC ? '1' : '0',
    };
  }
  const isLstm = r.int(L.RECURRENT_KIND) === L.RECURRENT_LSTM;
  const clip = r.int(L.RECURRENT_CELL_CLIP);
  const bound = r.int(L.RECURRENT_PROJECTION_CLIP);
  const limits = isLstm
    ? { min: intText(bound > 0 ? -bound : -128), max: intText(bound > 0 ? bound : 127) }
    : intFields(r, { min: L.RECURRENT_MIN, max: L.RECURRENT_MAX });
  return {
    target_zero: intText(r.int(L.RECURRENT_TARGET_ZERO)),
    limits,
    is_tanh: activation === L.UNARY_TANH ? '1' : '0',
    ...(isLstm &&
      {
        out_factor: factorFields(r.int(L.RECURRENT_OUT_MULTIPLIER), r.int(L.RECURRENT_OUT_EXPONENT)),
        ...intFields(r, { out_zero: L.RECURRENT_OUT_ZERO, cell_bits: L.RECURRENT_CELL_BITS }),
        cell_limits: { min: intText(clip > 0 ? -clip : -32768), max: intText(clip > 0 ? clip : 32767) },
      }),
  };
}

const names: Record<number, string> = {
  [L.RECURRENT_LSTM]: 'lstm',
  [L.RECURRENT_GRU]: 'gru',
  [L.RECURRENT_GRU_RESET_FIRST]: 'gru',
  [L.RECURRENT_RNN]: 'rnn',
};

const recurrent: Printer = (r, program) => {
  const kind = r.int(L.RECURRENT_KIND);
  const isLstm = kind === L.RECURRENT_LSTM;
  const sizes = { inputs: L.RECURRENT_INPUTS, cells: L.RECURRENT_CELLS, outputs: L.RECURRENT_OUTPUTS };
  const [inputs, N, P] = Object.values(sizes).map((field) => r.int(field)) as [number, number, number];
  const G = gatesOf(r);
  const strides = {
    source_time_stride: L.RECURRENT_SOURCE_TIME_STRIDE,
    source_batch_stride: L.RECURRENT_SOURCE_BATCH_STRIDE,
    target_time_stride: L.RECURRENT_TARGET_TIME_STRIDE,
    target_batch_stride: L.RECURRENT_TARGET_BATCH_STRIDE,
  };
  const count = (r.int(L.RECURRENT_TIME) - 1) * r.int(L.RECURRENT_SOURCE_TIME_STRIDE) +
    (r.int(L.RECURRENT_BATCH) - 1) * r.int(L.RECURRENT_SOURCE_BATCH_STRIDE) + inputs;
  const size = isFloat(r) ? 4 : 2;
  program.layer(r, 'recurrent_layer', `run_${names[kind]}_${isFloat(r) ? 'f32' : 'i8'}`, {
    source: program.source(r, L.RECURRENT_SOURCE, isFloat(r) ? 'float' : 'int8_t', count),
    target: program.target(r, L.RECURRENT_TARGET),
    hidden: program.target(r, L.RECURRENT_HIDDEN),
    ...(isLstm && { cell: program.target(r, L.RECURRENT_CELL) }),
    ...intFields(r, {
      time: L.RECURRENT_TIME,
      batch: L.RECURRENT_BATCH,
      ...sizes,
      ...strides,
      reverse: L.RECURRENT_REVERSE,
    }),
    gates: intText(G),
    reset_first: kind === L.RECURRENT_GRU_RESET_FIRST ? '1' : '0',
    input: structs(gatesFields(r, program, 0)),
    hidden_weights: structs(gatesFields(r, program, 1)),
    ...(isLstm && finishFields(r, program)),
    ...(hasPart(r, L.RECURRENT_HAS_PROJECTION) && { projection: projectionOf(r, program) }),
    ...typeFields(r, program),
    gate_values: program.scratch(size * G * N),
    ...(kind !== L.RECURRENT_RNN && !isLstm && { hidden_values: program.scratch(size * G * N) }),
    temporary: program.scratch(size * Math.max(N, P)),
    sums: program.scratch(4 * Math.max(N, P)),
    row: program.scratch(Math.max(inputs, N, P)),
  });
};

const svdf: Printer = (r, program) => {
  const sizes = {
    time: L.SVDF_TIME,
    batch: L.SVDF_BATCH,
    inputs: L.SVDF_INPUTS,
    units: L.SVDF_UNITS,
    rank: L.SVDF_RANK,
    memory: L.SVDF_MEMORY,
  };
  const [time, batch, K, units, rank, memory] = Object.values(sizes).map((field) => r.int(field)) as [number, number,
    number, number, number, number];
  const filters = units * rank;
  const mode = r.int(L.SVDF_MODE);
  const hybrid = isFloat(r) && mode !== L.RECURRENT_PLAIN;
  const [weights] = weightsOfGates(r, program, 1, {
    weights: L.SVDF_FEATURE_WEIGHTS,
    N: filters,
    K,
    hasNibbles: r.int(L.SVDF_NIBBLES) === 1,
    isPlain: isFloat(r) && !hybrid,
  });
  const sums = isFloat(r) && !hybrid
    ? undefined
    : program.table('sums', r, 'int32_t', program.read('int32_t', r.int(L.SVDF_SUMS), filters));
  const type = floatWidth(r);
  const suffix = isFloat(r) ? '_f32' : '';
  const biasType = isFloat(r) ? 'float' : 'int32_t';
  const count = (time - 1) * r.int(L.SVDF_SOURCE_TIME_STRIDE) + (batch - 1) * r.int(L.SVDF_SOURCE_BATCH_STRIDE) + K;
  program.layer(r, 'svdf_layer', `run_svdf_${isFloat(r) ? 'f32' : 'i8'}`, {
    source: program.source(r, L.SVDF_SOURCE, isFloat(r) ? 'float' : 'int8_t', count),
    target: program.target(r, L.SVDF_TARGET),
    state: program.target(r, L.SVDF_STATE),
    ...intFields(r, {
      ...sizes,
      source_time_stride: L.SVDF_SOURCE_TIME_STRIDE,
      source_batch_stride: L.SVDF_SOURCE_BATCH_STRIDE,
      target_time_stride: L.SVDF_TARGET_TIME_STRIDE,
      target_batch_stride: L.SVDF_TARGET_BATCH_STRIDE,
    }),
    features: {
      ...weights,
      ...(sums !== undefined && { sums }),
      ...(hybrid && { scale: floatText(r.float(L.SVDF_SCALE)) }),
      ...(!isFloat(r) && { factor: factorFields(r.int(L.SVDF_FEATURE_MULTIPLIER), r.int(L.SVDF_FEATURE_EXPONENT)) }),
    },
    [`time_weights${suffix}`]: program.table(
      'time_weights',
      r,
      type,
      program.read(type, r.int(L.SVDF_TIME_WEIGHTS), filters * memory),
    ),
    [`bias${suffix}`]: program.table('bias', r, biasType, program.read(biasType, r.int(L.SVDF_BIAS), units)),
    ...(isFloat(r)
      ? { bounds: boundsFields(r, L.SVDF_MIN, L.SVDF_MAX) }
      : {
        ...intFields(r, { source_zero: L.SVDF_SOURCE_ZERO, target_zero: L.SVDF_TARGET_ZERO }),
        out_factor: factorFields(r.int(L.SVDF_OUT_MULTIPLIER), r.int(L.SVDF_OUT_EXPONENT)),
        limits: intFields(r, { min: L.SVDF_MIN, max: L.SVDF_MAX }),
      }),
    is_hybrid: hybrid ? '1' : '0',
    is_asymmetric: mode === L.RECURRENT_ASYMMETRIC ? '1' : '0',
    sums: program.scratch(4 * filters),
    row: program.scratch(K),
  });
};

/** Operators that keep a state. */
export const recurrentOperators: Record<number, Printer> = {
  [L.OP_RECURRENT]: recurrent,
  [L.OP_SPARSE_RECURRENT]: recurrent,
  [L.OP_SVDF]: svdf,
};
