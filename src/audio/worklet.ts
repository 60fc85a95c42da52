// kinglet/audio/worklet: the processor that `listen` starts with AudioWorklet.addModule. One file
// that contains the runtime.
import { KletError, messageOf } from '../errors';
import { Cores, openSync, type LoadSyncOptions } from '../runtime/cores';
import { PAGE_MEMORY } from '../limits';
import { Engine } from '../runtime/engine';
import type { Inputs, OutputTargets } from '../runtime/types';
import { simdCores } from '../runtime/unpack';
import { Resampler } from './resample';
import { AudioStream, type StreamingModel } from './stream';

const cores = new Cores(simdCores);

/** Options of the processor. */
export interface ListenerSetup {
  /** Bytes of the `.klet` file. */
  klet: ArrayBuffer | Uint8Array;
  /** Bytes of the scalar core, for engines without SIMD. */
  wasm?: ArrayBuffer | Uint8Array;
  /** Bytes of the extra module, for networks with rare operators. */
  extra?: ArrayBuffer | Uint8Array;
  every?: number;
  output?: string;
}

interface ReadyMessage {
  kind: 'ready';
  sampleRate: number;
  frames: number;
  features: number;
  memory: number;
}
interface OutputMessage {
  kind: 'output';
  output: Float32Array;
  frame: number;
}
interface LevelMessage {
  kind: 'level';
  rms: number;
  peak: number;
}
interface ErrorMessage {
  kind: 'error';
  code: string;
  message: string;
}
/** Messages of the processor: one `ready`, then outputs and levels, or an error, which ends it. */
export type ListenerMessage = ReadyMessage | OutputMessage | LevelMessage | ErrorMessage;

// globals of AudioWorkletGlobalScope, which TypeScript's DOM library lacks
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

/** Seconds between level messages. */
const LEVEL_EVERY = 0.05;

class Listener extends AudioWorkletProcessor {
  private stream: AudioStream | undefined;
  private resampler: Resampler | undefined;
  private mixed = new Float32Array(128);
  private squares = 0;
  private peak = 0;
  private heard = 0;

  constructor({ processorOptions: { klet, wasm, extra, ...options } }: { processorOptions: ListenerSetup }) {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === 'stop') this.stream = undefined;
    };
    this.attempt(() => {
      const model = modelOf(klet, { ...(wasm && { wasm }), ...(extra && { extra }) });
      const stream = new AudioStream(model, options);
      const { front, frames } = stream;
      if (front.sampleRate !== sampleRate) this.resampler = new Resampler(sampleRate, front.sampleRate);
      this.say({ kind: 'ready', sampleRate: front.sampleRate, frames, features: front.features, memory: model.total });
      this.stream = stream;
    });
  }

  process([channels]: Float32Array[][]): boolean {
    // a silent or disconnected source has no channels
    if (this.stream && channels && channels.length > 0) this.attempt(() => this.hear(channels));
    return this.stream !== undefined;
  }

  private hear(channels: Float32Array[]): void {
    const samples = channels.length === 1 ? channels[0]! : this.mix(channels);
    for (let i = 0; i < samples.length; i++) {
      const x = samples[i]!;
      this.squares += x * x;
      this.peak = Math.max(this.peak, Math.abs(x));
    }
    this.heard += samples.length;
    if (this.heard >= sampleRate * LEVEL_EVERY) {
      this.say({ kind: 'level', rms: Math.sqrt(this.squares / this.heard), peak: this.peak });
      this.squares = this.peak = this.heard = 0;
    }
    if (this.resampler) this.resampler.push(samples, this.take);
    else this.take(samples);
  }

  private readonly take = (samples: Float32Array): void => this.stream!.push(samples, this.tell);

  private readonly tell = (output: Float32Array, frame: number): void => this.say({ kind: 'output', output, frame });

  /** Mixes the channels to mono. */
  private mix(channels: Float32Array[]): Float32Array {
    const { length } = channels[0]!;
    if (this.mixed.length !== length) this.mixed = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let c = 0; c < channels.length; c++) sum += channels[c]![i]!;
      this.mixed[i] = sum / channels.length;
    }
    return this.mixed;
  }

  private say(message: ListenerMessage): void {
    this.port.postMessage(message);
  }

  /**
   * Posts an error as a message and ends the processor, because nobody sees exceptions of a
   * processor.
   */
  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.stream = undefined;
      this.say({
        kind: 'error',
        code: error instanceof KletError ? error.code : 'BAD_ARGUMENT',
        message: messageOf(error),
      });
    }
  }
}

/** The part of a model that a stream needs. Its only state stays in the arena. */
function modelOf(klet: ListenerSetup['klet'], options: LoadSyncOptions): StreamingModel & { total: number } {
  const [core, parts, limits] = openSync(cores, klet, options, PAGE_MEMORY);
  const engine = new Engine(core, parts, 'the model', limits, 1, undefined);
  const state = { activate: () => undefined, deactivate: () => undefined };
  const runner = {
    predictInto: (inputs: Inputs, outputs: OutputTargets) => engine.predictInto(inputs, outputs, state),
    reset: () => engine.live.set(engine.initial),
  };
  runner.reset();
  return {
    inputs: parts.meta.inputs,
    outputs: parts.meta.outputs,
    meta: parts.meta,
    memory: engine.memory,
    total: engine.memory.total,
    predictInto: runner.predictInto,
    createState: () => runner,
  };
}

registerProcessor('kinglet-listener', Listener);
