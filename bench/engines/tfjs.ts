import type { AnyNode, Tensor } from '../../src/graph/graph';
import type { FusedActivation, Padding, Pair } from '../../src/graph/operators';
import { unpackGraph } from '../networks/pack';
import { addScript, type Engine, type Values } from '../stand/engine';

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}
type Pad = 'valid' | [Pair, Pair, Pair, Pair];
interface Fused {
  x: TfTensor;
  filter: TfTensor;
  strides: Pair;
  pad: Pad;
  dilations: Pair;
  bias?: TfTensor;
  activation: string;
}
interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(values: Values, shape: number[], dtype?: string): TfTensor;
  tidy<T>(work: () => T): T;
  fused: { conv2d(options: Fused): TfTensor; depthwiseConv2d(options: Fused): TfTensor;
    matMul(options: { a: TfTensor; b: TfTensor; transposeB: boolean; bias?: TfTensor; activation: string }): TfTensor };
  avgPool: (x: TfTensor, size: Pair, strides: Pair, pad: Pad | 'same') => TfTensor;
  maxPool: (x: TfTensor, size: Pair, strides: Pair, pad: Pad | 'same') => TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  relu6(x: TfTensor): TfTensor;
  mean(x: TfTensor, axes: number[], keepDims: boolean): TfTensor;
  pad(x: TfTensor, paddings: Pair[], value: number): TfTensor;
  reshape(x: TfTensor, shape: number[]): TfTensor;
  softmax(x: TfTensor): TfTensor;
  wasm: { setWasmPaths(path: string): void; setThreadsCount(count: number): void };
}

/**
 * @tensorflow/tfjs-backend-wasm: the network built from its operators, with every fusion that it
 *   supports.
 */
export const tfjs: Engine = async (file, values, { library, threads }) => {
  const folder = `${library}@tensorflow/`;
  for (const script of ['tfjs-core/dist/tf-core.min.js', 'tfjs-backend-cpu/dist/tf-backend-cpu.min.js',
    'tfjs-backend-wasm/dist/tf-backend-wasm.min.js']) await addScript(folder + script);
  const { tf } = globalThis as unknown as { tf: Tf };
  const graph = unpackGraph(file);
  return async () => {
    tf.wasm.setWasmPaths(`${folder}tfjs-backend-wasm/dist/`);
    tf.wasm.setThreadsCount(threads);
    if (!await tf.setBackend('wasm')) throw new Error('the backend "wasm" does not start');
    await tf.ready();
    const steps = graph.nodes.map((node) => stepOf(tf, node));
    let outputs: Values[] = [];
    return {
      run: () =>
        tf.tidy(() => {
          const known = new Map<Tensor,
            TfTensor>(graph.inputs.map((tensor, i) => [tensor, tf.tensor(values[i]!, tensor.shape)]));
          graph.nodes.forEach((node, i) =>
            known.set(node.outputs[0]!, steps[i]!((index) => known.get(node.inputs[index]!)!))
          );
          outputs = graph.outputs.map((tensor) => known.get(tensor)!.dataSync());
        }),
      outputs: () => outputs,
    };
  };
};

type Step = (input: (index: number) => TfTensor) => TfTensor;

const activations: Partial<Record<FusedActivation, string>> = { none: 'linear', relu: 'relu', relu6: 'relu6' };

