import { checkChoice, show, type Options } from '../../arguments';
import { createOverlapAdd, createSpectrum, type OverlapAdd, type OverlapSettings, type Spectrum,
  type StreamingModel } from '../../audio/index';
import { KletError } from '../../errors';
import { Bands } from './bands';
import { optionsOf } from './classes';
import { spectrumFeatures, stageOf, type Frame, type SpectrumFeatures, type Stage } from './stages';

export interface DenoiseOptions extends Partial<OverlapSettings> {
  /** Samples per second that the networks were trained with. */
  sampleRate?: number;
  /** What a network that gives gains takes of each bin or band (default `magnitude`). */
  features?: SpectrumFeatures;
  /** Least power in logarithms (default 1e-12). */
  floor?: number;
  /** For networks that give gains of bands: the edges of the bands, in hertz. */
  bands?: readonly number[];
  /** Factor for samples before the networks, and divisor after them (default 1). */
  inputScale?: number;
}

const denoiseOptions = {
  sampleRate: 'number',
  frameLength: 'number',
  hop: 'number',
  window: 'string',
  overlap: 'string',
  features: 'string',
  floor: 'number',
  bands: 'any',
  inputScale: 'number',
} satisfies Options<DenoiseOptions>;

/** Removes noise from a stream of sound, frame by frame, with one network or several in a row. */
export class Denoiser {
  /** Samples per second. */
  readonly sampleRate: number;
  /** Number of samples by which the output is delayed: frameLength − hop. */
  readonly latency: number;
  private readonly overlap: OverlapAdd;
  private readonly stages: readonly Stage[];
  private readonly spectrum: Spectrum;
  private readonly scale: number;

  /** @internal */
  constructor(models: readonly StreamingModel[], options: DenoiseOptions) {
    const { sampleRate = 0, features = 'magnitude', floor = 1e-12, bands, inputScale = 1, ...settings } = options;
    for (const [option, value] of Object.entries({ sampleRate, floor, inputScale })) {
      if (value > 0 && value < Infinity) continue;
      throw new KletError(
        'BAD_ARGUMENT',
        `the option "${option}" of denoise() takes a number above 0, not ${show(value)}`,
      );
    }
    checkChoice(features, spectrumFeatures, 'features', 'denoise()');
    this.overlap = createOverlapAdd(settings as OverlapSettings);
    const { frame: { length }, latency } = this.overlap;
    this.sampleRate = sampleRate;
    this.latency = latency;
    this.scale = inputScale;
    this.spectrum = createSpectrum(length);
    const filters = bands === undefined ? undefined : new Bands(bands, sampleRate, length);
    this.stages = models.map((model) => stageOf(model, length, { features, floor, bands: filters }));
    this.reset();
  }

  /**
   * Takes the next samples, in pieces of any length.
   *
   * @param samples −1..1 at `sampleRate`
   * @returns the samples that are complete, a multiple of the hop, `latency` samples late. The
   *   first `latency` samples of a stream are those before it
   * @throws KletError `TYPE_MISMATCH`, `NOT_A_NUMBER`, `DISPOSED`
   */
  push(samples: Float32Array): Float32Array {
    return this.overlap.push(samples, this.change);
  }

  /**
   * Ends a recording and resets.
   *
   * @returns the samples that were not complete, as if silence followed; with those of `push`, as
   *   many as were pushed and `latency` more
   */
  end(): Float32Array {
    const rest = this.overlap.end(this.change);
    this.reset();
    return rest;
  }

  /**
   * Removes noise from a whole recording. Resets before and after.
   *
   * @returns as many samples, without the delay
   */
  process(samples: Float32Array): Float32Array {
    this.reset();
    const parts = [this.push(samples), this.end()] as const;
    const out = new Float32Array(parts[0].length + parts[1].length);
    out.set(parts[0]);
    out.set(parts[1], parts[0].length);
    return out.slice(this.latency);
  }

  /** Forgets all sound. */
  reset(): void {
    this.overlap.reset();
    for (const stage of this.stages) stage.reset();
  }

  private readonly change = (time: Float64Array): void => {
    const { spectrum, scale } = this;
    for (let i = 0; i < time.length; i++) time[i] = time[i]! * scale;
    const frame: Frame = { time, spectrum, isSpectrum: false };
    for (const stage of this.stages) stage.run(frame);
    if (frame.isSpectrum) spectrum.inverse(time);
    for (let i = 0; i < time.length; i++) time[i] = time[i]! / scale;
  };
}

/**
 * Creates a noise filter. The number of values in a network's input says what it takes and gives:
 *
 * - frameLength/2 + 1: `features` of the bins, and gains of the bins (DTLN, first network)
 * - 2 × (frameLength/2 + 1): the complex spectrum, and another one (GTCRN)
 * - frameLength: the samples of a frame, and others (DTLN, second network)
 * - the number of bands: `features` of the bands, and gains of the bands (like RNNoise)
 *
 * Networks keep their state from frame to frame; convert them with `--state`. Options that are left
 * out come from the task in the first model's file (`{ kind: 'denoise', … }`), if it has one.
 *
 * @param models a network, or networks that a frame passes in this order
 * @throws KletError `BAD_ARGUMENT` if an option is missing or out of range; `SHAPE_MISMATCH` if a
 *   network has several inputs, or one of another size
 * @example
 * ```js
 * import { denoise } from 'kinglet/tasks/sound';
 * import { compile, GraphBuilder } from 'kinglet/compiler';
 * const b = new GraphBuilder('half');
 * const gain = b.node('unary', [b.input('x', [1, 257])], { kind: 'logistic' });
 * const model = loadSync(compile(b.finish([gain])));
 * const filter = denoise(model, { sampleRate: 16000, frameLength: 512, hop: 256 });
 * console.log(filter.latency, filter.push(new Float32Array(600)).length); // 256 512
 * ```
 */
export function denoise(models: StreamingModel | readonly StreamingModel[], options: DenoiseOptions = {}): Denoiser {
  const list = Array.isArray(models) ? Array.from(models as StreamingModel[]) : [models as StreamingModel];
  if (list.length === 0) throw new KletError('BAD_ARGUMENT', 'denoise() needs a network');
  return new Denoiser(list, optionsOf('denoise', list[0]!, options, denoiseOptions));
}
