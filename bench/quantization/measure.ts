import { compare, compile, importTflite, loadSync, quantize, readKlet, type Graph,
  type QuantizeOptions } from './kinglet';
import { quantizeKept } from '../../src/compiler/quantize/keepAuto';
import { prepare, quantizeFitted } from '../../src/compiler/quantize/prepare';
import { hardNetworks } from './hard';
import { Shared, type Values } from './inputs';
import { foreignNetworks, tinyNetworks, type Network, type Sample } from './networks';

export { Shared };

/** Samples for calibration. */
const CALIBRATION = 200;
const MOST_TESTED = 800;
/** Networks with more multiply-adds get fewer samples in the table of networks. */
const LARGE = 5e7;
const FEW = 40;
const SEEDS = [1, 2, 3, 4];

/** A table with a title. */
export interface Table {
  title: string;
  note: string;
  head: string[];
  rows: (string | number)[][];
}

type Options = Omit<QuantizeOptions, 'samples'>;

interface Split {
  samples: Sample[];
  test: Sample[];
  labels: number[] | undefined;
}

/** Samples for calibration, and others that are held out. */
function split({ count, sample, labels }: Network, most = MOST_TESTED): Split {
  const used = Math.min(CALIBRATION, Math.floor(count / 2));
  const all = Array.from({ length: Math.min(count, used + most) }, (_, i) => sample(i));
  return { samples: all.slice(0, used), test: all.slice(used), labels: labels?.slice(used, all.length) };
}

const quantized = (graph: Graph, samples: Sample[], options: Options = {}): Graph =>
  quantize(graph, { ...options, samples: samples as never });

function accuracy(network: Graph, test: Sample[], labels: readonly number[]): number {
  const model = loadSync(compile(network));
  const right = test.filter((sample, i) => {
    const scores = Array.from(model.predict(sample as Record<string, Values>) as Float32Array);
    return scores.indexOf(Math.max(...scores)) === labels[i];
  });
  model.dispose();
  return right.length / test.length;
}

const percent = (share: number): string => (100 * share).toFixed(2);
const decibels = (sqnr: number): string => (sqnr === Infinity ? '∞' : sqnr.toFixed(1));

/** The least agreement or SQNR of the outputs. */
function closeness(before: Graph, after: Graph, test: Sample[]): { agreement: number | undefined; sqnr: number } {
  const { outputs } = compare(before, after, test as never);
  const agreements = outputs.flatMap(({ agreement }) => agreement ?? []);
  return {
    agreement: agreements.length > 0 ? Math.min(...agreements) : undefined,
    sqnr: Math.min(...outputs.map(({ sqnr }) => sqnr ?? Infinity)),
  };
}

const closenessText = ({ agreement, sqnr }: ReturnType<typeof closeness>): string =>
  agreement === undefined ? `${decibels(sqnr)} dB` : `${percent(agreement)} %, ${decibels(sqnr)} dB`;

/** Networks of MLPerf Tiny at 8, 7 and 4 bits, and TensorFlow Lite's own int8 files. */
export function accuracyTable(shared: Shared): Table {
  const rows: Table['rows'] = [];
  for (const network of tinyNetworks(shared)) {
    const { samples, test, labels } = split(network);
    const rowOf = (what: string, graph: Graph): void => {
      rows.push([network.name, what, labels ? percent(accuracy(graph, test, labels)) : '',
        graph === network.graph ? '' : closenessText(closeness(network.graph, graph, test))]);
    };
    rowOf('float32', network.graph);
    const file = `${network.name}_int8.tflite`;
    if (shared.names('models').includes(file)) {
      const own = importTflite(shared.bytes('models', file));
      rows.push([network.name, 'int8 by TensorFlow Lite',
        labels ? percent(accuracy(renamed(own, network), test, labels)) : '',
        closenessText(closeness(network.graph, renamed(own, network), test))]);
    }
    const plain: Options = { calibration: 'minMax', equalize: false, rounding: 'nearest' };
    rowOf('8 bits, min-max, nearest', quantized(network.graph, samples, plain));
    for (const weightBits of [8, 7, 4] as const) {
      rowOf(`${weightBits} bits`, quantized(network.graph, samples, { weightBits }));
      if (weightBits < 8) {
        rowOf(`${weightBits} bits, nearest`, quantized(network.graph, samples, { weightBits, rounding: 'nearest' }));
      }
    }
    if (labels) { for (const row of rows) if (row[0] === network.name) console.error(row.join('  ')); }
  }
  return {
    title: 'Against float32 and TensorFlow Lite',
    note: 'Accuracy in percent; agreement with float32 and SQNR on held-out inputs.',
    head: ['network', 'weights', 'accuracy', 'like float32'],
    rows,
  };
}

