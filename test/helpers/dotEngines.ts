import { readFileSync } from 'node:fs';
import path from 'node:path';
import binaryen from 'binaryen';
import { loadSync } from '../../src/slim';
import type { Model } from '../../src/index';

// The relaxed core as engines run it whose i32x4.relaxed_dot_i8x16_i7x16_add_s differs from the one
// here. Each such instruction of the core is replaced by a call of a function that computes what
// the engine would, in plain SIMD. So these cores run on engines without relaxed SIMD, too.

/** The 8 products i16 of four lanes a·b: signed, or b unsigned. */
const signed = (half: string): string => `(i16x8.extmul_${half}_i8x16_s (local.get $a) (local.get $b))`;
const unsigned = (half: string): string =>
  `(i16x8.mul (i16x8.extend_${half}_i8x16_s (local.get $a)) (i16x8.extend_${half}_i8x16_u (local.get $b)))`;

/** The products of even or odd k. */
const EVEN = '0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29';
const ODD = '2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31';
const take = (bytes: string): string => `(i8x16.shuffle ${bytes} (local.get $low) (local.get $high))`;
const pairs = (x: string): string => `(i32x4.extadd_pairwise_i16x8_s ${x})`;

function dot(products: (half: string) => string, sum: string): string {
  return `(func (export "dot") (param $a v128) (param $b v128) (param $c v128) (result v128)
    (local $low v128) (local $high v128)
    (local.set $low ${products('low')})
    (local.set $high ${products('high')})
    (i32x4.add (local.get $c) ${sum}))`;
}

const exactSum = `(i32x4.add ${pairs(take(EVEN))} ${pairs(take(ODD))})`;
const wrappingSum = pairs(`(i16x8.add ${take(EVEN)} ${take(ODD)})`);
const isOdd = '(i32x4.shr_s (i32x4.shl (local.get $c) (i32.const 31)) (i32.const 31))';

/** What the instruction becomes, as a function in text form. */
const functions = {
  /** x86 with AVX-VNNI: vpdpbusd */
  vnni: dot(unsigned, exactSum),
  /** x86 with AVX-VNNI-INT8: vpdpbssd; Arm with dot products: sdot */
  sdot: dot(signed, exactSum),
  /** older x86: pmaddubsw, which saturates, and pmaddwd */
  ssse3: dot(unsigned, pairs(`(i16x8.add_sat_s ${take(EVEN)} ${take(ODD)})`)),
  /** Arm without dot products: smull, addp, which wraps around, and saddlp */
  neon: dot(signed, wrappingSum),
  /**
   * Arm with a compiler that replaces code in the middle of a loop: the sum of neon or of sdot,
   * and that of neon while the sum before is even, such as at the start of a function
   */
  replaced: dot(signed, `(v128.bitselect ${exactSum} ${wrappingSum} ${isOdd})`),
  /** no processor: each sum is one too large */
  broken: dot(signed, `(i32x4.add (i32x4.splat (i32.const 1)) ${exactSum})`),
};

type Replacement = keyof typeof functions;
const replacements = Object.keys(functions) as Replacement[];
export type DotEngine = Exclude<Replacement, 'broken'>;
export const dotEngines = replacements.filter((name): name is DotEngine => name !== 'broken');

const TYPES = 1;
const FUNCTIONS = 3;
const CODE = 10;
const OPCODE = [0xfd, 0x93, 0x02];
const V128 = 0x7b;

function leb(n: number): number[] {
  const bytes: number[] = [];
  for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128);
  return [...bytes, n];
}

/** A reader of a module's bytes. */
class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  number(): number {
    let n = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.bytes[this.at++]!;
      n += (byte & 127) * 2 ** shift;
      if (byte < 128) return n;
    }
  }
  take(length: number): Uint8Array {
    return this.bytes.subarray(this.at, this.at += length);
  }
  /** The elements of a vector of byte strings. */
  bodies(): Uint8Array[] {
    return Array.from({ length: this.number() }, () => this.take(this.number()));
  }
}

function sectionsOf(module: Uint8Array): [id: number, content: Uint8Array][] {
  const reader = new Reader(module);
  reader.at = 8;
  const sections: [number, Uint8Array][] = [];
  while (reader.at < module.length) sections.push([reader.take(1)[0]!, reader.take(reader.number())]);
  return sections;
}

