import { CONV2D_BATCH, CONV2D_BIAS, CONV2D_GROUPS, CONV2D_MAX, CONV2D_MIN, CONV2D_OUT_C, CONV2D_SCALE, CONV2D_SOURCE,
  CONV2D_TARGET, CONV2D_WEIGHTS, WIDE_CONV2D_CHUNK } from '../../../assembly/layout';
import { clamp } from '../arithmetic';
import { int, offsetOf, offsets, reserve, sectionOf, sums, type Memory } from '../memory';
import { gather, multiply } from '../product';
import { convolve, inputsOf, panelsOf } from '../window';

/** The bias and the sums of the parts so far. */
let totals = new Float64Array(0);

export function prepareWideConv2d(r: number, m: Memory): void {
  const lanes = panelsOf(r, m) * 8;
  reserve(inputsOf(r, m), lanes);
  if (totals.length < lanes) totals = new Float64Array(lanes);
}

export function runWideConv2d(r: number, m: Memory): void {
  const N = int(r, m, CONV2D_OUT_C) / int(r, m, CONV2D_GROUPS);
  const panels = panelsOf(r, m);
  const panelBytes = ((inputsOf(r, m) + 3) >> 2) * 32;
  const bias = int(r, m, CONV2D_BIAS) >> 3;
  const scale = int(r, m, CONV2D_SCALE) >> 3;
  const target = int(r, m, CONV2D_TARGET) >> 1;
  /** The bytes of a panel for the products that are added in 32 bits. */
  const part = int(r, m, WIDE_CONV2D_CHUNK) * 32;
  const low = int(r, m, CONV2D_MIN);
  const top = int(r, m, CONV2D_MAX);
  const factors = m.weights.f64;
  convolve(
    r,
    m,
    sectionOf(r, m, CONV2D_SOURCE).i16,
    offsetOf(r, m, CONV2D_SOURCE) >> 1,
    int(r, m, CONV2D_BATCH),
    0,
    gather,
    function(count, group, to) {
      const first = group * panels * 8;
      const weights = int(r, m, CONV2D_WEIGHTS) + group * panels * panelBytes;
      for (let n = 0; n < N; n++) totals[n] = factors[bias + first + n]!;
      // the sums of a part wrap around
      let from = 0;
      for (let end = part; from < count; end += part) {
        let next = from;
        while (next < count && offsets[next]! < end) next++;
        if (next === from) continue;
        multiply(from, next, m.weights.i8, weights, panelBytes, panels);
        for (let n = 0; n < N; n++) totals[n]! += sums[n]! | 0;
        from = next;
      }
      for (let n = 0; n < N; n++) {
        const x = totals[n]! * factors[scale + first + n]!;
        m.arena.i16[target + to + n] = clamp(Math.floor(x + 0.5), low, top);
      }
    },
  );
}
