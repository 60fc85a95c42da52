import { checkOptions, type Options } from '../arguments';
import { describeValue, KletError, messageOf, type KletErrorCode } from '../errors';
import { streamOptions } from './stream';
import type { ListenerMessage, ListenerSetup } from './worklet';

export interface ListenOptions {
  /** Bytes of a `.klet` file with audio preprocessing. */
  klet: ArrayBuffer | Uint8Array;
  /** Sample rate of the model: `model.meta.preprocessing.sampleRate`. */
  sampleRate: number;
  /**
   * Bytes of kinglet/core.scalar.wasm, for engines without SIMD, because the worklet contains only
   * the other cores and cannot fetch.
   */
  wasm?: ArrayBuffer | Uint8Array;
  /** Bytes of kinglet/extra.simd.wasm, for networks with rare operators. */
  extra?: ArrayBuffer | Uint8Array;
  /** URL of `kinglet/audio/worklet` (dist/worklet.js). */
  worklet: string | URL;
  /** Receives the model's output as real numbers, after every prediction. */
  onOutput: (output: Float32Array, frame: number) => void;
  /** Receives the signal level 20 times a second: root mean square and peak, 0..1. */
  onLevel?: (level: { rms: number; peak: number }) => void;
  /** Receives an error that ended listening. */
  onError?: (error: KletError) => void;
  /** Number of frames between outputs, as in `createAudioStream`. */
  every?: number;
  /** Name of the output to report. Default: the first. */
  output?: string;
  /** The audio source. Default: the microphone. */
  source?: MediaStream;
}

const listenOptions = {
  ...streamOptions,
  klet: 'object',
  sampleRate: 'number',
  wasm: 'object',
  extra: 'object',
  worklet: 'any',
  onOutput: 'function',
  onLevel: 'function',
  onError: 'function',
  source: 'object',
} satisfies Options<ListenOptions>;

export interface Listening {
  readonly context: AudioContext;
  /**
   * The audio source as the browser opened it. The worklet resamples it if its rate is not the
   * model's.
   */
  readonly stream: MediaStream;
  /** Size of the model's memory, in bytes. */
  readonly memory: number;
  /** Stops listening, and releases the microphone if `listen` opened it. */
  stop(): Promise<void>;
}

/**
 * Runs a model on the microphone in a page. Resampling, features and the network run in an audio
 * worklet.
 *
 * Call it from a click handler, because browsers start audio only after a user gesture. It requests
 * audio without echo cancellation, noise suppression and gain control, because they make audio
 * differ from training data.
 *
 * @throws KletError the errors of `createAudioStream` in the worklet, `FETCH_FAILED` if the worklet
 *   is not found; DOMException `NotAllowedError` or `NotFoundError` from opening the microphone
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  checkListening(options);
  const { klet, wasm, extra, sampleRate, worklet, onOutput, onLevel, onError, every, output, source } = options;
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
      throw new KletError('FETCH_FAILED', `cannot load the audio worklet ${String(worklet)}: ${messageOf(cause)}`, {
        cause,
      });
    });
    const setup: ListenerSetup = {
      klet,
      ...(wasm && { wasm }),
      ...(extra && { extra }),
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
    // the node outputs silence, but some browsers run only connected nodes
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

function checkListening(options: ListenOptions): void {
  checkOptions(options, listenOptions, 'listen()');
  const wanted = {
    klet: 'the bytes of the .klet file',
    sampleRate: 'model.meta.preprocessing.sampleRate',
    worklet: 'the URL of kinglet/audio/worklet, for example new URL("kinglet/audio/worklet", import.meta.url)',
    onOutput: 'a function that receives the outputs',
  };
  for (const [name, what] of Object.entries(wanted)) {
    if (options[name as keyof typeof wanted] === undefined) {
      throw new KletError('BAD_ARGUMENT', `listen() needs the option "${name}": ${what}`);
    }
  }
  const { klet, wasm, extra, worklet } = options;
  for (const [name, bytes] of Object.entries({ klet, wasm, extra })) {
    if (bytes !== undefined && !(bytes instanceof ArrayBuffer || ArrayBuffer.isView(bytes))) {
      throw new KletError('BAD_ARGUMENT', `the option "${name}" of listen() takes bytes, not ${describeValue(bytes)}`);
    }
  }
  if (typeof worklet !== 'string' && !(worklet instanceof URL)) {
    throw new KletError('BAD_ARGUMENT', `the option "worklet" of listen() takes a URL, not ${describeValue(worklet)}`);
  }
  if (typeof AudioContext !== 'function') {
    throw new KletError(
      'BAD_ARGUMENT',
      'there is no AudioContext here: listen() runs in pages, not in workers or Node',
    );
  }
  if (options.source === undefined && !globalThis.navigator?.mediaDevices) {
    throw new KletError(
      'BAD_ARGUMENT',
      'this page has no access to microphones (navigator.mediaDevices): serve it over HTTPS or from localhost',
    );
  }
}

/**
 * Connects the stream to a context of the wanted rate. Where the browser refuses (Firefox throws
 * NotSupportedError), the context has the browser's default rate.
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
