import { describeValue, KletError, messageOf } from '../errors';

/**
 * What `load` takes: a path or URL, a fetch Response, a Blob or File, a byte stream, or the bytes.
 */
export type Source = string | URL | Response | Blob | ReadableStream<Uint8Array> | ArrayBuffer | ArrayBufferView;

export interface ReadOptions {
  /** Called with the bytes read so far and, when known, how many there will be. */
  onProgress?: (progress: { loaded: number; total?: number }) => void;
  /** Stops the reading; the promise then rejects with code `ABORTED`. */
  signal?: AbortSignal;
  /**
   * Gives up when no byte has come for this many milliseconds, with code `FETCH_FAILED`. Default:
   * waits as long as the engine does.
   */
  timeout?: number;
}

/**
 * Reads a file by path; only Node's entry has one. Gives a stream for what has no size, such as a
 * pipe.
 */
export type PathReader = (
  path: string | URL,
  options: { signal?: AbortSignal },
) => Promise<Uint8Array | ReadableStream<Uint8Array>>;

/**
 * Looks at the first bytes of a stream, at least 32 of them if there are as many.
 *
 * @returns the bytes after which reading may stop
 * @throws an error that ends the reading
 */
export type LookAtStart = (start: Uint8Array) => number;

const START_BYTES = 32;
/** Timers of more milliseconds fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @returns the bytes, when they are there already */
export function asBytes(source: unknown): Uint8Array | undefined {
  try {
    if (source instanceof Uint8Array) return source;
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    return source instanceof ArrayBuffer ? new Uint8Array(source) : undefined;
  } catch (cause) {
    throw gone(cause);
  }
}

function gone(cause: unknown): KletError {
  return new KletError('BAD_ARGUMENT', 'the bytes are gone: their buffer was transferred', { cause });
}

/** A copy of the bytes, when they are there already, which the caller can no longer change. */
export function copyBytes(source: unknown): Uint8Array | undefined {
  const bytes = asBytes(source);
  try {
    return bytes && new Uint8Array(bytes);
  } catch (cause) {
    throw gone(cause);
  }
}

/**
 * Brings a source's bytes into memory. Bytes are copied before the first await, because the caller
 * may change or transfer them afterwards.
 *
 * @throws KletError `FETCH_FAILED`, `ABORTED` or `BAD_ARGUMENT`
 */
export async function readBytes(
  source: Source,
  options: ReadOptions,
  readPath?: PathReader,
  look: LookAtStart = () => Infinity,
): Promise<Uint8Array> {
  const { signal, onProgress } = options;
  const reading: Reading = { ...options, name: nameOf(source), look };
  if (signal?.aborted) throw stopped(reading);
  const here = copyBytes(source);
  if (here) return here;
  try {
    if (typeof source === 'string' || isUrl(source)) {
      const text = String(source);
      if (readPath && !/^(https?|data|blob):/i.test(text)) {
        const opening = readPath(source, options);
        // a pipe opens when somebody writes to it; then the caller may have left
        const closeLate = (): void => {
          const close = (late: Uint8Array | ReadableStream): unknown => late instanceof Uint8Array || late.cancel();
          void opening.then(close).catch(() => undefined);
        };
        const found = await wait(opening, reading, closeLate);
        const bytes = asBytes(found);
        if (!bytes) return await readStream(found as ReadableStream<Uint8Array>, undefined, reading);
        if (signal?.aborted) throw stopped(reading);
        onProgress?.({ loaded: bytes.length, total: bytes.length });
        return bytes;
      }
      if (!hasPaths(text)) {
        throw new KletError(
          'FETCH_FAILED',
          `cannot read ${nameOf(source)}: this entry of kinglet reads URLs and bytes, not paths; ` +
            "pass the file's bytes, or in Node import 'kinglet'",
        );
      }
      const connection = typeof AbortController === 'function' ? new AbortController() : undefined;
      const fetching = fetch(text, connection ? { signal: connection.signal } : {});
      return await readResponse(await wait(fetching, reading, () => connection?.abort()), text, reading);
    }
    if (typeof Response === 'function' && source instanceof Response) {
      return await readResponse(source, source.url || 'the response', reading);
    }
    if (typeof Blob === 'function' && source instanceof Blob) {
      return await readStream(source.stream(), source.size, reading);
    }
    if (typeof ReadableStream === 'function' && source instanceof ReadableStream) {
      return await readStream(source, undefined, reading);
    }
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    if (signal?.aborted) throw stopped(reading);
    const advice = isWebAddress(source)
      ? '; check the address and the network, and that the server allows requests from this origin (CORS)'
      : '';
    throw new KletError('FETCH_FAILED', `cannot read ${nameOf(source)}: ${messageOf(cause)}${advice}`, { cause });
  }
  throw new KletError(
    'BAD_ARGUMENT',
    `a model or core comes from a path, URL, Response, Blob, stream or bytes, not from ${describeValue(source)}`,
  );
}

