import { DEPTHWISE_BIAS, DEPTHWISE_CHANNELS, DEPTHWISE_MAX, DEPTHWISE_MIN, DEPTHWISE_SCALE, DEPTHWISE_SOURCE,
  DEPTHWISE_TARGET, DEPTHWISE_WEIGHTS } from '../../../assembly/layout';
import { clamp } from '../arithmetic';
import { sumTaps, tapsOf, visitPixels } from '../depthwiseConv2d';
import { int, offsetOf, reserve, sectionOf, sums, type Memory } from '../memory';

export function prepareWideDepthwiseConv2d(r: number, m: Memory): void {
  reserve(2 * tapsOf(r, m), 8);
}

export function runWideDepthwiseConv2d(r: number, m: Memory): void {
  const C = int(r, m, DEPTHWISE_CHANNELS);
  const blockBytes = tapsOf(r, m) * 8;
  const a = sectionOf(r, m, DEPTHWISE_SOURCE).i16;
  const bias = int(r, m, DEPTHWISE_BIAS) >> 3;
  const scale = int(r, m, DEPTHWISE_SCALE) >> 3;
  const target = int(r, m, DEPTHWISE_TARGET) >> 1;
  const low = int(r, m, DEPTHWISE_MIN);
  const top = int(r, m, DEPTHWISE_MAX);
  const factors = m.weights.f64;
  visitPixels(r, m, offsetOf(r, m, DEPTHWISE_SOURCE) >> 1, true, function(taps, shift, pixel) {
    for (let c = 0; c < C; c += 8) {
      sumTaps(taps, a, 0, m.weights.i8, int(r, m, DEPTHWISE_WEIGHTS) + (c >> 3) * blockBytes, 0, shift + c);
      for (let i = 0; i < 8 && c + i < C; i++) {
        const x = (factors[bias + c + i]! + (sums[i]! | 0)) * factors[scale + c + i]!;
        m.arena.i16[target + pixel * C + c + i] = clamp(Math.floor(x + 0.5), low, top);
      }
    }
  });
}
