// FFT of real samples in 16 bits, with the rounding of KISS FFT (FIXED_POINT 16), which
// TensorFlow's micro front end uses: each radix divides its inputs by the radix, so that the result
// is divided by the size. All values wrap at 16 bits.

const FRACTION = 15;
const MAX = 32767;

const wrap = (x: number): number => (x << 16) >> 16;
/** A product of two numbers of 15 fractional bits, rounded half up. */
const round = (x: number): number => wrap((x + (1 << (FRACTION - 1))) >> FRACTION);
const divide = (x: number, by: number): number => round(x * Math.floor(MAX / by));
const fixed = (x: number): number => Math.floor(0.5 + MAX * x);

export class FixedFft {
  /** [size] */
  readonly input: Int16Array;
  /** [size / 2 + 1] re and im */
  readonly output: Int16Array;
  private readonly half: number;
  private readonly work: Int16Array;
  private readonly twiddles: Int16Array;
  private readonly split: Int16Array;
  private readonly radices: number[] = [];

  /** @param size a power of two, at least 4 */
  constructor(readonly size: number) {
    this.half = size / 2;
    this.input = new Int16Array(size);
    this.output = new Int16Array(size + 2);
    this.work = new Int16Array(size);
    this.twiddles = circle(this.half, (k) => (-2 * Math.PI * k) / this.half);
    this.split = circle(this.half / 2, (k) => -Math.PI * ((k + 1) / this.half + 0.5));
    for (let rest = this.half; rest > 1;) {
      const radix = rest % 4 === 0 ? 4 : 2;
      this.radices.push(radix);
      rest /= radix;
    }
  }

  transform(): void {
    const { half, work, output, split } = this;
    this.pass(0, 0, 1, 0);
    const first = divide(work[0]!, 2);
    const second = divide(work[1]!, 2);
    output[0] = first + second;
    output[2 * half] = first - second;
    output[1] = output[2 * half + 1] = 0;
    for (let k = 1; k <= half / 2; k++) {
      const l = half - k;
      const ar = divide(work[2 * k]!, 2);
      const ai = divide(work[2 * k + 1]!, 2);
      const br = divide(work[2 * l]!, 2);
      const bi = divide(wrap(-work[2 * l + 1]!), 2);
      const sumRe = wrap(ar + br);
      const sumIm = wrap(ai + bi);
      const re = wrap(ar - br);
      const im = wrap(ai - bi);
      const c = split[2 * k - 2]!;
      const s = split[2 * k - 1]!;
      const turnedRe = round(re * c - im * s);
      const turnedIm = round(re * s + im * c);
      output[2 * k] = (sumRe + turnedRe) >> 1;
      output[2 * k + 1] = (sumIm + turnedIm) >> 1;
      output[2 * l] = (sumRe - turnedRe) >> 1;
      output[2 * l + 1] = (turnedIm - sumIm) >> 1;
    }
  }

  /** Transforms every `stride`-th complex input from `from` on, to `to` in `work`. */
  private pass(to: number, from: number, stride: number, level: number): void {
    const { work, input, radices } = this;
    const radix = radices[level];
    if (radix === undefined) {
      work[2 * to] = input[2 * from]!;
      work[2 * to + 1] = input[2 * from + 1]!;
      return;
    }
    const part = this.half / stride / radix;
    for (let i = 0; i < radix; i++) this.pass(to + i * part, from + i * stride, stride * radix, level + 1);
    for (let k = 0; k < part; k++) {
      if (radix === 4) this.butterfly4(to + k, part, k * stride);
      else this.butterfly2(to + k, part, k * stride);
    }
  }

  private butterfly2(at: number, part: number, turn: number): void {
    const { work, twiddles } = this;
    const a = 2 * at;
    const b = 2 * (at + part);
    const re = divide(work[b]!, 2);
    const im = divide(work[b + 1]!, 2);
    const c = twiddles[2 * turn]!;
    const s = twiddles[2 * turn + 1]!;
    const tr = round(re * c - im * s);
    const ti = round(re * s + im * c);
    const ar = divide(work[a]!, 2);
    const ai = divide(work[a + 1]!, 2);
    work[b] = ar - tr;
    work[b + 1] = ai - ti;
    work[a] = ar + tr;
    work[a + 1] = ai + ti;
  }

  private butterfly4(at: number, part: number, turn: number): void {
    const { work, twiddles } = this;
    const re = [0, 0, 0, 0];
    const im = [0, 0, 0, 0];
    for (let q = 0; q < 4; q++) {
      const i = 2 * (at + q * part);
      const x = divide(work[i]!, 4);
      const y = divide(work[i + 1]!, 4);
      const c = twiddles[2 * turn * q]!;
      const s = twiddles[2 * turn * q + 1]!;
      re[q] = q === 0 ? x : round(x * c - y * s);
      im[q] = q === 0 ? y : round(x * s + y * c);
    }
    const differenceRe = wrap(re[0]! - re[2]!);
    const differenceIm = wrap(im[0]! - im[2]!);
    const sumRe = wrap(re[0]! + re[2]!);
    const sumIm = wrap(im[0]! + im[2]!);
    const oddRe = wrap(re[1]! + re[3]!);
    const oddIm = wrap(im[1]! + im[3]!);
    const crossRe = wrap(re[1]! - re[3]!);
    const crossIm = wrap(im[1]! - im[3]!);
    const [a, b, c, d] = [0, 1, 2, 3].map((q) => 2 * (at + q * part)) as [number, number, number, number];
    work[a] = sumRe + oddRe;
    work[a + 1] = sumIm + oddIm;
    work[b] = differenceRe + crossIm;
    work[b + 1] = differenceIm - crossRe;
    work[c] = sumRe - oddRe;
    work[c + 1] = sumIm - oddIm;
    work[d] = differenceRe - crossIm;
    work[d + 1] = differenceIm + crossRe;
  }
}

function circle(count: number, angle: (k: number) => number): Int16Array {
  const out = new Int16Array(2 * count);
  for (let k = 0; k < count; k++) {
    out[2 * k] = fixed(Math.cos(angle(k)));
    out[2 * k + 1] = fixed(Math.sin(angle(k)));
  }
  return out;
}