/** Turns a node into a function; its constants are uploaded to the backend here. */
function stepOf(tf: Tf, node: AnyNode): Step {
  const activationOf = (activation: FusedActivation): string => {
    const name = activations[activation];
    if (!name) throw new Error(`${node.op} with ${activation} is not built here`);
    return name;
  };
  const constant = (tensor: Tensor, shape = tensor.shape, data = tensor.data): TfTensor => {
    if (!data || data instanceof Int16Array || data instanceof Float64Array) {
      throw new Error(`${node.op} "${node.name}": an input must be constant and of a type supported here`);
    }
    return tf.tensor(data, shape);
  };
  const bias = node.inputs[2] ? { bias: constant(node.inputs[2]) } : {};
  switch (node.op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const { stride: strides, dilation: dilations, padding, activation } = node.attributes;
      const weights = node.inputs[1]!;
      const common = { strides, dilations, pad: explicit(padding), activation: activationOf(activation), ...bias };
      if (node.op === 'conv2d') {
        const [co, kh, kw, ci] = weights.shape as [number, number, number, number];
        if (node.attributes.groups !== 1) throw new Error('grouped convolutions are not built here');
        const filter = constant(weights, [kh, kw, ci, co], transposed(weights.data as Float32Array, co, kh * kw * ci));
        return (input) => tf.fused.conv2d({ x: input(0), filter, ...common });
      }
      const [, kh, kw, co] = weights.shape as [number, number, number, number];
      const ci = node.inputs[0]!.shape[3]!;
      const filter = constant(weights, [kh, kw, ci, co / ci]);
      return (input) => tf.fused.depthwiseConv2d({ x: input(0), filter, ...common });
    }
    case 'fullyConnected': {
      const [n, k] = node.inputs[1]!.shape as [number, number];
      const b = constant(node.inputs[1]!, [k, n], transposed(node.inputs[1]!.data as Float32Array, n, k));
      const activation = activationOf(node.attributes.activation);
      return (input) => tf.fused.matMul({ a: input(0), b, transposeB: false, activation, ...bias });
    }
    case 'averagePool2d':
    case 'maxPool2d': {
      const { kernel, stride, padding } = node.attributes;
      const pool = node.op === 'maxPool2d' ? tf.maxPool : tf.avgPool;
      const after = unary(tf, activationOf(node.attributes.activation));
      const pad = padding.every((p) => p === 0) ? 'valid' : 'same'; // importers make only these two paddings for pools
      return (input) => after(pool(input(0), kernel, stride, pad));
    }
    case 'binary': {
      const { kind } = node.attributes;
      const after = unary(tf, activationOf(node.attributes.activation));
      if (kind !== 'add' && kind !== 'sub' && kind !== 'mul') throw new Error(`${kind} is not built here`);
      const constants = node.inputs.map((tensor) => (tensor?.data ? constant(tensor) : undefined));
      return (input) => after(tf[kind](constants[0] ?? input(0), constants[1] ?? input(1)));
    }
    case 'unary': {
      const apply = unary(tf, activationOf(node.attributes.kind as FusedActivation));
      return (input) => apply(input(0));
    }
    case 'reduce': {
      const { kind, axes } = node.attributes;
      const keep = node.outputs[0]!.shape.length === node.inputs[0]!.shape.length;
      return kind === 'mean' ? (input) => tf.mean(input(0), axes, keep) : unknown(kind);
    }
    case 'pad': {
      const { before, after, mode, value } = node.attributes;
      return mode === 'constant'
        ? (input) => tf.pad(input(0), before.map((b, i): Pair => [b, after[i]!]), value)
        : unknown(`pad ${mode}`);
    }
    case 'reshape':
      return (input) => tf.reshape(input(0), node.outputs[0]!.shape);
    case 'softmax':
      return node.attributes.beta === 1 ? (input) => tf.softmax(input(0)) : unknown('softmax with beta');
    default:
      return unknown(node.op);
  }
}

function unary(tf: Tf, kind: string): (x: TfTensor) => TfTensor {
  if (kind === 'relu') return (x) => tf.relu(x);
  if (kind === 'relu6') return (x) => tf.relu6(x);
  return (x) => x;
}

function unknown(what: string): never {
  throw new Error(`${what} is not built here`);
}

function explicit([top, left, bottom, right]: Padding): Pad {
  return top + left + bottom + right === 0 ? 'valid' : [[0, 0], [top, bottom], [left, right], [0, 0]];
}

/** [rows][columns] → [columns][rows] */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return out;
}
