import { checkObject } from '../../arguments';
import { checkSamples } from '../check';
import { Reference, type Comparison, type OutputComparison } from '../compare';
import { compile } from '../compile';
import type { AnyNode, Graph } from '../../graph/graph';
import { isRepeatable } from './keptSamples';
import type { Sample, Samples } from './observe';
import { ASKED } from './choose';
import { planQuantization } from './plan';
import type { QuantizeOptions } from './options';
import { prepare, quantizePrepared, type Prepared } from './prepare';
import { quantizeKept, type AutoKept } from './keepAuto';
import { affordableSamples } from './work';
import { ruleOf } from './rules';
import { tensorErrors, type TensorError } from './tensorErrors';

export interface QuantizationReportOptions extends QuantizeOptions {
  /**
   * Inputs on which the networks are compared; best are some that `samples` does not contain
   * (default: `samples`).
   */
  test?: Samples;
}

/** The error of one output between two networks. */
export type OutputError = Pick<OutputComparison, 'name' | 'agreement' | 'sqnr' | 'cosine'>;

/** What quantization does to one layer, and the layer to the outputs. */
export interface LayerError {
  /** Name and operator of the node. */
  name: string;
  op: string;
  /** Bits of the weights; absent for layers without. */
  weightBits?: number;
  /**
   * The error of the outputs if only this layer is quantized, with its inputs and outputs: its own
   * contribution.
   */
  alone: OutputError[];
  /** The least SQNR of `alone`, in decibels, by which layers are sorted. */
  sqnr: number;
}

/** A layer that stays float32, and why. */
export interface FloatLayer {
  name: string;
  op: string;
  /**
   * `kept`: by name, or because int8 would ruin it. `operator`: it has no int8 form. `neighbors`:
   * it only moves float values.
   */
  reason: 'kept' | 'operator' | 'neighbors';
  /** Why `quantize` kept a node of itself, in words. */
  why?: string;
}

/** A change that was tried: everything quantized but one layer. */
export interface QuantizationAdvice {
  /** The layer to keep in float32. */
  keep: string;
  outputs: OutputError[];
  /** How much the least SQNR of the outputs grows, in decibels. */
  gain: number;
  /** By how much the least agreement of the outputs grows, −1 to 1; absent without class scores. */
  agreementGain?: number;
  /** How much larger the file becomes, in bytes. */
  bytes: number;
}

/** What was quantized, and what it cost. */
export interface QuantizationReport {
  /** The int8 network, as `quantize` returns it. */
  graph: Graph;
  /** How the outputs of the int8 network differ from those of the float one. */
  comparison: Comparison;
  /** The quantized layers, those with the largest errors first. */
  layers: LayerError[];
  floatLayers: FloatLayer[];
  /** The tensors in the order of the network. */
  tensors: TensorError[];
  /** Changes that help, the best first. */
  advice: QuantizationAdvice[];
  /** Number of samples behind `layers`, `tensors` and `advice`. */
  measured: number;
  /** What `keep: 'auto'` kept; absent without. */
  auto?: AutoKept;
}

/** Multiply-adds that the measurements by layer may take, and the samples that they run. */
const MEASURING = { least: 4, most: 32, work: 2e10 };
/** The layers with the largest errors of which it is tried what keeping them in float32 gives. */
const MOST_ADVICE = 5;
/**
 * Advice must improve the SQNR by this many decibels, or the agreement by this fraction without
 * lowering the SQNR.
 */
const LEAST_GAIN = 0.5;
const LEAST_AGREEMENT = 0.01;

/**
 * Quantizes a network as `quantize` does and measures what that costs: how the outputs differ, the
 * error that each layer adds by itself, the error that has arrived at each tensor, and what keeping
 * a layer in float32 would gain.
 *
 * The measurements by layer compile and run variants of the network, with weights rounded to the
 * nearest step, on up to 32 samples, fewer for large networks. Of large tensors they see 4,096
 * elements, so that they need little more memory than a prediction.
 *
 * @param graph a float32 network
 * @param options those of `quantize`; `onProgress` also reports the stages `comparing`, `measuring
 *   layers`, `measuring tensors` and `trying advice`
 * @returns the int8 network and the measurements: SQNR in decibels (Infinity without error), the
 *   cosine, and for class scores the fraction of the samples with the same best class
 * @throws KletError as `quantize` and `compare`
 * @example
 * ```js
 * const b = new GraphBuilder('larger'), x = b.input('x', [1, 2]);
 * const w = b.constant(new Float32Array([1, 0, 0, 1, -1, -1]), [3, 2]);
 * const y = b.node('fullyConnected', [x, w, null], { activation: 'none' }, { name: 'y' });
 * const samples = [[0, 1], [1, 1], [0.3, 0.8]].map((sample) => new Float32Array(sample));
 * const { layers, tensors } = quantizationReport(b.finish([y]), { samples });
 * console.log(layers[0].name, layers[0].sqnr > 30, tensors[0].name); // y true x
 * ```
 */
export function quantizationReport(graph: Graph, options: QuantizationReportOptions): QuantizationReport {
  checkObject(options, 'the options of quantizationReport()');
  const { test, ...own } = options;
  if (test !== undefined) checkSamples(test, 'quantizationReport()');
  const given = checkedSamples(own.samples);
  const samples = test === undefined ? given : repeatable(test);
  const onProgress = own.onProgress?.bind(own);
  const { graph: int8, prepared, auto } = quantizeKept(prepare(graph, { ...own, samples: given }), own);
  const whole = new Reference(graph, samples);
  const comparison = finished(whole, () => {
    onProgress?.('comparing', 0);
    return whole.compare(int8);
  });
  const measure = new Measurement(prepared, samples, onProgress);
  return finished(measure, () => {
    const layers = measure.layers();
    return {
      graph: int8,
      comparison,
      layers,
      floatLayers: measure.floatLayers(),
      tensors: measure.tensors(int8),
      advice: measure.advice(layers),
      measured: measure.samples.length,
      ...(auto && { auto }),
    };
  });
}

