import { TfliteReader } from '../../src/importers/tflite/reader';
import { operatorKinds, tables, tensorTypes, type Table, type TableName } from '../../src/importers/tflite/schema';

// Runs a .tflite file operator by operator, with the shapes that its values really have. It knows
// the operators of Keras's recurrent layers, and runs their loops step by step.

export interface Value {
  shape: number[];
  data: number[];
}
/** A tensor, or a list of tensors. */
type Content = Value | (Value | undefined)[];

type SubGraph = Table<'SubGraph'>;
type Operator = Table<'Operator'>;

const isList = (content: Content): content is (Value | undefined)[] => Array.isArray(content);
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const logistic = (v: number): number => 1 / (1 + Math.exp(-v));
const each = (f: (v: number) => number) => (x: Value): Value => ({ shape: x.shape, data: x.data.map(f) });

/** All indices of a shape, in order. */
function* indices(shape: readonly number[]): Generator<number[]> {
  for (let n = 0; n < count(shape); n++) {
    let rest = n;
    yield shape.map((_, axis) => {
      const below = count(shape.slice(axis + 1));
      const index = Math.floor(rest / below);
      rest %= below;
      return index;
    });
  }
}

const at = ({ shape, data }: Value, index: readonly number[]): number =>
  data[index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0)]!;

const gather = (shape: number[], from: Value, map: (index: number[]) => number[]): Value => ({
  shape,
  data: Array.from(indices(shape), (index) => at(from, map(index))),
});

function broadcast(a: Value, b: Value, f: (p: number, q: number) => number): Value {
  const rank = Math.max(a.shape.length, b.shape.length);
  const widen = ({ shape, data }: Value): Value => ({
    shape: [...new Array<number>(rank - shape.length).fill(1), ...shape],
    data,
  });
  const [p, q] = [widen(a), widen(b)];
  const shape = p.shape.map((size, axis) => (size === 1 ? q.shape[axis]! : size));
  const own = ({ shape: sizes }: Value, index: number[]): number[] =>
    index.map((i, axis) => (sizes[axis] === 1 ? 0 : i));
  return { shape, data: Array.from(indices(shape), (index) => f(at(p, own(p, index)), at(q, own(q, index)))) };
}

const fusedFunctions = [(v: number) => v, (v: number) => Math.max(v, 0), (v: number) => Math.min(Math.max(v, -1), 1),
  (v: number) => Math.min(Math.max(v, 0), 6), Math.tanh];

/** A row of activations in 8 bits, as TensorFlow Lite's hybrid products read it. */
function quantizeRow(row: number[], isAsymmetric: boolean): number[] {
  if (!isAsymmetric) {
    const scale = Math.max(...row.map(Math.abs)) / 127;
    return scale > 0 ? row.map((v) => Math.round(v / scale) * scale) : row;
  }
  const [low, high] = [Math.min(0, ...row), Math.max(0, ...row)];
  const scale = (high - low) / 255;
  if (!(scale > 0)) return row;
  const zeroPoint = Math.min(Math.max(Math.round(-128 - low / scale), -128), 127);
  return row.map((v) => (Math.min(Math.max(Math.round(v / scale) + zeroPoint, -128), 127) - zeroPoint) * scale);
}

export class Interpreter {
  private readonly reader: TfliteReader;
  private readonly model: Table<'Model'>;
  private readonly constants = new Map<Table<'Tensor'>, Value>();

  /**
   * @param isLiteral - Whether products with int8 weights quantize their activations in all loops.
   *   Otherwise those of a layer do if all of its weights are int8, as kinglet computes them.
   */
  constructor(bytes: Uint8Array, private readonly isLiteral = false) {
    this.reader = new TfliteReader(bytes);
    this.model = this.reader.model();
  }

  run(...inputs: Value[]): Value[] {
    return this.call(0, inputs) as Value[];
  }

