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

/** What one engine is to run. */
export interface Task {
  engine: string;
  options: EngineOptions;
  /** The network's file, by the name that `read` knows. */
  file: string;
  /**
   * Sets of inputs: raw bytes, one tensor behind the other, set after set. The first one is timed,
   * all are answered.
   */
  inputs: { file: string; tensors: { dtype: 'float32' | 'int8' | 'uint8' | 'int32'; count: number }[]; sets: number };
}

export interface Started {
  /** Milliseconds from the network's bytes in memory to its first answer. */
  firstMs: number;
  /** Values of each output, evenly picked where there are many, for each set of inputs. */
  outputs: number[][];
  /** Of all bytes of all outputs. */
  hash: string;
  /** Bytes of the network's memory, or of all WebAssembly memories of the page. */
  memory?: number;
  info?: Record<string, unknown>;
}

const arrays = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
const MOST_VALUES = 4096;
/** The clock ticks every 5 µs in an isolated page; a sample of 100 ticks is right to a percent. */
const SAMPLE_MS = 0.5;
/** Others ran meanwhile: caches and the clock's speed come back first. */
const SETTLE_MS = 2;

/** Where an engine runs a network, or several do by turns: a page, or a process. */
export class Stand {
  /**
   * In the order in which they were started, and the runs that one sample of each times together.
   */
  private readonly started: { session: Session; runs: number }[] = [];

  constructor(
    private readonly read: (file: string) => Promise<Uint8Array>,
    private readonly allMemories?: () => number,
  ) {}

  async start({ engine, options, file, inputs }: Task): Promise<Started> {
    const bytes = await this.read(file);
    const sets = splitInputs(await this.read(inputs.file), inputs);
    // engines hold on to these arrays; what a prediction takes is what is in them
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
   * Runs each for a while, until compilers have done their work, and finds out how many runs make a
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

  /** Samples one of them for a while. @returns milliseconds of a run, one value a sample */
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
