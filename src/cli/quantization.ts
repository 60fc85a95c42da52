import { InvalidArgumentError, Option, type Command } from 'commander';
import { prunableLayerNames, quantizationReport, type ActivationBits, type CalibrationMethod, type Comparison,
  type Graph, type QuantizationReport, type QuantizeOptions, type WeightBits } from '../compiler/index';
import { KletError, type Preprocessing } from '../index';
import { collect, positiveNumber } from './args';
import { LayerFinder } from './layers';
import { samplesAdvice, type Samples } from './samples';
import { inline } from './text';

// The options of `convert` that make a float32 network int8.

/** What `--max-loss` allows: points of agreement, or decibels. */
export type MaxLoss = { points: number } | { decibels: number };

export interface QuantizationOptions {
  int8?: boolean;
  calibration?: CalibrationMethod | 'auto';
  weightBits?: Record<string, WeightBits>;
  activationBits?: Record<string, ActivationBits>;
  equalize?: boolean;
  rounding?: 'nearest' | 'fitted';
  keep?: string[];
  floatIo?: boolean;
  maxSamples?: number;
  maxLoss?: MaxLoss;
}

/** Stands for the layers that the outputs need in float32. */
const AUTO = 'auto';
/** The key of a value for all layers. */
const ALL = '';

export function addQuantizationOptions(command: Command): void {
  command.option('--int8', 'quantize a float32 network to int8; needs --samples');
  const methods = ['auto', 'minMax', 'percentile', 'mse', 'entropy'] satisfies (CalibrationMethod | 'auto')[];
  command
    .addOption(new Option(
      '--calibration <method>',
      'with --int8: how the ranges of activations are chosen (default: auto)',
    ).choices(methods));
  command.option(
    '--weight-bits <bits>',
    'with --int8: bits of the weights, 8, 7 or 4, or LAYER=4 for some layers (repeatable; default: 8)',
    collectWeightBits,
  );
  command.option(
    '--activation-bits <bits>',
    'with --int8: bits of the activations, 8 or 16, or LAYER=16 for some layers (repeatable; default: 8)',
    collectActivationBits,
  );
  command.option('--no-equalize', 'with --int8: do not make the ranges of channels between layers equal');
  command
    .addOption(new Option(
      '--rounding <how>',
      'with --int8: fit weights and biases to the samples, or round each weight to the nearest step (default: fitted)',
    ).choices(['fitted', 'nearest']));
  command.option(
    '--keep <layer>',
    'with --int8: keep this layer in float32: its name, a pattern such as *head*, or its number; auto keeps those that '
      + 'the outputs need, in float32 or with 16-bit activations (repeatable)',
    collect,
  );
  command.option('--float-io', 'with --int8: keep inputs and outputs float32');
  command.option('--max-samples <n>', 'use at most n samples, spread evenly over those given', positiveNumber);
  command.option(
    '--max-loss <loss>',
    'write nothing, with exit code 2, if more is lost on held-out samples: 0.5 or 0.5pt (points of the samples that '
      + 'get another best class), or 30dB (the least SQNR of the outputs)',
    parseMaxLoss,
  );
}

function collectWeightBits(text: string, before: Record<string, WeightBits> = {}): Record<string, WeightBits> {
  const [, layer = ALL, bits] = /^(?:(.+)=)?([874])$/s.exec(text) ?? [];
  if (bits === undefined) throw new InvalidArgumentError('It must be 8, 7 or 4, or LAYER=BITS.');
  return { ...before, [layer]: Number(bits) as WeightBits };
}

function collectActivationBits(
  text: string,
  before: Record<string, ActivationBits> = {},
): Record<string, ActivationBits> {
  const [, layer = ALL, bits] = /^(?:(.+)=)?(8|16)$/s.exec(text) ?? [];
  if (bits === undefined) throw new InvalidArgumentError('It must be 8 or 16, or LAYER=BITS.');
  return { ...before, [layer]: Number(bits) as ActivationBits };
}

function parseMaxLoss(text: string): MaxLoss {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*(pt|db|%)?$/i.exec(text) ?? [];
  if (number === undefined) {
    throw new InvalidArgumentError('It must be points, such as 0.5 or 0.5pt, or decibels, such as 30dB.');
  }
  return /db/i.test(unit) ? { decibels: Number(number) } : { points: Number(number) };
}

/** @throws KletError `BAD_ARGUMENT` for options that need others */
export function checkQuantizationOptions(
  options: QuantizationOptions & { samples?: string[]; json?: boolean; report?: string },
): void {
  const { int8, samples, maxSamples, maxLoss, report, json } = options;
  const needs = (given: Record<string, unknown>, wanted: string, why: string): void => {
    const stray = Object.entries(given).find(([, value]) => value !== undefined);
    if (stray) throw new KletError('BAD_ARGUMENT', `${stray[0]} needs ${wanted}, ${why}`);
  };
  if (!int8) {
    const given = {
      '--calibration': options.calibration,
      '--weight-bits': options.weightBits,
      '--activation-bits': options.activationBits,
      '--no-equalize': options.equalize === false ? true : undefined,
      '--rounding': options.rounding,
      '--keep': options.keep,
      '--float-io': options.floatIo,
      '--report': report,
      '--json': json,
    };
    needs(given, '--int8', 'which quantizes the network');
  }
  if (!samples) needs({ '--max-samples': maxSamples, '--max-loss': maxLoss }, '--samples', 'typical inputs');
}

