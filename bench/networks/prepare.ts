import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile, importTflite, readKlet, type Graph } from '../../src/compiler/index';
import type { Attributes, OperatorName } from '../../src/graph/operators';
import { GraphBuilder } from '../../src/ops/builder';
import { TfliteReader } from '../../src/importers/tflite/reader';
import { tensorTypes } from '../../src/importers/tflite/schema';
import { loadSync } from '../../src/index';
import { Random } from '../../test/helpers/random';
import type { Task, Values } from '../stand/stand';
import { floatTwin, realValues } from './floatTwin';
import { toOnnx } from './onnx';
import { packGraph } from './pack';
import { prunedTflite, type Pruning } from './pruned';

/**
 * A network before preparation: a .tflite or .klet file, optionally with its float network.
 */
export interface Source {
  name: string;
  tflite?: Uint8Array;
  klet?: Uint8Array;
  /** The float32 origin of a quantized network, as a .tflite file or a chain of layers. */
  twin?: Uint8Array | LayerChain;
  /** How to prune the .tflite file before use. */
  prune?: Pruning;
  /** Whether to prepare the compact form too. */
  compact?: boolean;
}

export interface LayerChain {
  name: string;
  input: { name: string; shape: number[] };
  output: { name: string };
  layers: { name: string; op: OperatorName; attributes: Attributes[OperatorName]; weights?: Constant;
    bias?: Constant }[];
}
interface Constant {
  shape: number[];
  data: Float32Array;
}

/**
 * Forms of a network that engines read: .klet, compact .klet, TensorFlow Lite, ONNX, and a packed
 * graph. The last two are float32.
 */
export type Form = 'klet' | 'compact' | 'tflite' | 'onnx' | 'graph';

export interface Network {
  name: string;
  macs?: number;
  /** The file's name, or the reason why there is none. */
  files: Record<Form, { file: string } | { refusal: string }>;
  /**
   * Inputs in the network's own types, and the same inputs as real numbers for the float32 form.
   */
  inputs: { own: Task['inputs']; float: Task['inputs'] };
  quantized: boolean;
  /** Whether the network is hybrid: float32 with activations that are quantized at run time. */
  hybrid: boolean;
  /** Outputs of the float32 form, computed by kinglet. */
  floatAnswers?: number[][];
}

/**
 * Amplitudes of the noise inputs. Full noise saturates softmax at 0 and 1, where engines agree
 * easily, so there are fainter inputs too.
 */
const CONTRASTS = [1, 0.3, 0.1, 0.03];

interface Port {
  dtype: 'float32' | 'int8' | 'uint8' | 'int32';
  shape: number[];
  scale?: number;
  zeroPoint?: number;
}

/**
 * Writes every possible form of a network into a folder, with seeded inputs.
 */
export function prepare(given: Source, folder: string): Network {
  const source = given.prune && given.tflite ? { ...given, tflite: prunedTflite(given.tflite, given.prune) } : given;
  const { name } = source;
  const save = (ending: string, bytes: Uint8Array): { file: string } => {
    writeFileSync(path.join(folder, `${name}.${ending}`), bytes);
    return { file: `${name}.${ending}` };
  };
  const attempt = (work: () => { file: string }): { file: string } | { refusal: string } => {
    try {
      return work();
    } catch (error) {
      return { refusal: (error as Error).message.replaceAll('\n', ' ').replace(/^network: /, '') };
    }
  };
  let macs: number | undefined;
  let float: Graph | undefined;
  let hybrid = false;
  const files: Network['files'] = {
    tflite: attempt(() => save('tflite', source.tflite ?? missing(`there is no .tflite file of ${name}`))),
    klet: attempt(() => {
      const graph = source.tflite && importTflite(source.tflite);
      const full = source.klet ?? compile(graph!);
      hybrid = graph?.nodes.some(({ attributes }) => 'hybrid' in attributes) ?? false;
      macs = readKlet(full).debugInfo?.records.reduce((sum, record) => sum + record.macs, 0);
      return save('klet', source.klet ?? compile(graph!, { debugInfo: false }));
    }),
    compact: attempt(() =>
      save(
        'compact.klet',
        source.compact && source.tflite
          ? compile(importTflite(source.tflite), { debugInfo: false, compact: true })
          : missing('its compact form is not asked for'),
      )
    ),
    graph: attempt(() => {
      float = floatGraph(source);
      return save('graph', packGraph(float));
    }),
    onnx: attempt(() => save('onnx', toOnnx(float ?? missing('there is no float32 network of it')))),
  };
  const ports = source.klet ? readKlet(source.klet).meta.inputs as Port[] : portsOf(source.tflite!);
  const quantized = ports.some(({ dtype }) => dtype !== 'float32');
  const twinPorts = source.twin instanceof Uint8Array && !quantized ? portsOf(source.twin) : ports;
  // a network and its float twin get the same noise
  const raw = CONTRASTS.map((contrast, set) =>
    twinPorts.map((port, i) => noise(port, contrast, new Random(16 * set + i + 1)))
  );
  const real = raw.map((values) => values.map((array, i) => realOf(array, twinPorts[i]!)));
  const own = quantized ? raw : real;
  const network: Network = {
    name,
    files,
    quantized,
    hybrid,
    ...(macs !== undefined && { macs }),
    inputs: { own: saveInputs('in', own), float: saveInputs('f32.in', real) },
  };
  if (float) network.floatAnswers = answersOf(float, real);
  return network;

  function saveInputs(ending: string, sets: Values[][]): Task['inputs'] {
    const { file } = save(
      ending,
      Buffer
        .concat(sets.flat().map(({ buffer, byteOffset, byteLength }) =>
          new Uint8Array(buffer, byteOffset, byteLength)
        )),
    );
    return {
      file,
      tensors: sets[0]!.map((array) => ({ dtype: dtypeOf(array), count: array.length })),
      sets: sets.length,
    };
  }
}

