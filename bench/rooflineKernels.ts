// Peak multiply-add rates of the machine in WebAssembly, from loops that contain only the innermost
// instructions of a kernel. Each iteration multiplies 2 loaded vectors by 4 kept vectors into 8
// accumulators, which fills 15 of the 16 vector registers of x86-64. Loads do not compete with
// multiplications, and 8 accumulators hide the latency.

/** Size of the loaded window, well within the L1 cache. */
const WINDOW = 4096;
const AT = memory.data(WINDOW + 128, 16);

/** Iterations per run, with two vector loads each. A run takes about 20 µs. */
export const STEPS: i32 = 8192;
const STEPS_PER_WINDOW = WINDOW / 32;

/** Fills the window with small numbers that are also normal floats. */
export function fill(): void {
  for (let i = 0; i < WINDOW + 64; i += 4) store<f32>(AT + i, 1.0 + <f32>(i & 60) / 64.0);
}

/** 64 int16 multiply-adds per iteration. */
export function dotI16(steps: i32): void {
  let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  const w0 = v128.load(AT, WINDOW), w1 = v128.load(AT, WINDOW + 16), w2 = v128.load(AT, WINDOW + 32),
    w3 = v128.load(AT, WINDOW + 48);
  for (let i = 0; i < steps; i += STEPS_PER_WINDOW) {
    for (let p = AT, end = AT + WINDOW; p < end; p += 32) {
      const a = v128.load(p);
      const b = v128.load(p, 16);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(a, w0));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(a, w1));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(a, w2));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(a, w3));
      s4 = i32x4.add(s4, i32x4.dot_i16x8_s(b, w0));
      s5 = i32x4.add(s5, i32x4.dot_i16x8_s(b, w1));
      s6 = i32x4.add(s6, i32x4.dot_i16x8_s(b, w2));
      s7 = i32x4.add(s7, i32x4.dot_i16x8_s(b, w3));
    }
  }
  keep(s0, s1, s2, s3);
  keep(s4, s5, s6, s7);
}

/** 32 float32 multiply-adds per iteration, rounded after each multiplication. */
export function mulAddF32(steps: i32): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  const w0 = v128.load(AT, WINDOW), w1 = v128.load(AT, WINDOW + 16), w2 = v128.load(AT, WINDOW + 32),
    w3 = v128.load(AT, WINDOW + 48);
  for (let i = 0; i < steps; i += STEPS_PER_WINDOW) {
    for (let p = AT, end = AT + WINDOW; p < end; p += 32) {
      const a = v128.load(p);
      const b = v128.load(p, 16);
      s0 = f32x4.add(s0, f32x4.mul(a, w0));
      s1 = f32x4.add(s1, f32x4.mul(a, w1));
      s2 = f32x4.add(s2, f32x4.mul(a, w2));
      s3 = f32x4.add(s3, f32x4.mul(a, w3));
      s4 = f32x4.add(s4, f32x4.mul(b, w0));
      s5 = f32x4.add(s5, f32x4.mul(b, w1));
      s6 = f32x4.add(s6, f32x4.mul(b, w2));
      s7 = f32x4.add(s7, f32x4.mul(b, w3));
    }
  }
  keep(s0, s1, s2, s3);
  keep(s4, s5, s6, s7);
}

/** 128 int8 multiply-adds per iteration; only in the build with relaxed SIMD. */
export function relaxedDotI8(steps: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    const w0 = v128.load(AT, WINDOW), w1 = v128.load(AT, WINDOW + 16), w2 = v128.load(AT, WINDOW + 32),
      w3 = v128.load(AT, WINDOW + 48);
    for (let i = 0; i < steps; i += STEPS_PER_WINDOW) {
      for (let p = AT, end = AT + WINDOW; p < end; p += 32) {
        const a = v128.load(p);
        const b = v128.load(p, 16);
        s0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w0, s0);
        s1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w1, s1);
        s2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w2, s2);
        s3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w3, s3);
        s4 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w0, s4);
        s5 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w1, s5);
        s6 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w2, s6);
        s7 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w3, s7);
      }
    }
    keep(s0, s1, s2, s3);
    keep(s4, s5, s6, s7);
  }
}

/** 16 dependent operations of one cycle each per iteration, to measure the clock rate. */
export function chain(steps: i32): void {
  const a = load<i32>(AT);
  const b = load<i32>(AT, 32);
  let x = steps;
  for (let i = 0; i < steps; i++) {
    x = (((x ^ a) + b) ^ a) + b;
    x = (((x ^ a) + b) ^ a) + b;
    x = (((x ^ a) + b) ^ a) + b;
    x = (((x ^ a) + b) ^ a) + b;
  }
  store<i32>(AT + WINDOW, x & 1, 64);
}

/** Stores the accumulators, so that the compiler does not remove the loop. */
function keep(a: v128, b: v128, c: v128, d: v128): void {
  const at = AT + WINDOW;
  v128.store(at, v128.xor(v128.load(at), v128.and(v128.xor(v128.xor(a, b), v128.xor(c, d)), i32x4.splat(1))));
}
