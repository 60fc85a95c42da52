import { KletError, messageOf } from '../errors';
import type { Entry, EntryWriter, Info } from './cacheEntry';
import { joined, type LookAtStart, type readBytes, type ReadOptions } from './read';

// Downloads a file and goes on where an earlier download, or an earlier connection, has stopped
// (RFC 9110, section 14: Range, If-Range and Content-Range).

/** How `load` reads a response. */
export type Reader = typeof readBytes;

/** What a download needs to know. */
export interface DownloadRequest {
  url: string;
  entry: Entry;
  read: Reader;
  look: LookAtStart;
  options: ReadOptions;
  /** Whether a hash of the file is known, which tells a mixture of two versions. */
  hasHash: boolean;
}

/** Connections of one download. A later `load` goes on from there. */
const ATTEMPTS = 5;

/** The version of a file as its server names it: ETag, else the date and size. */
export function versionOf({ headers }: Response): string | undefined {
  const date = headers.get('last-modified');
  return headers.get('etag') ?? (date ? `${date} ${headers.get('content-length')}` : undefined);
}

/** Only a strong ETag says that two answers have the same bytes. */
function isStrong(version: string | undefined): boolean {
  return version !== undefined && version.startsWith('"');
}

/**
 * Requests a file, or its bytes from `from.loaded` on.
 *
 * @throws KletError `FETCH_FAILED` if there is no answer
 */
export async function connect(url: string, { signal, timeout }: ReadOptions, mode: RequestCache, from?: Info) {
  const connection = new AbortController();
  const stop = (): void => {
    connection.abort(signal?.reason);
  };
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  const timer = timeout === undefined ? undefined : setTimeout(stop, Math.min(timeout, 2 ** 31 - 1));
  const headers: Record<string, string> = {};
  if (from) {
    headers.Range = `bytes=${from.loaded}-`;
    // another origin would have to allow this header, so there the answer's ETag is compared
    if (isStrong(from.version) && new URL(url).origin === location.origin) headers['If-Range'] = from.version!;
  }
  try {
    return await fetch(url, { signal: connection.signal, cache: mode, headers });
  } catch (cause) {
    const reason = connection.signal.aborted && !signal?.aborted
      ? `no answer came for ${timeout} ms`
      : messageOf(cause);
    const advice = 'check the address and the network, and that the server allows requests from this origin (CORS)';
    throw new KletError('FETCH_FAILED', `cannot read "${url}": ${reason}; ${advice}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an answer continues the bytes that are there. */
function continues(response: Response, info: Info, hasHash: boolean): boolean {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  // other origins may hide the header
  const isNext = start === undefined ? hasHash : Number(start) === info.loaded;
  const isSameSize = !info.total || !total || Number(total) === info.total;
  const etag = response.headers.get('etag') ?? undefined;
  const isSame = isStrong(etag) ? etag === info.version : hasHash;
  return response.status === 206 && isNext && isSameSize && isSame;
}

/** The bytes before and of a response, each of which `see` gets once, as one response. */
function withStart(
  start: readonly Uint8Array[],
  response: Response,
  total: number | undefined,
  url: string,
  see: (chunk: Uint8Array) => void,
): Response {
  const reader = response.body!.getReader();
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at < start.length) {
        controller.enqueue(start[at++]);
        return;
      }
      const { done, value } = await reader.read();
      if (done) {
        controller.close();
        return;
      }
      see(value);
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const whole = new Response(body, total === undefined ? {} : { headers: { 'content-length': String(total) } });
  // for messages
  return Object.defineProperty(whole, 'url', { value: url });
}

/** A file, as it was found. */
export interface Found {
  bytes: Uint8Array;
  /** Whether all bytes came over one connection, which was made for them. */
  isFresh: boolean;
}

/** One download, over as many connections as it takes. */
export class Download {
  private chunks: Uint8Array[] = [];
  private info: Info;
  private writer: EntryWriter;

  /**
   * @param info what is stored of the file
   * @param start its bytes
   */
  constructor(private readonly request: DownloadRequest, info?: Info, start?: Uint8Array) {
    this.writer = request.entry.writer(info);
    this.info = info ?? { download: '', pieces: 0, loaded: 0, isComplete: false };
    if (start) this.chunks = [start];
  }

  /** @param first an answer that is there already */
  async run(first: Response | undefined, mode: RequestCache): Promise<Found> {
    for (let attempt = 1;; attempt++) {
      try {
        const answer = attempt === 1 && first ? first : await this.connect(mode);
        // the reader tells what is wrong with it
        if (!answer.ok || !answer.body) {
          return { bytes: await this.request.read(answer, this.request.options), isFresh: true };
        }
        const bytes = await this.read(answer);
        await this.writer.finish(this.info.version);
        return { bytes, isFresh: answer.status !== 206 };
      } catch (error) {
        const isAborted = this.request.options.signal?.aborted;
        if (!isAborted && this.canResume(error) && attempt < ATTEMPTS) continue;
        if (this.canResume(error)) await this.writer.keep(this.info.version, this.info.total);
        throw error;
      }
    }
  }

  /** Whether the network failed, not what came over it, and the bytes so far are of use. */
  private canResume(error: unknown): boolean {
    const isOfUse = isStrong(this.info.version) || this.request.hasHash;
    const { code } = error as KletError;
    return this.info.loaded > 0 && isOfUse && (code === 'FETCH_FAILED' || code === 'ABORTED');
  }

  private async connect(mode: RequestCache): Promise<Response> {
    const { url, options, hasHash } = this.request;
    if (this.info.loaded === 0) return connect(url, options, mode);
    const answer = await connect(url, options, 'no-store', this.info);
    if (continues(answer, this.info, hasHash)) return answer;
    this.forget();
    if (answer.status === 200) return answer;
    // 416, or a part that does not fit
    await answer.body?.cancel().catch(() => undefined);
    return connect(url, options, 'reload');
  }

  private forget(): void {
    this.chunks = [];
    this.info = { download: '', pieces: 0, loaded: 0, isComplete: false };
    this.writer = this.request.entry.writer();
  }

  private async read(response: Response): Promise<Uint8Array> {
    const { url, read, look, options } = this.request;
    if (response.status !== 206) {
      const size = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
      this.info.version = versionOf(response);
      this.info.total = size ? Number(size) : undefined;
    }
    // one chunk, so that the progress does not count it piece by piece again
    if (this.info.loaded > 0) this.chunks = [joined(this.chunks, this.info.loaded)];
    const whole = withStart([...this.chunks], response, this.info.total, url, (chunk) => {
      this.chunks.push(chunk);
      this.info.loaded += chunk.length;
      this.writer.add(chunk);
    });
    return read(whole, options, undefined, (start) => {
      const bytes = look(start);
      this.info.total ??= bytes;
      return bytes;
    });
  }
}
