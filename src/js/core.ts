import { given, isMixed, keep, wanted } from '../../build/records.js';
import type { Core, CoreOf, SharedMemory } from '../runtime/core';
import { f32 } from './arithmetic';
import { crc32 } from './crc32';
import { readFrom } from './load';
import { decode } from './decode';
import { memoryOf, type Memory } from './memory';
import { quantizeAll } from './quantize';
import { keptBytes, operators } from './operators';
import { each, type PlainExtra } from './run';
import { faultOffset, noting, runUnified, validate } from './validate';

// The core in plain JavaScript, for engines without WebAssembly, behind the exports of the other
// cores.

/** Whether none of n floats is NaN. */
function allNumbers(a: Float32Array, at: number, n: number): boolean {
  for (let i = at; i < at + n; i++) if (a[i] !== a[i]) return false;
  return true;
}

/** A core with its own memory of `bytes` bytes. */
export const plainCore: CoreOf = function(bytes, rare): Core {
  const extra = rare as PlainExtra | undefined;
  const run = { ...operators.run, ...extra?.run };
  const buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
  const memory = new Uint8Array(buffer);
  const signed = new Int8Array(buffer);
  const floats = new Float32Array(buffer);
  let m: Memory;
  let unifies = false;
  return {
    memory,
    // no thread shares it; only its buffer is read
    shared: { buffer } as SharedMemory,
    exports: {
      validate: () => validate(buffer, extra),
      faultOffset: () => faultOffset,
      given: noting(buffer, given),
      wanted: noting(buffer, wanted),
      keep(to) {
        readFrom(buffer);
        keep(to);
      },
      prepare() {
        readFrom(buffer);
        unifies = isMixed();
        m = memoryOf(buffer);
        each({ ...operators.prepare, ...extra?.prepare }, m, 0, m.plan.length * 4);
      },
      run(from, to) {
        if (unifies) {
          runUnified(buffer, extra, from, to, function(at) {
            each(run, m, at, at + 1);
          });
        } else each(run, m, from, to);
        return -1;
      },
      // it keeps arrays beside the memory, and has no scratch in it
      scratchOf: () => keptBytes(memoryOf(buffer)),
      decode: (coded, size) => decode(buffer, coded, size),
      crc32: (at, size, crc) => crc32(memory, at, at + size, crc),
      allNumbers: (at, n) => (allNumbers(floats, at >> 2, n) ? 1 : 0),
      quantizeInput(at, n, scale, zero, unsigned) {
        if (!allNumbers(floats, at >> 2, n)) return 0;
        quantizeAll(floats, at >> 2, signed, at, n, f32(scale), unsigned ? zero - 128 : zero);
        if (unsigned) { for (let i = at; i < at + n; i++) memory[i]! ^= 128; }
        return 1;
      },
      flavor: () => 3,
      register() {},
      serve() {},
    },
  };
};