/** A source while it is read. */
interface Reading extends ReadOptions {
  name: string;
  look: LookAtStart;
}

function stopped({ name, signal }: Reading): KletError {
  return new KletError('ABORTED', `loading ${name} was aborted`, { cause: signal?.reason });
}

/** Waits for a promise, unless the signal fires or the time is over, which calls `giveUp`. */
async function wait<T>(promise: Promise<T>, reading: Reading, giveUp?: (reason?: unknown) => void): Promise<T> {
  const { signal, timeout, name } = reading;
  if (!signal && timeout === undefined) return promise;
  let abort: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<never>((_, reject) => {
    const leave = (error: KletError): void => {
      reject(error);
      giveUp?.(error.cause);
    };
    abort = () => {
      leave(stopped(reading));
    };
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    if (timeout === undefined) return;
    const advice = 'check the network, or raise the option "timeout"';
    const late = new KletError('FETCH_FAILED', `no byte of ${name} came for ${timeout} ms; ${advice}`);
    timer = setTimeout(leave, Math.min(timeout, LONGEST_TIMER), late);
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort!);
  }
}

async function readResponse(response: Response, name: string, reading: Reading): Promise<Uint8Array> {
  if (!response.ok) {
    throw new KletError(
      'FETCH_FAILED',
      `the server answered ${name} with HTTP status ${response.status} ${response.statusText}; check the URL`,
    );
  }
  if (response.bodyUsed) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the body of the response from ${name} has been read already; pass a new response or the bytes`,
    );
  }
  const encoded = response.headers.get('content-encoding');
  const total = encoded ? 0 : Number(response.headers.get('content-length') ?? 0);
  if (!response.body) return new Uint8Array(await wait(response.arrayBuffer(), reading));
  return readStream(response.body, total || undefined, reading);
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  total: number | undefined,
  reading: Reading,
): Promise<Uint8Array> {
  const { look, onProgress, signal } = reading;
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  let enough: number | undefined;
  const cancel = (reason?: unknown): void => {
    void reader.cancel(reason).catch(() => undefined);
  };
  try {
    while (loaded <= (enough ?? Infinity)) {
      const { done, value } = await wait(reader.read(), reading, cancel);
      if (signal?.aborted) throw stopped(reading);
      if (done) return joined(chunks, loaded);
      if (!(value instanceof Uint8Array)) {
        throw new KletError('BAD_ARGUMENT', `the stream must give bytes (Uint8Array), not ${describeValue(value)}`);
      }
      chunks.push(value);
      loaded += value.length;
      if (enough === undefined && loaded >= START_BYTES) enough = look(joined(chunks, loaded));
      onProgress?.(total === undefined ? { loaded } : { loaded, total });
    }
  } catch (error) {
    cancel(error);
    throw error;
  }
  cancel();
  return joined(chunks, loaded);
}

/** @returns the bytes of all chunks, which are so many together */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

export function nameOf(source: unknown): string {
  if (typeof source === 'string' || isUrl(source)) return `"${String(source)}"`;
  if (typeof Response === 'function' && source instanceof Response && source.url) return `"${source.url}"`;
  return 'the model';
}

function isWebAddress(source: unknown): boolean {
  return (typeof source === 'string' || isUrl(source)) && /^https?:/i.test(String(source));
}

/**
 * Whether `fetch` can resolve the text: it is a URL, or there is a page or worker that it is
 * relative to.
 */
function hasPaths(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:/i.test(text) || typeof location !== 'undefined';
}

/** Worklets have no URL. */
function isUrl(value: unknown): value is URL {
  return typeof URL === 'function' && value instanceof URL;
}