  private call(index: number, inputs: Content[]): Content[] {
    const graph = this.model.subgraphs[index]!;
    const values = new Map<number, Content>(graph.inputs.map((tensor, i) => [tensor, inputs[i]!]));
    const get = (tensor: number): Content => {
      const value = values.get(tensor) ?? this.constant(graph.tensors[tensor]!);
      if (!value) throw new Error(`tensor ${tensor} "${graph.tensors[tensor]?.name}" has no value`);
      return value;
    };
    for (const operator of graph.operators) {
      const operands = operator.inputs.map((tensor) => (tensor < 0 ? undefined : get(tensor)));
      const results = this.compute(operator, operands as Content[], graph, index > 0);
      operator.outputs.forEach((tensor, i) => values.set(tensor, results[i]!));
    }
    return graph.outputs.map(get);
  }

  private constant(tensor: Table<'Tensor'>): Value | undefined {
    const bytes = Uint8Array.from(this.model.buffers[tensor.buffer]!.data).buffer;
    if (bytes.byteLength === 0) return undefined;
    const arrays = { FLOAT32: Float32Array, INT32: Int32Array, INT8: Int8Array };
    const raw = Array.from(new arrays[tensorTypes[tensor.type] as keyof typeof arrays](bytes));
    const { scale, zeroPoint } = tensor.quantization ?? { scale: [], zeroPoint: [] };
    const rowSize = raw.length / (tensor.shape[0] ?? 1);
    const of = (list: number[], i: number): number => list[list.length > 1 ? Math.floor(i / rowSize) : 0] ?? 0;
    const data = scale.length > 0 ? raw.map((v, i) => (v - of(zeroPoint, i)) * of(scale, i)) : raw;
    const value = this.constants.get(tensor) ?? { shape: tensor.shape, data };
    this.constants.set(tensor, value);
    return value;
  }

  private options(operator: Operator, table: TableName): Record<string, number> {
    if (!(table in tables)) throw new Error(table);
    return this.reader.table(table, operator.builtinOptions);
  }

