import { KletError } from '../errors';
import { Entry, type Info } from './cacheEntry';
import { hasStorage, openStore } from './cacheStore';
import { connect, Download, versionOf, type DownloadRequest, type Found, type Reader } from './download';
import { nameOf, type LookAtStart, type ReadOptions, type Source } from './read';

// The option `cache` of `load`: files stay in the browser. Pages fetch this code only when a call
// of `load` has the option.

export interface CacheOptions {
  /**
   * Whether the file stays in the storage of the browser, for pages without a network. With
   * `integrity`, a stored file with this hash is used without a request. Otherwise the server is
   * asked whether it has another version. The source must then be a URL.
   */
  cache?: boolean;
}

/** How `load` reads a file through the cache. */
export interface CachedRead {
  source: Source;
  options: ReadOptions & { integrity?: unknown };
  read: Reader;
  look: LookAtStart;
  /** Refuses bytes that are not the expected file, or are damaged. */
  check: (bytes: Uint8Array, where: string) => Promise<void>;
}

/** The address of a source. @throws KletError `BAD_ARGUMENT` */
function addressOf(source: Source): string {
  if (!hasStorage()) {
    throw new KletError(
      'BAD_ARGUMENT',
      'the option "cache" needs the Cache API or IndexedDB of a browser, and this engine has neither; ' +
        'store the file yourself and load its bytes',
    );
  }
  const isAddress = typeof source === 'string' || source instanceof URL;
  const url = isAddress ? new URL(source, location.href) : undefined;
  if (url && /^https?:$/.test(url.protocol)) {
    url.hash = '';
    return url.href;
  }
  throw new KletError(
    'BAD_ARGUMENT',
    `the option "cache" stores files by their http or https URL, and the source is ${nameOf(source)}; pass the URL, ` +
      'or leave out the option',
  );
}

/** A file that is being read, for all calls of `load` that ask for it. */
class SharedRead {
  private readonly controller = new AbortController();
  /** What makes the promise of a caller reject. */
  private readonly callers = new Map<ReadOptions, (error: unknown) => void>();
  private latest: { loaded: number; total?: number } | undefined;
  readonly found: Promise<Found>;

  /** @param onEnd is called when nobody may join any more */
  constructor(
    timeout: number | undefined,
    start: (options: ReadOptions) => Promise<Found>,
    private readonly onEnd: () => void,
  ) {
    this.found = start({
      signal: this.controller.signal,
      ...(timeout !== undefined && { timeout }),
      onProgress: (progress) => {
        this.latest = progress;
        for (const caller of this.callers.keys()) this.tell(caller);
      },
    });
    this.found.then(onEnd, onEnd);
  }

  /** An error in the function of one caller is not the others'. */
  private tell(caller: ReadOptions): void {
    if (!this.latest) return;
    try {
      caller.onProgress?.({ ...this.latest });
    } catch (error) {
      this.callers.get(caller)!(error);
    }
  }

  /** Waits for the file as one of its callers. When the last of them leaves, the reading ends. */
  async join(options: ReadOptions, where: string): Promise<Found> {
    const { signal } = options;
    const stop = (): void => {
      this.callers.get(options)!(new KletError('ABORTED', `loading ${where} was aborted`, { cause: signal?.reason }));
    };
    const stopped = new Promise<never>((_, reject) => {
      this.callers.set(options, reject);
    });
    try {
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop);
      this.tell(options);
      return await Promise.race([stopped, this.found]);
    } finally {
      signal?.removeEventListener('abort', stop);
      this.callers.delete(options);
      if (this.callers.size === 0) {
        this.onEnd();
        this.controller.abort();
      }
    }
  }
}

const reads = new Map<string, SharedRead>();

/** The stored bytes of a complete file, unless the server has another version. */
async function current(stored: Uint8Array, { version }: Info, request: DownloadRequest): Promise<Found | Response> {
  const { url, options } = request;
  const found = { bytes: stored, isFresh: false };
  if (request.hasHash) return found;
  let answer: Response;
  try {
    answer = await connect(url, options, 'no-cache');
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return found; // offline
  }
  const isSame = version !== undefined && versionOf(answer) === version;
  if (answer.ok && !isSame) return answer;
  await answer.body?.cancel().catch(() => undefined);
  if (isSame || answer.status >= 500) return found;
  return answer;
}

/** @param isAgain whether the stored file has turned out to be wrong */
async function obtain(request: DownloadRequest, isAgain: boolean): Promise<Found> {
  const { entry, options } = request;
  if (isAgain) await entry.drop();
  const info = isAgain ? undefined : await entry.info();
  const stored = info && await entry.bytes(info);
  if (info?.isComplete && stored) {
    const found = await current(stored, info, request);
    if (found instanceof Response) return new Download(request).run(found, 'no-cache');
    options.onProgress?.({ loaded: stored.length, total: stored.length });
    return found;
  }
  const download = stored ? new Download(request, info, stored) : new Download(request);
  return download.run(undefined, isAgain ? 'reload' : 'no-cache');
}

/** The reading of a file that goes on already, or a new one. */
function sharedRead(request: Omit<DownloadRequest, 'entry'>, integrity: unknown, isAgain: boolean): SharedRead {
  const { url, options: { timeout } } = request;
  const key = JSON.stringify([url, integrity, isAgain, timeout]);
  const going = reads.get(key);
  if (going) return going;
  const start = async (options: ReadOptions): Promise<Found> => {
    const entry = new Entry(await openStore(), url);
    return obtain({ ...request, entry, options }, isAgain);
  };
  const shared: SharedRead = new SharedRead(timeout, start, () => {
    if (reads.get(key) === shared) reads.delete(key);
  });
  reads.set(key, shared);
  return shared;
}

/** Whether an error says that the bytes are not those of the file. */
function isWrongFile(error: unknown): boolean {
  return error instanceof KletError && ['BAD_MAGIC', 'BAD_INTEGRITY', 'BAD_SIGNATURE', 'CORRUPT'].includes(error.code);
}

/**
 * Reads a file through the cache. A stored file that `check` refuses is fetched again, once.
 *
 * @throws KletError `FETCH_FAILED`, `ABORTED`, `BAD_ARGUMENT`, and those of `check`
 */
export async function readCached({ source, options, read, look, check }: CachedRead): Promise<Uint8Array> {
  const url = addressOf(source);
  const where = nameOf(source);
  const { integrity } = options;
  const request = { url, read, look, hasHash: integrity !== undefined, options };
  for (let isAgain = false;; isAgain = true) {
    const { bytes, isFresh } = await sharedRead(request, integrity, isAgain).join(options, where);
    try {
      await check(bytes, where);
      return bytes;
    } catch (error) {
      if (!isWrongFile(error)) throw error;
      await new Entry(await openStore(), url).drop();
      if (isFresh || isAgain) throw error;
    }
  }
}