function checkedSamples(samples: Samples): Samples {
  checkSamples(samples, 'quantizationReport()');
  return repeatable(samples);
}

/** Samples that can be iterated several times; those of a generator are collected. */
function repeatable(samples: Samples): Samples {
  return isRepeatable(samples) ? samples : [...samples];
}

function finished<T>(disposable: { dispose(): void }, action: () => T): T {
  try {
    return action();
  } finally {
    disposable.dispose();
  }
}

class Measurement {
  readonly samples: (Sample | readonly Sample[])[] = [];
  private readonly reference: Reference;
  private readonly rounded: AnyNode[];

  constructor(
    private readonly prepared: Prepared,
    samples: Samples,
    private readonly onProgress: QuantizationReportOptions['onProgress'],
  ) {
    const { graph, kept, ranges } = prepared;
    const { rules } = planQuantization(graph, ranges, new Set(kept.keys()));
    this.rounded = graph.nodes.filter((node) => rules(node) !== 'float' && rules(node) !== 'same');
    const wanted = affordableSamples(graph, this.rounded.length, MEASURING);
    for (const sample of samples) {
      if (this.samples.length === wanted) break;
      this.samples.push(sample);
    }
    this.reference = new Reference(graph, this.samples);
  }

  dispose(): void {
    this.reference.dispose();
  }

  layers(): LayerError[] {
    const names = this.prepared.graph.nodes.map(({ name }) => name);
    const found = this.rounded.map((node, i): LayerError => {
      this.onProgress?.('measuring layers', i, this.rounded.length);
      const alone = this.errorsWith(names.filter((name) => name !== node.name));
      const bits = ruleOf(node) === 'weights' ? { weightBits: this.prepared.bitsOf(node) } : {};
      return { name: node.name, op: node.op, ...bits, alone, sqnr: leastSqnr(alone) };
    });
    return found.sort((a, b) => a.sqnr - b.sqnr);
  }

  floatLayers(): FloatLayer[] {
    const { graph, kept, ranges } = this.prepared;
    const { rules } = planQuantization(graph, ranges, new Set(kept.keys()));
    const reasonOf = (node: AnyNode): FloatLayer['reason'] => {
      if (kept.has(node.name)) return 'kept';
      return ruleOf(node) === 'float' ? 'operator' : 'neighbors';
    };
    const whyOf = ({ name }: AnyNode): { why?: string } => {
      const why = kept.get(name);
      return why === undefined || why === ASKED ? {} : { why };
    };
    return graph.nodes.filter((node) => rules(node) === 'float').map((node) => ({
      name: node.name,
      op: node.op,
      reason: reasonOf(node),
      ...whyOf(node),
    }));
  }

  tensors(int8: Graph): TensorError[] {
    this.onProgress?.('measuring tensors', 0);
    return tensorErrors(this.prepared, int8, this.samples);
  }

  /** Tries to keep each of the worst layers in float32. */
  advice(layers: readonly LayerError[]): QuantizationAdvice[] {
    const int8 = quantizePrepared(this.prepared);
    const before = this.reference.compare(int8).outputs;
    const bytes = sizeOf(int8);
    const tried = layers.filter(({ sqnr }) => sqnr < Infinity).slice(0, MOST_ADVICE);
    return tried.map(({ name }, i): QuantizationAdvice => {
      this.onProgress?.('trying advice', i, tried.length);
      const variant = quantizePrepared(this.prepared, { kept: new Map([...this.prepared.kept, [name, '']]) });
      const { outputs } = this.reference.compare(variant);
      const agreements = [outputs, before].map(leastAgreement);
      return {
        keep: name,
        outputs: outputs.map(errorOf),
        gain: leastSqnr(outputs) - leastSqnr(before),
        ...(agreements[0] !== undefined && { agreementGain: agreements[0] - agreements[1]! }),
        bytes: sizeOf(variant) - bytes,
      };
    }).filter(({ gain, agreementGain = 0 }) => gain >= LEAST_GAIN || (gain >= 0 && agreementGain >= LEAST_AGREEMENT))
      .sort((a, b) => b.gain - a.gain);
  }

  private errorsWith(kept: readonly string[]): OutputError[] {
    const variant = quantizePrepared(this.prepared, { kept: new Map(kept.map((name) => [name, ''])) });
    return this.reference.compare(variant).outputs.map(errorOf);
  }
}

function errorOf({ name, agreement, sqnr, cosine }: OutputComparison): OutputError {
  return {
    name,
    ...(agreement !== undefined && { agreement }),
    ...(sqnr !== undefined && { sqnr }),
    ...(cosine !== undefined && { cosine }),
  };
}

/** The least SQNR of outputs; integers have none. */
function leastSqnr(outputs: readonly OutputError[]): number {
  return Math.min(...outputs.map(({ sqnr }) => sqnr ?? Infinity));
}

function leastAgreement(outputs: readonly OutputError[]): number | undefined {
  const known = outputs.flatMap(({ agreement }) => agreement ?? []);
  return known.length > 0 ? Math.min(...known) : undefined;
}

function sizeOf(graph: Graph): number {
  return compile(graph, { debugInfo: false }).length;
}
