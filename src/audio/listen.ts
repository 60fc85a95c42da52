import { KletError, type KletErrorCode } from '../errors';
import type { ListenerMessage, ListenerSetup } from './worklet';

export interface ListenOptions {
  /** The bytes of the `.klet` file, whose `meta.preprocessing` is of sound. */
  klet: ArrayBuffer | Uint8Array;
  /** What the model wants: `model.meta.preprocessing.sampleRate`. */
  sampleRate: number;
  /**
   * The bytes of kinglet/core.scalar.wasm, for engines without SIMD: the worklet has the other
   * cores inside, and can fetch none.
   */
  wasm?: ArrayBuffer | Uint8Array;
  /** Where `kinglet/audio/worklet` (dist/worklet.js) is served. */
  worklet: string | URL;
  /** Real numbers of the model's output, for every prediction. */
  onOutput: (output: Float32Array, frame: number) => void;
  /** Loudness, 20 times a second: root mean square and largest sample, 0..1. */
  onLevel?: (level: { rms: number; peak: number }) => void;
  /** What went wrong while listening; listening has ended then. */
  onError?: (error: KletError) => void;
  /** Frames from one output to the next, as in `createAudioStream`. */
  every?: number;
  /** The output that is handed on, by name; the first unless told. */
  output?: string;
  /** What to listen to; the microphone unless told. */
  source?: MediaStream;
}

export interface Listening {
  readonly context: AudioContext;
  /** As the browser gave it: where it is not the model's, the worklet resamples. */
  readonly stream: MediaStream;
  /** Bytes of the model's memory. */
  readonly memory: number;
  /** Ends it, and gives the microphone back if it was asked for here. */
  stop(): Promise<void>;
}

/**
 * Listens to the microphone in a page: samples, features and the network all run in an audio
 * worklet.
 *
 * Call it from a click: browsers let sound begin only then. The sound is asked for without echo
 * cancelling, noise suppression and gain control, which would make it other than what models are
 * trained with.
 *
 * @throws KletError what `createAudioStream` throws in the worklet, `FETCH_FAILED` when the worklet
 *   is not found; DOMException `NotAllowedError` or `NotFoundError` of the microphone
 */
export async function listen(
  { klet, wasm, sampleRate, worklet, onOutput, onLevel, onError, every, output, source }: ListenOptions,
): Promise<Listening> {
  const stream = source ??
    await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  const opened: AudioContext[] = [];
  const stop = async (): Promise<void> => {
    if (!source) { for (const track of stream.getTracks()) track.stop(); }
    for (const context of opened) if (context.state !== 'closed') await context.close();
  };
  try {
    const microphone = connect(stream, opened, sampleRate);
    const { context } = microphone;
    await context.audioWorklet.addModule(worklet).catch((cause: unknown) => {
      throw new KletError(
        'FETCH_FAILED',
        `the audio worklet ${String(worklet)} could not be loaded: ${
          cause instanceof Error ? cause.message : String(cause)
        }`,
        { cause },
      );
    });
    const setup: ListenerSetup = {
      klet,
      ...(wasm && { wasm }),
      ...(every !== undefined && { every }),
      ...(output !== undefined && { output }),
    };
    const node = new AudioWorkletNode(context, 'kinglet-listener', { processorOptions: setup });
    const memory = await new Promise<number>((resolve, reject) => {
      let ready = false;
      const fail = (error: KletError): void => {
        if (!ready) reject(error);
        else void stop().then(() => onError?.(error));
      };
      node.onprocessorerror = () => fail(new KletError('BAD_ARGUMENT', 'the audio worklet failed'));
      node.port.onmessage = ({ data }: MessageEvent<ListenerMessage>) => {
        if (data.kind === 'output') onOutput(data.output, data.frame);
        else if (data.kind === 'level') onLevel?.(data);
        else if (data.kind === 'error') fail(new KletError(data.code as KletErrorCode, data.message));
        else {
          ready = true;
          resolve(data.memory);
        }
      };
    });
    microphone.connect(node);
    // its output is silence; some browsers run only what is connected
    node.connect(context.destination);
    await context.resume();
    return {
      context,
      stream,
      memory,
      async stop() {
        node.port.postMessage('stop');
        node.disconnect();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The stream in a context of the wanted rate, or, where a browser has no such context or does not
 * resample streams (Firefox: both say NotSupportedError), in one of its own rate.
 */
function connect(
  stream: MediaStream,
  opened: AudioContext[],
  sampleRate: number,
): MediaStreamAudioSourceNode & { context: AudioContext } {
  const open = (options: AudioContextOptions): MediaStreamAudioSourceNode => {
    const context = new AudioContext(options);
    opened.push(context);
    return context.createMediaStreamSource(stream);
  };
  try {
    return open({ sampleRate }) as ReturnType<typeof connect>;
  } catch (error) {
    if ((error as Error).name !== 'NotSupportedError') throw error;
    return open({}) as ReturnType<typeof connect>;
  }
}
