// FFT of real samples: a complex FFT of half the size (Stockham, radix 4, 2 and any prime),
// followed by separation of the two halves. It computes in f64, so that for every size its error is
// below the rounding error of the f32 features.

interface Stage {
  radix: number;
  /** Size of the transform after this stage, and the stride of its elements. */
  rest: number;
  /** Distance between the elements of one transform. */
  stride: number;
  /** [rest][radix − 1] factors e^(−2πikq/(radix·rest)), re and im. */
  twiddles: Float64Array;
  /** [radix] e^(−2πir/radix), for radices without specialized code. */
  roots: Float64Array;
}

export class RealFft {
  /** [size] samples. `power` and `transform` overwrite them. */
  readonly input: Float64Array;
  private readonly work: Float64Array;
  private readonly stages: Stage[] = [];
  /** [size / 2] e^(−2πik/size). */
  readonly split: Float64Array;

  /** @param size an even number */
  constructor(readonly size: number) {
    const half = size / 2;
    this.input = new Float64Array(size);
    this.work = new Float64Array(size);
    this.split = circle(size, half);
    for (let length = half, stride = 1; length > 1;) {
      const radix = smallestRadix(length);
      const rest = length / radix;
      const twiddles = new Float64Array(rest * (radix - 1) * 2);
      const around = circle(length, length);
      for (let k = 0, o = 0; k < rest; k++) {
        for (let q = 1; q < radix; q++, o += 2) {
          twiddles[o] = around[2 * k * q]!;
          twiddles[o + 1] = around[2 * k * q + 1]!;
        }
      }
      this.stages.push({ radix, rest, stride, twiddles, roots: circle(radix, radix) });
      length = rest;
      stride *= radix;
    }
  }

  /**
   * Transforms `input` as size / 2 complex values (re, im), and overwrites it.
   *
   * @returns size / 2 complex values, valid until the next call
   */
  transform(): Float64Array {
    let from = this.input;
    let to = this.work;
    for (let i = 0; i < this.stages.length; i++) {
      const stage = this.stages[i]!;
      if (stage.radix === 4) radix4(stage, from, to);
      else if (stage.radix === 2) radix2(stage, from, to);
      else radixAny(stage, from, to);
      const swap = from;
      from = to;
      to = swap;
    }
    return from;
  }

  /**
   * Computes the power spectrum of the samples in `input`.
   *
   * @param out [size / 2 + 1]
   */
  power(out: Float64Array): void {
    const from = this.transform();
    const half = this.size / 2;
    const { split } = this;
    const first = from[0]!;
    const second = from[1]!;
    out[0] = (first + second) * (first + second);
    out[half] = (first - second) * (first - second);
    for (let k = 1, l = half - 1; k <= l; k++, l--) {
      const ar = from[2 * k]!;
      const ai = from[2 * k + 1]!;
      const br = from[2 * l]!;
      const bi = from[2 * l + 1]!;
      const er = (ar + br) / 2;
      const ei = (ai - bi) / 2;
      const or = (ai + bi) / 2;
      const oi = (br - ar) / 2;
      const c = split[2 * k]!;
      const s = split[2 * k + 1]!;
      const tr = or * c - oi * s;
      const ti = or * s + oi * c;
      out[k] = (er + tr) * (er + tr) + (ei + ti) * (ei + ti);
      out[l] = (er - tr) * (er - tr) + (ei - ti) * (ei - ti);
    }
  }
}

/** The first `count` of the `size` points e^(−2πik/size), re and im. */
function circle(size: number, count: number): Float64Array {
  const out = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    out[2 * k] = Math.cos((2 * Math.PI * k) / size);
    out[2 * k + 1] = -Math.sin((2 * Math.PI * k) / size);
  }
  return out;
}

function smallestRadix(length: number): number {
  if (length % 4 === 0) return 4;
  for (let p = 2; p * p <= length; p++) if (length % p === 0) return p;
  return length;
}

function radix2({ rest, stride, twiddles }: Stage, x: Float64Array, y: Float64Array): void {
  for (let k = 0; k < rest; k++) {
    const wr = twiddles[2 * k]!;
    const wi = twiddles[2 * k + 1]!;
    let a = 2 * stride * k;
    let b = 2 * stride * (k + rest);
    let o = 4 * stride * k;
    let p = o + 2 * stride;
    for (let t = 0; t < stride; t++, a += 2, b += 2, o += 2, p += 2) {
      const ar = x[a]!;
      const ai = x[a + 1]!;
      const br = x[b]!;
      const bi = x[b + 1]!;
      const dr = ar - br;
      const di = ai - bi;
      y[o] = ar + br;
      y[o + 1] = ai + bi;
      y[p] = dr * wr - di * wi;
      y[p + 1] = dr * wi + di * wr;
    }
  }
}

function radix4({ rest, stride, twiddles }: Stage, x: Float64Array, y: Float64Array): void {
  const step = 2 * stride;
  const far = step * rest;
  for (let k = 0; k < rest; k++) {
    const w = 6 * k;
    const w1r = twiddles[w]!;
    const w1i = twiddles[w + 1]!;
    const w2r = twiddles[w + 2]!;
    const w2i = twiddles[w + 3]!;
    const w3r = twiddles[w + 4]!;
    const w3i = twiddles[w + 5]!;
    for (let t = 0, i = step * k, o = 4 * step * k; t < stride; t++, i += 2, o += 2) {
      const ar = x[i]!;
      const ai = x[i + 1]!;
      const br = x[i + far]!;
      const bi = x[i + far + 1]!;
      const cr = x[i + 2 * far]!;
      const ci = x[i + 2 * far + 1]!;
      const dr = x[i + 3 * far]!;
      const di = x[i + 3 * far + 1]!;
      const sr = ar + cr;
      const si = ai + ci;
      const ur = ar - cr;
      const ui = ai - ci;
      const vr = br + dr;
      const vi = bi + di;
      const zr = br - dr;
      const zi = bi - di;
      y[o] = sr + vr;
      y[o + 1] = si + vi;
      const er = ur + zi;
      const ei = ui - zr;
      const fr = sr - vr;
      const fi = si - vi;
      const gr = ur - zi;
      const gi = ui + zr;
      y[o + step] = er * w1r - ei * w1i;
      y[o + step + 1] = er * w1i + ei * w1r;
      y[o + 2 * step] = fr * w2r - fi * w2i;
      y[o + 2 * step + 1] = fr * w2i + fi * w2r;
      y[o + 3 * step] = gr * w3r - gi * w3i;
      y[o + 3 * step + 1] = gr * w3i + gi * w3r;
    }
  }
}

function radixAny({ radix, rest, stride, twiddles, roots }: Stage, x: Float64Array, y: Float64Array): void {
  for (let k = 0; k < rest; k++) {
    for (let t = 0; t < stride; t++) {
      for (let q = 0; q < radix; q++) {
        let re = 0;
        let im = 0;
        for (let r = 0, root = 0; r < radix; r++, root = (root + q) % radix) {
          const i = 2 * (stride * (k + rest * r) + t);
          const xr = x[i]!;
          const xi = x[i + 1]!;
          const c = roots[2 * root]!;
          const s = roots[2 * root + 1]!;
          re += xr * c - xi * s;
          im += xr * s + xi * c;
        }
        const o = 2 * (stride * (radix * k + q) + t);
        const w = 2 * (k * (radix - 1) + q - 1);
        const wr = q === 0 ? 1 : twiddles[w]!;
        const wi = q === 0 ? 0 : twiddles[w + 1]!;
        y[o] = re * wr - im * wi;
        y[o + 1] = re * wi + im * wr;
      }
    }
  }
}