/**
 * All outputs for each set of inputs, computed by kinglet. The first set runs last, as in a stand.
 */
function answersOf(graph: Graph, sets: Float32Array[][]): number[][] {
  const model = loadSync(compile(graph));
  const { inputs, outputs } = model;
  const answers = [...sets.slice(1), sets[0]!].flatMap((values) => {
    const answer = model.predict(Object.fromEntries(inputs.map(({ name }, i) => [name, values[i]!])));
    return outputs.length === 1 ? [Array.from(answer)] : outputs.map(({ name }) => Array.from(answer[name]!));
  });
  model.dispose();
  return answers;
}

function missing(reason: string): never {
  throw new Error(reason);
}

/** The network in float32: its twin if there is one, otherwise its dequantized form. */
function floatGraph({ tflite, twin }: Source): Graph {
  if (twin && !(twin instanceof Uint8Array)) return chainGraph(twin);
  if (!tflite) throw new Error('there is no float32 network of it');
  const graph = importTflite(tflite);
  const isFloat = graph.inputs.every(({ dtype }) => dtype === 'float32');
  return floatTwin(isFloat || !twin ? graph : importTflite(twin));
}

function chainGraph({ name, input, output, layers }: LayerChain): Graph {
  const builder = new GraphBuilder(name);
  let x = builder.input(input.name, input.shape);
  layers.forEach((layer, i) => {
    const constants = [layer.weights, layer.bias].flatMap((c) => (c ? [builder.constant(c.data, c.shape)] : []));
    x = builder.node(layer.op, [x, ...constants], layer.attributes, {
      name: i === layers.length - 1 ? output.name : layer.name,
    });
  });
  return builder.finish([x]);
}

/** Inputs of a .tflite file, also of one that kinglet cannot run. */
function portsOf(tflite: Uint8Array): Port[] {
  const { tensors, inputs } = new TfliteReader(tflite).model().subgraphs[0]!;
  return inputs.map((index) => {
    const { type, shape, quantization } = tensors[index]!;
    const dtype = tensorTypes[type]!.toLowerCase() as Port['dtype'];
    return {
      dtype,
      shape,
      ...(quantization?.scale.length && { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0] ?? 0 }),
    };
  });
}

/** Noise around zero with the amplitude `contrast`. */
function noise({ dtype, shape, zeroPoint = 0 }: Port, contrast: number, random: Random): Values {
  const length = shape.reduce((a, b) => a * b, 1);
  const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
  const step = (): number => Math.max(low, Math.min(high, zeroPoint + Math.round(contrast * random.int(-255, 255))));
  switch (dtype) {
    case 'int8':
      return Int8Array.from({ length }, step);
    case 'uint8':
      return Uint8Array.from({ length }, step);
    case 'float32':
      return Float32Array.from({ length }, () => contrast * random.between(-1, 1));
    default:
      return new Int32Array(length);
  }
}

function realOf(values: Values, { scale, zeroPoint = 0, shape }: Port): Float32Array {
  return realValues({
    data: values,
    shape,
    ...(scale !== undefined && { quantization: { scale: [scale], zeroPoint: [zeroPoint], axis: 0 } }),
  });
}

function dtypeOf(values: Values): Port['dtype'] {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Int8Array) return 'int8';
  return values instanceof Uint8Array ? 'uint8' : 'int32';
}
