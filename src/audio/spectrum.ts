import { describeValue, KletError } from '../errors';
import { RealFft } from './fft';
import { checkFrameLength } from './overlap';

/**
 * The spectrum of a real frame and the way back, through the complex transform of half the size
 * (H. V. Sorensen et al., "Real-valued fast Fourier transform algorithms", 1987).
 */
export class Spectrum {
  /** [size / 2 + 1] */
  readonly re: Float64Array;
  readonly im: Float64Array;
  private readonly fft: RealFft;

  /** @internal */
  constructor(readonly size: number) {
    this.fft = new RealFft(size);
    this.re = new Float64Array(size / 2 + 1);
    this.im = new Float64Array(size / 2 + 1);
  }

  /**
   * Computes the spectrum of a frame.
   *
   * @param frame [size]
   * @throws KletError `TYPE_MISMATCH`, `SHAPE_MISMATCH`
   */
  forward(frame: Float64Array): void {
    this.check(frame);
    const { fft, re, im } = this;
    fft.input.set(frame);
    const z = fft.transform();
    const half = fft.size / 2;
    for (let k = 0; k <= half; k++) {
      const a = 2 * (k % half);
      const b = 2 * ((half - k) % half);
      const evenRe = (z[a]! + z[b]!) / 2;
      const evenIm = (z[a + 1]! - z[b + 1]!) / 2;
      const oddRe = (z[a + 1]! + z[b + 1]!) / 2;
      const oddIm = (z[b]! - z[a]!) / 2;
      const [c, s] = this.turn(k);
      re[k] = evenRe + oddRe * c - oddIm * s;
      im[k] = evenIm + oddRe * s + oddIm * c;
    }
  }

  /**
   * Computes the frame of the spectrum. Imaginary parts at both ends become 0.
   *
   * @param frame [size], which is overwritten
   * @throws KletError `TYPE_MISMATCH`, `SHAPE_MISMATCH`
   */
  inverse(frame: Float64Array): void {
    this.check(frame);
    const { fft, re, im } = this;
    const half = fft.size / 2;
    im[0] = im[half] = 0;
    for (let k = 0; k < half; k++) {
      const l = half - k;
      const evenRe = (re[k]! + re[l]!) / 2;
      const evenIm = (im[k]! - im[l]!) / 2;
      const differenceRe = (re[k]! - re[l]!) / 2;
      const differenceIm = (im[k]! + im[l]!) / 2;
      const [c, s] = this.turn(k);
      const oddRe = differenceRe * c + differenceIm * s;
      const oddIm = differenceIm * c - differenceRe * s;
      // the conjugate, so that the forward transform is the inverse one
      fft.input[2 * k] = evenRe - oddIm;
      fft.input[2 * k + 1] = -(evenIm + oddRe);
    }
    const z = fft.transform();
    for (let t = 0; t < half; t++) {
      frame[2 * t] = z[2 * t]! / half;
      frame[2 * t + 1] = -z[2 * t + 1]! / half;
    }
  }

  /** e^(−2πik/size) */
  private turn(k: number): [re: number, im: number] {
    const { split } = this.fft;
    return k < this.size / 2 ? [split[2 * k]!, split[2 * k + 1]!] : [-1, 0];
  }

  private check(frame: unknown): void {
    if (!(frame instanceof Float64Array)) {
      throw new KletError('TYPE_MISMATCH', `a frame is a Float64Array, not ${describeValue(frame)}`);
    }
    if (frame.length !== this.size) {
      throw new KletError('SHAPE_MISMATCH', `the frame has ${frame.length} samples; expected ${this.size}`);
    }
  }
}

/**
 * Creates a transform between frames and spectra.
 *
 * @param size of the frame, even
 * @throws KletError `BAD_ARGUMENT`
 */
export function createSpectrum(size: number): Spectrum {
  checkFrameLength(size);
  return new Spectrum(size);
}
