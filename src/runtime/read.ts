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
}

/** Reads a file by path; only Node's entry has one. */
export type PathReader = (path: string | URL) => Promise<Uint8Array>;

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
export async function readBytes(source: Source, options: ReadOptions, readPath?: PathReader): Promise<Uint8Array> {
  const { signal, onProgress } = options;
  const stopped = (): KletError =>
    new KletError('ABORTED', `loading ${nameOf(source)} was aborted`, { cause: signal?.reason });
  if (signal?.aborted) throw stopped();
  const here = copyBytes(source);
  if (here) return here;
  try {
    if (typeof source === 'string' || isUrl(source)) {
      const text = String(source);
      if (readPath && !/^(https?|data|blob):/i.test(text)) {
        const bytes = await readPath(source);
        if (signal?.aborted) throw stopped();
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
      return await readResponse(await fetch(text, signal ? { signal } : {}), text, options, stopped);
    }
    if (typeof Response === 'function' && source instanceof Response) {
      return await readResponse(source, source.url || 'the response', options, stopped);
    }
    if (typeof Blob === 'function' && source instanceof Blob) {
      return await readStream(source.stream(), source.size, options, stopped);
    }
    if (typeof ReadableStream === 'function' && source instanceof ReadableStream) {
      return await readStream(source, undefined, options, stopped);
    }
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    if (signal?.aborted) throw stopped();
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

async function readResponse(
  response: Response,
  name: string,
  options: ReadOptions,
  stopped: () => KletError,
): Promise<Uint8Array> {
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
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  return readStream(response.body, total || undefined, options, stopped);
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  total: number | undefined,
  options: ReadOptions,
  stopped: () => KletError,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  const cancel = (): void => {
    void reader.cancel(options.signal?.reason).catch(() => undefined);
  };
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (options.signal?.aborted) throw stopped();
      if (done) break;
      if (!(value instanceof Uint8Array)) {
        throw new KletError('BAD_ARGUMENT', `the stream must give bytes (Uint8Array), not ${describeValue(value)}`);
      }
      chunks.push(value);
      loaded += value.length;
      options.onProgress?.(total === undefined ? { loaded } : { loaded, total });
    }
  } finally {
    options.signal?.removeEventListener('abort', cancel);
  }
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(loaded);
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
