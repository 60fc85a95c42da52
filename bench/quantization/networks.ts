import { importModel, importTflite, wireStates, type Graph } from '../../src/compiler/index';
import type { Tensor } from '../../src/graph/graph';
import { parts, smooth, type Shared, type Values } from './inputs';

// The float32 networks of the optional folder, each with inputs.

/** A float32 network with inputs. */
export interface Network {
  name: string;
  graph: Graph;
  /** What the inputs are. */
  data: 'real data' | 'photographs' | 'speech' | 'smooth';
  /** Inputs of prediction i, or of consecutive predictions for a network with state. */
  sample: (i: number) => Sample;
  count: number;
  labels?: readonly number[];
}

export type Sample = Record<string, Values> | Record<string, Values>[];

interface Golden {
  model: string;
  inputs: { name: string; dtype: string; shape: number[] }[];
  cases: string[];
  states?: Record<string, string>;
}

const FRAMES = 12;
const COUNT = 400;

/** The networks of MLPerf Tiny and of an LSTM, in the order of the table. */
export function tinyNetworks(shared: Shared): Network[] {
  const graphOf = (name: string): Graph => importTflite(shared.bytes('models', `${name}.tflite`), { name });
  const only = (graph: Graph, values: Values): Record<string, Values> => ({ [graph.inputs[0]!.name]: values });
  const labelsOf = (data: string): number[] => shared.json<{ labels: number[] }>('data', data, 'labels.json').labels;
  // classes follow one another in some of the data
  const mixedOf = (count: number, i: number): number => (i * 387) % count;
  const mixed = (i: number): number => mixedOf(1000, i);
  const kws = graphOf('kws_dscnn_f32');
  const windows = parts(shared.bytes('data', 'kws01', 'features.bin'), 490);
  const { scale, zeroPoint } = importTflite(shared.bytes('models', 'kws_dscnn_int8.tflite')).inputs[0]!.quantization!;
  const ic = graphOf('ic_resnet8_f32');
  const pictures = parts(shared.bytes('data', 'cifar10', 'images.bin'), 3072);
  const vww = graphOf('vww_f32');
  const ad = graphOf('ad01_f32');
  const sound = new Float32Array(shared.bytes('data', 'toycar', 'normal_id_01_00000000_hist_librosa.bin').buffer);
  const digits = graphOf('lstm_mnist_f32');
  return [{
    name: 'kws_dscnn',
    graph: kws,
    data: 'real data',
    count: 1000,
    labels: Array.from({ length: 1000 }, (_, i) => labelsOf('kws01')[mixed(i)]!),
    sample: (i) =>
      only(kws, Float32Array.from(new Int8Array(windows[mixed(i)]!.buffer), (q) => scale[0]! * (q - zeroPoint[0]!))),
  }, {
    name: 'ic_resnet8',
    graph: ic,
    data: 'real data',
    count: 1000,
    labels: Array.from({ length: 1000 }, (_, i) => labelsOf('cifar10')[mixed(i)]!),
    sample: (i) => only(ic, Float32Array.from(pictures[mixed(i)]!)),
  }, {
    name: 'vww',
    graph: vww,
    data: 'photographs',
    count: COUNT,
    sample: (i) => only(vww, shared.photo(i, 96, 96, 3).map((value) => value / 255)),
  }, {
    name: 'ad01',
    graph: ad,
    data: 'real data',
    count: sound.length / 128 - 4,
    sample: (i) => only(ad, sound.slice(mixedOf(196, i) * 128, mixedOf(196, i) * 128 + 640)),
  }, {
    name: 'lstm_mnist',
    graph: digits,
    data: 'smooth',
    count: COUNT,
    sample: (i) => only(digits, smooth(digits.inputs[0]!, [0, 1], i)),
  }];
}

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array } as const;

/** The networks of other formats that are float32, with what could not be imported. */
export async function foreignNetworks(shared: Shared): Promise<Network[]> {
  const found: Network[] = [];
  for (const kind of ['onnx', 'tfjs', 'keras']) {
    for (const name of shared.names('formats', kind)) {
      if (name.startsWith('refuse')) continue;
      const network = await foreignNetwork(shared, kind, name);
      if (network) found.push(network);
    }
  }
  return found;
}