/** The network with the names of another one's inputs. */
function renamed(graph: Graph, { graph: { inputs } }: Network): Graph {
  graph.inputs.forEach((tensor, i) => {
    tensor.name = inputs[i]!.name;
  });
  return graph;
}

/** Every float32 network, with default options and with `keep: 'auto'`. */
export async function networksTable(shared: Shared, wanted?: string): Promise<Table> {
  const rows: Table['rows'] = [];
  const all = [...tinyNetworks(shared), ...await foreignNetworks(shared)];
  const chosen = all.filter(({ name }) => !wanted || name.includes(wanted));
  const sizes = new Map(chosen.map((network) => [network, macsOf(network.graph)]));
  for (const network of chosen.sort((a, b) => sizes.get(a)! - sizes.get(b)!)) {
    const { graph, data } = network;
    const isLarge = sizes.get(network)! > LARGE;
    const { samples, test } = split(network, isLarge ? FEW : 200);
    const used = samples.slice(0, isLarge ? FEW : CALIBRATION);
    try {
      const start = performance.now();
      const plain = quantized(graph, used);
      const between = performance.now();
      const options = { samples: used as never, keep: 'auto' as const };
      const { graph: kept, auto } = quantizeKept(prepare(graph, options), {});
      const end = performance.now();
      const layers = auto!.layers.map(({ name, as }) => `${shorten(name)}${as === 'int16' ? ' (16 bits)' : ''}`);
      const listed = layers.length > 4
        ? `${layers.slice(0, 3).join(', ')} and ${layers.length - 3} more`
        : layers.join(', ');
      rows.push([network.name, data, graph.nodes.length, closenessText(closeness(graph, plain, test)),
        layers.length === 0 ? '' : closenessText(closeness(graph, kept, test)), layers.length, listed,
        ((between - start) / 1000).toFixed(1), ((end - between) / 1000).toFixed(1)]);
    } catch (error) {
      rows.push([network.name, data, graph.nodes.length, `refused: ${(error as Error).message.slice(0, 90)}`, '', '',
        '', '', '']);
    }
    console.error(rows.at(-1)!.join('  '));
  }
  return {
    title: 'Networks',
    note: 'Agreement of the best class with float32 (for vectors), and the least SQNR of the outputs.',
    head: ['network', 'inputs', 'nodes', 'default', 'keep auto', 'kept', 'layers', 's', 's, auto'],
    rows,
  };
}

function shorten(name: string): string {
  const first = name.split(';')[0]!;
  return first.length > 28 ? `…${first.slice(-27)}` : first;
}

function macsOf(graph: Graph): number {
  return readKlet(compile(graph)).debugInfo!.records.reduce((sum, { macs }) => sum + macs, 0);
}

const PLAIN: Options = { calibration: 'minMax', equalize: false, rounding: 'nearest' };

/** Every rung by itself, all together, and what each adds to all others. */
const rungs: [name: string, options: Options][] = [['calibration', { ...PLAIN, calibration: 'auto' }], ['equalization',
  { ...PLAIN, equalize: true }], ['fitting', { ...PLAIN, rounding: 'fitted' }], ['all', {}], ['all but calibration', {
  calibration: 'minMax',
}], ['all but equalization', { equalize: false }], ['all but fitting', { rounding: 'nearest' }]];

