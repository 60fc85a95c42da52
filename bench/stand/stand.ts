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

/** The task of one engine. */
export interface Task {
  engine: string;
  options: EngineOptions;
  /** Name of the network's file, for `read`. */
  file: string;
  /**
   * Sets of inputs as raw bytes, tensor after tensor and set after set. The first set is timed; all
   * sets are answered.
   */
  inputs: { file: string; tensors: { dtype: 'float32' | 'int8' | 'uint8' | 'int32'; count: number }[]; sets: number };
}

export interface Started {
  /** Milliseconds from the network's bytes in memory to its first answer. */
  firstMs: number;
  /** For each set of inputs, the values of each output, sampled evenly if there are many. */
  outputs: number[][];
  /** Hash of all output bytes. */
  hash: string;
  /** Size of the network's memory, or of all WebAssembly memories of the page, in bytes. */
  memory?: number;
  info?: Record<string, unknown>;
}

const arrays = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
const MOST_VALUES = 4096;
/**
 * Length of a sample: 100 ticks of the clock (5 µs in an isolated page), for an error of one
 * percent.
 */
const SAMPLE_MS = 0.5;
/**
 * Time to run before sampling, so that caches and the clock frequency recover from the other
 * engines.
 */
const SETTLE_MS = 2;

/** A page or process in which one engine runs, or several run by turns. */
export class Stand {
  /**
   * Sessions in the order of their start, with the number of runs per sample.
   */
  private readonly started: { session: Session; runs: number }[] = [];

  constructor(
    private readonly read: (file: string) => Promise<Uint8Array>,
    private readonly allMemories?: () => number,
  ) {}

  async start({ engine, options, file, inputs }: Task): Promise<Started> {
    const bytes = await this.read(file);
    const sets = splitInputs(await this.read(inputs.file), inputs);
    // engines keep references to these arrays and read their contents at each prediction
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
   * Runs each session until the compilers have finished, and determines the number of runs per
   * sample.
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
   * Samples one session for `ms` milliseconds. @returns milliseconds per run, one value per sample
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
  const step = Math.ceil(values.length / MOST_VALUES);
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