async function foreignNetwork(shared: Shared, kind: string, name: string): Promise<Network | undefined> {
  const golden = shared.json<Golden>('formats', kind, name, 'golden.json');
  const names = shared.names('formats', kind, name);
  const files = Object.fromEntries(names.map((file) => [file, shared.bytes('formats', kind, name, file)]));
  const isScalar = ({ dtype, shape }: Golden['inputs'][number]): boolean => dtype === 'int64' && shape.length === 0;
  const constants = Object
    .fromEntries(golden.inputs.filter(isScalar).map((port) => [port.name, { data: [16000], shape: [] }]));
  const options = { name, files, ...(Object.keys(constants).length > 0 && { constants }) };
  const shapes = shapesOption(kind, golden.inputs.filter((port) => !(port.name in constants)));
  // layers models of TensorFlow.js name inputs unlike their runtime, and leave no shape open
  const imported = await importModel(files[golden.model]!, { ...options, ...shapes }).catch(() =>
    importModel(files[golden.model]!, options)
  );
  if (isQuantized(imported)) return undefined;
  const graph = golden.states ? wireStates(imported, golden.states) : imported;
  const ranges = rangesOf(golden, files);
  // some formats name inputs otherwise than their runtimes
  const portOf = (tensor: Tensor): string =>
    ranges.has(tensor.name) ? tensor.name : golden.inputs[graph.inputs.indexOf(tensor)]!.name;
  const isImage = (tensor: Tensor): boolean => sidesOf(tensor) !== undefined;
  const data = dataOf(graph, isImage);
  const valuesOf = (tensor: Tensor, i: number): Values => {
    const [low, high] = ranges.get(portOf(tensor))!;
    const sides = data === 'photographs' ? sidesOf(tensor) : undefined;
    if (sides) {
      const pixels = shared.photo(i, sides.height, sides.width, sides.channels).map((v) =>
        low + (high - low) * v / 255
      );
      return sides.isFirst ? channelsFirst(pixels, sides) : pixels;
    }
    if (data === 'speech') {
      const length = tensor.shape.reduce((a, b) => a * b, 1);
      return shared.speech(length, i * 3).map((v) => (high > 2 ? v * high : v));
    }
    return smooth(tensor, [low, high], i + 1);
  };
  const at = (i: number): Record<string, Values> =>
    Object.fromEntries(graph.inputs.map((tensor) => [tensor.name, valuesOf(tensor, i)]));
  const sample = (i: number): Sample =>
    golden.states ? Array.from({ length: FRAMES }, (_, step) => at(i * FRAMES + step)) : at(i);
  return { name, graph, data, count: COUNT, sample };
}

/** Shapes of inputs, for formats that leave them open. An empty name is that of the only input. */
function shapesOption(kind: string, inputs: Golden['inputs']): { shapes?: Record<string, number[]> } {
  if (kind === 'keras') return {};
  const nameOf = (name: string): string => (kind === 'tfjs' && inputs.length === 1 ? '' : name);
  return { shapes: Object.fromEntries(inputs.map(({ name, shape }) => [nameOf(name), shape])) };
}

function isQuantized(graph: Graph): boolean {
  return graph.nodes.some((node) =>
    [...node.inputs, ...node.outputs].some((tensor) => tensor?.dtype === 'int8' || tensor?.dtype === 'uint8')
  );
}

interface Sides {
  height: number;
  width: number;
  channels: number;
  isFirst: boolean;
}

/** The sides of an image of color or gray values; undefined for other inputs. */
function sidesOf({ shape, dtype }: Tensor): Sides | undefined {
  if (shape.length !== 4 || dtype !== 'float32') return undefined;
  const [, a, b, c] = shape as [number, number, number, number];
  const isColor = (channels: number): boolean => channels === 3 || channels === 1;
  if (isColor(c) && a >= 16 && b >= 16) return { height: a, width: b, channels: c, isFirst: false };
  if (isColor(a) && b >= 16 && c >= 16) return { height: b, width: c, channels: a, isFirst: true };
  return undefined;
}

function channelsFirst(pixels: Float32Array, { height, width, channels }: Sides): Float32Array {
  const out = new Float32Array(pixels.length);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) out[c * height * width + i] = pixels[i * channels + c]!;
  }
  return out;
}

function dataOf({ name, inputs }: Graph, isImage: (tensor: Tensor) => boolean): Network['data'] {
  if (inputs.some(isImage)) return 'photographs';
  return /silero|crepe|basic_pitch/.test(name) ? 'speech' : 'smooth';
}

/** The range of each input in the cases with real data, or else in all. */
function rangesOf(
  { inputs, cases }: Golden,
  files: Record<string, Uint8Array<ArrayBuffer>>,
): Map<string, [number, number]> {
  const real = cases.filter((name) => !name.startsWith('random'));
  const ranges = new Map<string, [number, number]>();
  for (const example of real.length > 0 ? real : cases) {
    let at = 0;
    for (const { name, dtype, shape } of inputs) {
      const type = arrays[dtype as keyof typeof arrays];
      const size = shape.reduce((a, b) => a * b, type.BYTES_PER_ELEMENT);
      const values = Array.from(
        new type(files[`${example}.in.bin`]!.slice(at, at += size).buffer) as Iterable<number>,
        Number,
      );
      const [low, high] = ranges.get(name) ?? [Infinity, -Infinity];
      ranges.set(name, [values.reduce((a, b) => Math.min(a, b), low), values.reduce((a, b) => Math.max(a, b), high)]);
    }
  }
  return ranges;
}