/** What each rung gains on networks that are hard on purpose. */
export function rungsTable(bits: 8 | 4, wanted = ''): Table {
  const rows = hardNetworks.filter(({ name }) => name.includes(wanted))
    .map(({ name, graph, inputs, usual = inputs }) => {
      const gains = rungs.map(() => [] as number[]);
      const base: number[] = [];
      for (const seed of SEEDS) {
        const network = graph(seed);
        const [samples, test] = [inputs(160, seed), usual(100, seed + 1000)] as [never[], never[]];
        const sqnrOf = (options: Options): number =>
          Math.min(90, closeness(network, quantized(network, samples, { ...options, weightBits: bits }), test).sqnr);
        const plain = sqnrOf(PLAIN);
        base.push(plain);
        rungs.forEach(([, options], i) => gains[i]!.push(sqnrOf(options) - plain));
      }
      const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
      const row = [name, mean(base).toFixed(1),
        ...gains.map((values) => `${mean(values).toFixed(1)} (${Math.min(...values).toFixed(1)})`)];
      console.error(row.join('  '));
      return row;
    });
  return {
    title: `Rungs, weights of ${bits} bits`,
    note: `SQNR in dB of min-max calibration with weights rounded to the nearest step, and what is gained: the mean of `
      + `${SEEDS.length} networks, and the least in brackets.`,
    head: ['network', 'plain', ...rungs.map(([name]) => name)],
    rows,
  };
}

/** Time and memory of quantizing a network for images of 224 × 224, relative to running it. */
export async function costTable(shared: Shared, images: number): Promise<Table> {
  const network = (await foreignNetworks(shared)).find(({ name }) => name === 'nsfwjs_mobilenet_v2')!;
  const { graph } = network;
  const samples = Array.from({ length: images }, (_, i) => network.sample(i));
  const model = loadSync(compile(graph));
  const seconds = (action: () => unknown): [seconds: number, mebibytes: number] => {
    const before = process.cpuUsage();
    const memory = process.memoryUsage();
    const held = action();
    const { user, system } = process.cpuUsage(before);
    const after = process.memoryUsage();
    const grown = after.external + after.heapUsed - memory.external - memory.heapUsed;
    return held === undefined ? [(user + system) / 1e6, 0] : [(user + system) / 1e6, grown / 2 ** 20];
  };
  const [plain] = seconds(() => samples.forEach((sample) => void model.predict(sample as never)));
  const rows: Table['rows'] = [['running the float32 network', plain.toFixed(1), '1']];
  const measured: [string, Options][] = [['calibration minMax, no equalization', {
    calibration: 'minMax',
    equalize: false,
  }], ['calibration auto, no equalization', { equalize: false }], ['calibration auto and equalization', {}]];
  for (const [name, options] of measured) {
    const [time] = seconds(() => prepare(graph, { ...options, samples: samples as never }));
    rows.push([name, time.toFixed(1), (time / plain).toFixed(1)]);
    console.error(rows.at(-1)!.join('  '));
  }
  const prepared = prepare(graph, { samples: samples as never });
  const [fitting] = seconds(() => quantizeFitted(prepared, {}));
  rows.push(['fitting the weights, in addition', fitting.toFixed(1), (fitting / plain).toFixed(1)]);
  const memory = model.memory.total / 2 ** 20;
  model.dispose();
  return {
    title: 'Cost',
    note: `MobileNet v2, 224 × 224 pixels, ${images} images, in seconds of the processor, and relative to the first `
      + `row. The float32 network itself needs ${memory.toFixed(1)} MiB; largest resident size of this process `
      + `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB.`,
    head: ['stage', 's', 'relative'],
    rows,
  };
}
