import { core } from '../engines/core';
import { kinglet } from '../engines/kinglet';
import { litert } from '../engines/litert';
import { onnxruntime } from '../engines/onnxruntime';
import { roofline } from '../engines/roofline';
import { tfjs } from '../engines/tfjs';
import { xnnpack } from '../engines/xnnpack';
import type { Engine, EngineOptions, Session, Values } from './engine';

export type { Values };

const engines: Record<string, Engine> = { kinglet, core, xnnpack, litert, onnxruntime, tfjs, roofline };

/** A network with inputs for one engine. */
export interface Task {
  engine: string;
  options: EngineOptions;
  /** Name of the network's file, for `read`. */
  file: string;
  /**
   * Sets of inputs: a file with the raw bytes of all tensors of the first set, then of the second
   * set, and so on. Runs are timed with the first set; outputs are returned for all sets.
   */
  inputs: { file: string; tensors: { dtype: 'float32' | 'int8' | 'uint8' | 'int32'; count: number }[]; sets: number };
}

export interface Started {
  /** Milliseconds from the network's bytes in memory to its first answer. */
  firstMs: number;
  /** Values of each output for each set of inputs; of a large output, evenly spaced ones. */
  outputs: number[][];
  /** Hash of all bytes of all outputs. */
  hash: string;
  /** Memory of the network, or else all WebAssembly memories of the page, in bytes. */
  memory?: number;
  info?: Record<string, unknown>;
}

const arrays = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
/** Maximum number of values returned of one output. */
const MAX_VALUES = 4096;
/**
 * Minimum duration of a sample. The clock of an isolated page ticks every 5 µs, so a sample spans
 * 100 ticks and its error is at most 1 %.
 */
const SAMPLE_MS = 0.5;
/** Untimed runs at the start of a turn, which restore caches and the clock rate. */
const SETTLE_MS = 2;

/** Runs one or more sessions in a page or a process. */
export class Stand {
  /** Sessions in the order in which they were started, with the number of runs per sample. */
  private readonly started: { session: Session; runs: number }[] = [];

  constructor(
    private readonly read: (file: string) => Promise<Uint8Array>,
    private readonly allMemories?: () => number,
  ) {}

  async start({ engine, options, file, inputs }: Task): Promise<Started> {
    const bytes = await this.read(file);
    const sets = splitInputs(await this.read(inputs.file), inputs);
    // engines keep these arrays and read their current contents on each run
    const values = sets[0]!.map((array) => array.slice());
    const open = await engines[engine]!(bytes, values, options);
    const start = performance.now();
    const session = await open();
    await session.run();
    const firstMs = performance.now() - start;
    const memory = session.memory ?? this.allMemories?.();
    const outputs: number[][] = [];
    const hashes: string[] = [];
    for (const set of [...sets.slice(1), sets[0]!]) {
      set.forEach((array, i) => values[i]!.set(array));
      await session.run();
      outputs.push(...session.outputs().map(pickValues));
      hashes.push(hashOf(session.outputs()));
    }
    this.started.push({ session, runs: 1 });
    return {
      firstMs,
      outputs,
      hash: hashes.join(' '),
      ...(memory !== undefined && { memory }),
      ...(session.info && { info: session.info }),
    };
  }

  /**
   * Runs every session for `ms` milliseconds, so that the engine's compilers finish, and derives
   * the number of runs per sample.
   */
  async warmUp(ms: number): Promise<void> {
    for (const entry of this.started) {
      const start = performance.now();
      let count = 0;
      let elapsed = 0;
      while (elapsed < ms || count < 3) {
        const pending = entry.session.run();
        if (pending) await pending;
        count++;
        elapsed = performance.now() - start;
      }
      entry.runs = Math.max(1, Math.ceil(SAMPLE_MS / (elapsed / count)));
    }
  }

  /**
   * Samples one session for `ms` milliseconds.
   *
   * @returns milliseconds per run, one value per sample
   */
  async visit(ms: number, which = 0): Promise<number[]> {
    const { session, runs } = this.started[which]!;
    const samples: number[] = [];
    const repeat = async (): Promise<number> => {
      const start = performance.now();
      for (let i = 0; i < runs; i++) {
        const pending = session.run();
        if (pending) await pending;
      }
      return performance.now() - start;
    };
    for (let settled = 0; settled < SETTLE_MS;) settled += await repeat();
    for (let spent = 0; spent < ms;) {
      const elapsed = await repeat();
      samples.push(elapsed / runs);
      spent += elapsed;
    }
    return samples;
  }
}

function splitInputs(raw: Uint8Array, { tensors, sets }: Task['inputs']): Values[][] {
  let at = 0;
  return Array.from({ length: sets }, () =>
    tensors.map(({ dtype, count }) => {
      const array = new arrays[dtype](raw.slice(at, at + count * arrays[dtype].BYTES_PER_ELEMENT).buffer);
      at += array.byteLength;
      return array;
    }));
}

function pickValues(values: Values): number[] {
  const step = Math.ceil(values.length / MAX_VALUES);
  return Array.from(step === 1 ? values : values.filter((_, i) => i % step === 0));
}

/** FNV-1a */
function hashOf(outputs: Values[]): string {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of outputs) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16);
}