  private compute(operator: Operator, operands: Content[], graph: SubGraph, isLoop: boolean): Content[] {
    const code = this.model.operatorCodes[operator.opcodeIndex]!;
    const builtin = operatorKinds[Math.max(code.deprecatedBuiltinCode, code.builtinCode)]!;
    const kind = builtin === 'CUSTOM' ? code.customCode : builtin;
    const [a, b, c, d] = operands as Value[];
    const list = (i: number): (Value | undefined)[] => {
      const content = operands[i]!;
      if (!isList(content)) throw new Error('not a list');
      return content;
    };
    const fused = (value: Value): Value =>
      each(fusedFunctions[this.options(operator, 'ActivationOptions').fusedActivationFunction!]!)(value);
    switch (kind) {
      case 'ADD':
        return [fused(broadcast(a!, b!, (p, q) => p + q))];
      case 'SUB':
        return [fused(broadcast(a!, b!, (p, q) => p - q))];
      case 'MUL':
        return [fused(broadcast(a!, b!, (p, q) => p * q))];
      case 'SQUARED_DIFFERENCE':
        return [broadcast(a!, b!, (p, q) => (p - q) ** 2)];
      case 'LESS':
        return [broadcast(a!, b!, (p, q) => Number(p < q))];
      case 'LOGICAL_AND':
        return [broadcast(a!, b!, (p, q) => p & q)];
      case 'LOGISTIC':
        return [each(logistic)(a!)];
      case 'TANH':
        return [each(Math.tanh)(a!)];
      case 'RELU':
        return [each((v) => Math.max(v, 0))(a!)];
      case 'RSQRT':
        return [each((v) => 1 / Math.sqrt(v))(a!)];
      case 'CAST':
      case 'FlexCast':
        return [a!];
      case 'SOFTMAX':
        return [softmax(a!)];
      case 'SHAPE':
        return [{ shape: [a!.shape.length], data: a!.shape }];
      case 'RESHAPE': {
        const known = b!.data.reduce((p, s) => (s < 0 ? p : p * s), 1);
        return [{ shape: b!.data.map((s) => (s < 0 ? a!.data.length / known : s)), data: a!.data }];
      }
      case 'EXPAND_DIMS':
        return [{ shape: a!.shape.toSpliced(b!.data[0]!, 0, 1), data: a!.data }];
      case 'PACK':
        return [{ shape: [operands.length], data: (operands as Value[]).flatMap(({ data }) => data) }];
      case 'FILL':
        return [{ shape: a!.data, data: new Array<number>(count(a!.data)).fill(b!.data[0]!) }];
      case 'TRANSPOSE':
        return [gather(b!.data.map((axis) => a!.shape[axis]!), a!, (index) => {
          const source: number[] = [];
          b!.data.forEach((axis, i) => (source[axis] = index[i]!));
          return source;
        })];
      case 'REVERSE_V2':
        return [
          gather(
            a!.shape,
            a!,
            (index) => index.map((i, axis) => (b!.data.includes(axis) ? a!.shape[axis]! - 1 - i : i)),
          ),
        ];
      case 'GATHER':
        return [
          gather(
            [...b!.shape, ...a!.shape.slice(1)],
            a!,
            (index) => [b!.data[b!.shape.length ? index[0]! : 0]!, ...index.slice(b!.shape.length)],
          ),
        ];
      case 'SLICE':
        return [
          gather(c!.data.map((s, i) => (s < 0 ? a!.shape[i]! - b!.data[i]! : s)), a!, (index) =>
            index.map((i, axis) =>
              i + b!.data[axis]!
            )),
        ];
      case 'STRIDED_SLICE':
        return [stridedSlice(a!, b!.data, c!.data, d!.data, this.options(operator, 'StridedSliceOptions'))];
      case 'SPLIT': {
        const axis = (a!.data[0]! + b!.shape.length) % b!.shape.length;
        const size = b!.shape[axis]! / operator.outputs.length;
        return operator.outputs.map((_, part) =>
          gather(b!.shape.with(axis, size), b!, (index) => index.map((i, n) => (n === axis ? i + part * size : i)))
        );
      }
      case 'CONCATENATION':
        return [concatenate(operands as Value[], this.options(operator, 'ConcatenationOptions').axis!)];
      case 'MEAN':
      case 'REDUCE_PROD':
        return [reduce(a!, b!.data, Boolean(this.options(operator, 'ReducerOptions').keepDims), kind === 'MEAN')];
      case 'FULLY_CONNECTED':
        return [this.fullyConnected(operator, operands as Value[], graph, isLoop)];
      case 'WHILE':
        return this.loop(operator, operands);
      case 'FlexTensorListReserve':
        return [new Array<undefined>(b!.data[0]!).fill(undefined)];
      case 'FlexTensorListFromTensor':
        return [
          Array.from({ length: a!.shape[0]! }, (_, i) => gather(a!.shape.slice(1), a!, (index) => [i, ...index])),
        ];
      case 'FlexTensorListGetItem':
        return [list(0)[b!.data[0]!]!];
      case 'FlexTensorListSetItem':
        return [list(0).with(b!.data[0]!, c)];
      case 'FlexTensorListStack': {
        const items = list(0) as Value[];
        return [{ shape: [items.length, ...items[0]!.shape], data: items.flatMap(({ data }) => data) }];
      }
      default:
        throw new Error(`the interpreter has no ${kind}`);
    }
  }

  private loop(operator: Operator, operands: Content[]): Content[] {
    const { condSubgraphIndex, bodySubgraphIndex } = this.options(operator, 'WhileOptions');
    let values = operands;
    while ((this.call(condSubgraphIndex!, values)[0] as Value).data[0] !== 0) {
      values = this.call(bodySubgraphIndex!, values);
    }
    return values;
  }