/** Explains that `--int8` needs samples, and which. */
export function samplesMissing(graph: Graph, input: string, preprocessing: Preprocessing | undefined): KletError {
  return new KletError(
    'BAD_ARGUMENT',
    '--int8 needs --samples: an int8 activation has 256 steps, and only typical inputs show which range they must '
      + `cover. Give ${samplesAdvice(graph, preprocessing, `kinglet convert ${input} --int8`)}\n`
      + 'Random inputs would give wrong ranges',
  );
}

/** Quantizes the network and measures what it costs. */
export function quantized(graph: Graph, options: QuantizationOptions, { original, samples, onProgress }: {
  /** The network whose operators have the numbers. */
  original: Graph;
  samples: Samples;
  onProgress: (stage: string, done: number, total?: number) => void;
}): QuantizationReport {
  const { activationBits, calibration, equalize, floatIo, keep, rounding, weightBits } = options;
  const nodes = graph.nodes.map(({ name }) => name);
  const kept = new LayerFinder({
    names: nodes,
    original,
    purpose: 'keep',
    lacks: 'is no operator of the network before compilation',
  });
  return quantizationReport(graph, {
    samples: samples.fitting as unknown as QuantizeOptions['samples'],
    test: samples.comparing as unknown as QuantizeOptions['samples'],
    ...(calibration && { calibration }),
    ...(rounding && { rounding }),
    ...(floatIo && { floatIo }),
    ...(keep && { keep: keep.flatMap((reference) => (reference === AUTO ? [AUTO] : kept.find(reference))) }),
    ...(equalize === false && { equalize }),
    ...(weightBits && { weightBits: bitsByLayer(weightBits, original, weightLayers(graph), 'has no weights') }),
    ...(activationBits &&
      {
        activationBits: bitsByLayer(
          activationBits,
          original,
          nodes,
          'is no operator of the network before compilation',
        ),
      }),
    onProgress: (stage, done, total) =>
      onProgress(stage, done, total ?? (stage === 'calibrating' ? samples.fitting.length : undefined)),
  });
}

function weightLayers(graph: Graph): string[] {
  const nodes = new Set(graph.nodes.map(({ name }) => name));
  return prunableLayerNames(graph).filter((name) => nodes.has(name));
}

/** The bits by name of layer; where references overlap, the last one counts. */
function bitsByLayer<Bits extends number>(
  given: Record<string, Bits>,
  original: Graph,
  names: readonly string[],
  lacks: string,
): Bits | Record<string, Bits> {
  const all = given[ALL];
  const some = Object.entries(given).filter(([reference]) => reference !== ALL);
  if (some.length === 0) return all!;
  const layers = new LayerFinder({ names, original, purpose: 'quantize', lacks });
  const pairs = some.flatMap(([reference, bits]) => layers.find(reference).map((name) => [name, bits] as const));
  const others = all === undefined ? [] : names.map((name) => [name, all] as const);
  return Object.fromEntries([...others, ...pairs]);
}

/** @throws KletError `BAD_ARGUMENT` if no output has what `--max-loss` counts */
export function checkMaxLoss(maxLoss: MaxLoss, { outputs }: Comparison): void {
  if ('points' in maxLoss && outputs.every(({ agreement }) => agreement === undefined)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `--max-loss ${maxLoss.points} counts points of class scores, and no output of the network is a vector of scores; `
        + 'give the least SQNR in decibels instead, such as --max-loss 30dB',
    );
  }
}

/** What was lost beyond `--max-loss`, in words; undefined if nothing. */
export function lossText(maxLoss: MaxLoss, { outputs }: Comparison): string | undefined {
  const texts = outputs.flatMap(({ name, agreement, sqnr }): string[] => {
    if ('points' in maxLoss) {
      const lost = 100 * (1 - (agreement ?? 1));
      if (lost <= maxLoss.points + 1e-9) return [];
      return [
        `"${inline(name)}" gets another best class for ${lost.toFixed(2)} % of the samples; `
        + `--max-loss allows ${maxLoss.points} points`,
      ];
    }
    if ((sqnr ?? Infinity) >= maxLoss.decibels) return [];
    return [
      `"${inline(name)}" has an SQNR of ${sqnr!.toFixed(1)} dB; --max-loss asks for at least ${maxLoss.decibels} dB`,
    ];
  });
  return texts.length > 0 ? texts.join('; ') : undefined;
}