function bodyOf(engine: Replacement): Uint8Array {
  const module = binaryen.parseText(`(module ${functions[engine]})`);
  const [, code] = sectionsOf(module.emitBinary()).find(([id]) => id === CODE)!;
  module.dispose();
  return new Reader(code).bodies()[0]!;
}

/**
 * Replaces the relaxed dot products of a module.
 *
 * @param engineOf what the instructions of the i-th function become
 * @returns the module
 * @throws Error if it has none
 */
export function emulate(module: Uint8Array, engineOf: (i: number) => Replacement): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(module);
  const vector = (id: number): { count: number; rest: Uint8Array } => {
    const reader = new Reader(sections.find(([found]) => found === id)![1]);
    return { count: reader.number(), rest: reader.bytes.subarray(reader.at) };
  };
  const types = vector(TYPES);
  const declared = vector(FUNCTIONS);
  const parsed = binaryen.readBinary(module);
  const first = parsed.getNumFunctions();
  parsed.dispose();
  let replaced = 0;
  const bodies = new Reader(sections.find(([id]) => id === CODE)![1]).bodies().map((body, i) => {
    const index = first + replacements.indexOf(engineOf(i));
    // a number of two bytes takes as many bytes as the instruction
    const call = [0x10, (index & 127) | 128, index >> 7];
    const copy = body.slice();
    for (let at = 0; at + 3 <= copy.length; at++) {
      if (!OPCODE.every((byte, j) => copy[at + j] === byte)) continue;
      copy.set(call, at);
      replaced++;
    }
    return copy;
  });
  if (replaced === 0) throw new Error('The module has no relaxed dot products.');
  const replacement = (id: number): number[] | undefined => {
    if (id === TYPES) return [...leb(types.count + 1), ...types.rest, 0x60, 3, V128, V128, V128, 1, V128];
    if (id === FUNCTIONS) {
      const more = replacements.flatMap(() => leb(types.count));
      return [...leb(declared.count + replacements.length), ...declared.rest, ...more];
    }
    if (id !== CODE) return undefined;
    const all = [...bodies, ...replacements.map(bodyOf)];
    return [...leb(all.length), ...all.flatMap((body) => [...leb(body.length), ...body])];
  };
  const parts = sections.map(([id, content]) => {
    const bytes = replacement(id) ?? content;
    return [id, ...leb(bytes.length), ...bytes];
  });
  return Uint8Array.from([...module.subarray(0, 8), ...parts.flat()]);
}

const built = (name: string): Uint8Array => readFileSync(path.resolve(import.meta.dirname, '../../build', name));
const extra = new WebAssembly.Module(new Uint8Array(built('extra.simd.wasm')));
const cores = new Map<DotVariant, WebAssembly.Module>();

/** The functions of the relaxed core that have relaxed dot products. */
export function functionsWithDots(): number[] {
  const [, code] = sectionsOf(built('core.relaxed.wasm')).find(([id]) => id === CODE)!;
  return new Reader(code).bodies().flatMap((body, i) => (Buffer.from(body).includes(Buffer.from(OPCODE)) ? [i] : []));
}

/** The relaxed core with one broken function. */
export function breakFunction(broken: number): WebAssembly.Module {
  return new WebAssembly.Module(emulate(built('core.relaxed.wasm'), (i) => (i === broken ? 'broken' : 'sdot')));
}

/** An engine, or the number of one whose compilers differ from function to function. */
export type DotVariant = DotEngine | number;
const MIXTURES = 4;
export const dotVariants: readonly DotVariant[] = [...dotEngines, ...Array.from({ length: MIXTURES }, (_, i) => i)];

/** Loads a file with the relaxed core of an engine. */
export function loadOn(engine: DotVariant, file: Uint8Array): Model {
  let wasm = cores.get(engine);
  if (!wasm) {
    const mixed = (i: number, mixture: number): DotEngine =>
      dotEngines[(Math.imul(i + 1, 0x9e3779b1 + 2 * mixture) >>> 16) % dotEngines.length]!;
    const core = emulate(built('core.relaxed.wasm'), (i) => (typeof engine === 'number' ? mixed(i, engine) : engine));
    wasm = new WebAssembly.Module(core);
    cores.set(engine, wasm);
  }
  return loadSync(file, { wasm, extra });
}