  private fullyConnected(operator: Operator, [x, w, b]: Value[], graph: SubGraph, isLoop: boolean): Value {
    const isInt8 = (source: Operator): boolean => tensorTypes[graph.tensors[source.inputs[1]!]!.type] === 'INT8';
    const products = graph.operators.filter(({ opcodeIndex }) => opcodeIndex === operator.opcodeIndex);
    const isHybrid = isInt8(operator) && (this.isLiteral || !isLoop || products.every(isInt8));
    const { fusedActivationFunction, asymmetricQuantizeInputs } = this.options(operator, 'FullyConnectedOptions');
    const [n, k] = w!.shape as [number, number];
    const data: number[] = [];
    for (let m = 0; m < x!.data.length / k; m++) {
      const row = x!.data.slice(m * k, (m + 1) * k);
      const used = isHybrid ? quantizeRow(row, Boolean(asymmetricQuantizeInputs)) : row;
      for (let j = 0; j < n; j++) data.push(used.reduce((sum, v, i) => sum + v * w!.data[j * k + i]!, b?.data[j] ?? 0));
    }
    return each(fusedFunctions[fusedActivationFunction!]!)({ shape: [x!.data.length / k, n], data });
  }
}

function softmax({ shape, data }: Value): Value {
  const width = shape.at(-1);
  const rows = Array.from({ length: data.length / width }, (_, i) => data.slice(i * width, (i + 1) * width));
  return {
    shape,
    data: rows.flatMap((row) => {
      const e = row.map((v) => Math.exp(v - Math.max(...row)));
      return e.map((v) => v / e.reduce((p, q) => p + q, 0));
    }),
  };
}

function concatenate(parts: Value[], axis: number): Value {
  const used = parts.filter(({ data }) => data.length > 0);
  const first = used[0]!;
  const dimension = (axis + first.shape.length) % first.shape.length;
  const outer = count(first.shape.slice(0, dimension));
  const data: number[] = [];
  for (let i = 0; i < outer; i++) {
    for (const part of used) {
      const size = part.data.length / outer;
      data.push(...part.data.slice(i * size, (i + 1) * size));
    }
  }
  return { shape: first.shape.with(dimension, used.reduce((sum, { shape }) => sum + shape[dimension]!, 0)), data };
}

function reduce(x: Value, axes: number[], isKept: boolean, isMean: boolean): Value {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const inner = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const data = Array.from(indices(kept), (index) => {
    const values = Array.from(indices(inner), (offset) => at(x, index.map((i, axis) => i + offset[axis]!)));
    return isMean ? values.reduce((p, q) => p + q, 0) / values.length : values.reduce((p, q) => p * q, 1);
  });
  return { shape: isKept ? kept : kept.filter((_, axis) => !axes.includes(axis)), data };
}

function stridedSlice(
  x: Value,
  begins: number[],
  ends: number[],
  strides: number[],
  { beginMask = 0, endMask = 0, shrinkAxisMask = 0 }: Record<string, number>,
): Value {
  const ranges = x.shape.map((size, axis) => {
    const isIndex = ((shrinkAxisMask >> axis) & 1) === 1;
    const wrap = (i: number): number => (i < 0 ? i + size : i);
    const isOpen = (mask: number): boolean => axis >= begins.length || ((mask >> axis) & 1) === 1;
    const begin = isOpen(beginMask) ? 0 : wrap(begins[axis]!);
    const end = isOpen(endMask) ? size : wrap(ends[axis]!);
    return {
      begin,
      stride: strides[axis] ?? 1,
      size: isIndex ? 1 : Math.ceil((end - begin) / (strides[axis] ?? 1)),
      isIndex,
    };
  });
  const { data } = gather(
    ranges.map(({ size }) => size),
    x,
    (index) => index.map((i, axis) => ranges[axis]!.begin + i * ranges[axis]!.stride),
  );
  return { shape: ranges.filter(({ isIndex }) => !isIndex).map(({ size }) => size), data };
}
