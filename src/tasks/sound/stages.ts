import { checkFunction, checkObject, checkSizes, show } from '../../arguments';
import type { Spectrum, StreamingModel } from '../../audio/index';
import { KletError } from '../../errors';
import type { Bands } from './bands';

// The networks of a noise filter, which a frame passes one after another.

/** A frame in time or as a spectrum. */
export interface Frame {
  readonly time: Float64Array;
  readonly spectrum: Spectrum;
  /** Whether `spectrum` holds the frame, and not `time`. */
  isSpectrum: boolean;
}

export const spectrumFeatures = { magnitude: true, power: true, 'log-power': true, 'log10-power': true };
/** `log-power` is the natural logarithm, `log10-power` that to base 10. */
export type SpectrumFeatures = keyof typeof spectrumFeatures;

export interface StageOptions {
  features: SpectrumFeatures;
  floor: number;
  bands: Bands | undefined;
}

/** One network and what it does to a frame. */
export interface Stage {
  run(frame: Frame): void;
  reset(): void;
}

interface Network {
  readonly input: Float32Array;
  readonly output: Float32Array;
  readonly run: () => void;
}

/** @throws KletError `SHAPE_MISMATCH` if the network does not fit the frames */
export function stageOf(model: StreamingModel, frameLength: number, options: StageOptions): Stage {
  checkObject(model, 'a network of denoise()');
  const shape = shapeOf(model, 'inputs');
  const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  const input = new Float32Array(count(shape));
  const output = new Float32Array(count(shapeOf(model, 'outputs')));
  checkFunction(model.predictInto, "the network's predictInto");
  const runner: Runner = model.createState?.() ?? model;
  const network = { input, output, run: () => runner.predictInto(input, output) };
  const bins = frameLength / 2 + 1;
  const bands = options.bands?.count ?? bins;
  const run = new Map([[frameLength, frames(network)], [2 * bins,
    spectra(bins, shape.find((size) => size > 1) === 2, network)], [bands, gains(bins, options, network)]])
    .get(input.length);
  if (run && output.length === input.length) return { run, reset: () => runner.reset?.() };
  throw new KletError(
    'SHAPE_MISMATCH',
    `the network ${show(model.meta?.name)} takes ${input.length} values and gives ${output.length}; frames of `
      + `${frameLength} samples need ${frameLength} (samples), ${
        2 * bins
      } (spectrum) or ${bands} (gains) on both sides`,
  );
}

/** The shape of the only input or output. */
function shapeOf(model: StreamingModel, side: 'inputs' | 'outputs'): readonly number[] {
  const tensors = model[side];
  if (!Array.isArray(tensors) || tensors.length !== 1) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `a network of denoise() has one of ${side}, not ${
        show(tensors?.length)
      }; keep states inside with kinglet convert ` + '--state OUTPUT=INPUT',
    );
  }
  const { shape } = (tensors[0] ?? {}) as { shape?: unknown };
  checkSizes(shape, `the ${side}`);
  return shape;
}

interface Runner {
  predictInto: StreamingModel['predictInto'];
  reset?(): void;
}

function toSpectrum(frame: Frame): Spectrum {
  if (!frame.isSpectrum) frame.spectrum.forward(frame.time);
  frame.isSpectrum = true;
  return frame.spectrum;
}

function featureOf({ features, floor }: StageOptions): (power: number) => number {
  return {
    magnitude: Math.sqrt,
    power: (power: number) => power,
    'log-power': (power: number) => Math.log(Math.max(power, floor)),
    'log10-power': (power: number) => Math.log10(Math.max(power, floor)),
  }[features];
}

/** A network that takes features of bins or bands and gives their gains. */
function gains(bins: number, options: StageOptions, { input, output, run }: Network): (frame: Frame) => void {
  const { bands } = options;
  const feature = featureOf(options);
  const power = new Float64Array(bins);
  const energies = bands ? new Float64Array(bands.count) : power;
  return (frame) => {
    const { re, im } = toSpectrum(frame);
    for (let k = 0; k < bins; k++) power[k] = re[k]! * re[k]! + im[k]! * im[k]!;
    bands?.energies(power, energies);
    energies.forEach((energy, i) => {
      input[i] = feature(energy);
    });
    run();
    // power is free, and becomes the gains of the bins
    if (bands) bands.interpolate(output, power);
    else power.set(output);
    for (let k = 0; k < bins; k++) {
      re[k] = re[k]! * power[k]!;
      im[k] = im[k]! * power[k]!;
    }
  };
}

/** A network that takes a spectrum and gives another one. */
function spectra(bins: number, planar: boolean, { input, output, run }: Network): (frame: Frame) => void {
  const [step, imaginary] = planar ? [1, bins] : [2, 1];
  return (frame) => {
    const { re, im } = toSpectrum(frame);
    for (let k = 0; k < bins; k++) {
      input[k * step] = re[k]!;
      input[k * step + imaginary] = im[k]!;
    }
    run();
    for (let k = 0; k < bins; k++) {
      re[k] = output[k * step]!;
      im[k] = output[k * step + imaginary]!;
    }
  };
}

/** A network that takes the samples of a frame and gives others. */
function frames({ input, output, run }: Network): (frame: Frame) => void {
  return (frame) => {
    if (frame.isSpectrum) frame.spectrum.inverse(frame.time);
    frame.isSpectrum = false;
    input.set(frame.time);
    run();
    frame.time.set(output);
  };
}
