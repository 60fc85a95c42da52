import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadSync } from '../../src/index';
import { compile, GraphBuilder } from '../../src/compiler/index';
import { describeInChrome, launchChrome } from './support/chrome';
import { digits } from './support/networks';
import { openPage, type Outcome } from './support/page';
import { openSite, type Site } from './support/site';

// The option `cache` of load, in a page with dist/browser.js.

const hashOf = (bytes: Uint8Array): string => `sha256-${createHash('sha256').update(bytes).digest('base64')}`;

/** A file of about 3 MB, which is stored in several pieces. */
function largeFile(): Uint8Array {
  const b = new GraphBuilder('large');
  const x = b.input('x', [1, 1500]);
  const weights = new Float32Array(1500 * 500).map((_, i) => Math.sin(i));
  const w = b.constant(weights, [500, 1500]);
  return compile(b.finish([b.node('fullyConnected', [x, w, null], { activation: 'none' }, { name: 'y' })]));
}

/** What a page asks a server for. */
interface Served {
  bytes: Uint8Array;
  etag?: string;
  /** Ends the connection after so many bytes of an answer. */
  breakAt?: number | undefined;
  acceptsRanges?: boolean;
  headers?: Record<string, string>;
}

type Options = Record<string, unknown>;

describeInChrome('load with the option cache', () => {
  let browser: Browser;
  let site: Site;
  let context: BrowserContext;
  let page: Page;
  let requests: IncomingMessage['headers'][];
  const large = largeFile();
  let served: Served;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    requests.push(request.headers);
    const { bytes, etag, breakAt, acceptsRanges = true, headers } = served;
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const isPart = acceptsRanges && from !== undefined && (request.headers['if-range'] ?? etag) === etag;
    if (!isPart && etag && request.headers['if-none-match'] === etag) {
      response.writeHead(304, { ETag: etag }).end();
      return;
    }
    const start = isPart ? Number(from) : 0;
    const body = bytes.subarray(start);
    response.writeHead(isPart ? 206 : 200, {
      'Content-Length': String(body.length),
      ...(etag && { ETag: etag }),
      ...(isPart && { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
      ...headers,
    });
    if (breakAt === undefined || breakAt >= body.length) response.end(body);
    // a browser discards what the page has not read when the connection breaks
    else response.write(body.subarray(0, breakAt), () => setTimeout(() => response.destroy(), 1000));
  }

  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });
  beforeEach(async () => {
    requests = [];
    served = { bytes: digits, etag: '"1"' };
    site.on('/model.klet', answer);
    context = await browser.newContext();
    page = await openPage({ newPage: () => context.newPage() } as Browser, site);
  });
  afterEach(() => context.close());

  /** Loads in the page. @returns the name of the first input, and the calls of onProgress */
  function load(options: Options = {}, url = '/model.klet'): Promise<Outcome<{ input: string; progress: number[][] }>> {
    return page.evaluate(([url, options]) =>
      probe.outcome(async () => {
        const progress: number[][] = [];
        const model = await kinglet.load(url, {
          cache: true,
          onProgress: ({ loaded, total }) => progress.push([loaded, total ?? -1]),
          ...options,
        });
        return { input: model.inputs[0]!.name, progress };
      }), [url, options] as const);
  }

  const stored = (): Promise<string[]> =>
    page.evaluate(async () => {
      const keys = await (await caches.open('kinglet')).keys();
      return keys.map(({ url }) =>
        new URL(url).pathname.split('/').slice(1).filter((part) => part !== '').map((part) =>
          part.replace(/^\w+-\w+$/, 'ID')
        ).join('/')
      ).sort();
    });
  const address = (path: string): string => encodeURIComponent(site.url + path);

  test('stores the file, and finds it without a network', async () => {
    const first = await load({ integrity: hashOf(digits) });
    expect(first.value?.input).toBe('image');
    expect(first.value!.progress.at(-1)).toEqual([digits.length, digits.length]);
    expect(await stored()).toEqual([`info/${address('/model.klet')}`, `pieces/${address('/model.klet')}/ID/0`]);
    await context.setOffline(true);
    for (const options of [{ integrity: hashOf(digits) }, {}]) {
      expect((await load(options)).value).toEqual({ input: 'image', progress: [[digits.length, digits.length]] });
    }
    expect(requests.length).toBe(1);
    const without = await page.evaluate(() => probe.outcome(() => kinglet.load('/model.klet')));
    expect(without.code).toBe('FETCH_FAILED');
  });

  test('with integrity makes no request for a stored file; without it asks for another version', async () => {
    await load();
    await load({ integrity: hashOf(digits) });
    expect(requests.length).toBe(1);
    await load();
    expect(requests.length).toBe(2);
    served = { bytes: large, etag: '"2"' };
    expect((await load()).value?.input).toBe('x');
    expect((await load()).value?.input).toBe('x');
    const bytes = await page.evaluate(async () => {
      const cache = await caches.open('kinglet');
      const pieces = (await cache.keys()).filter(({ url }) => url.includes('/pieces/'));
      const sizes = pieces.map(async (request) => (await (await cache.match(request))!.arrayBuffer()).byteLength);
      return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
    });
    expect(bytes, 'the pieces of the old version are gone').toBe(large.length);
  });

  test('keeps the stored file while the server answers with an error of its own', async () => {
    await load();
    site.on('/model.klet', (_, response) => response.writeHead(503).end());
    expect((await load()).value?.input).toBe('image');
    site.on('/model.klet', (_, response) => response.writeHead(404).end());
    const outcome = await load();
    expect(outcome.code).toBe('FETCH_FAILED');
    expect(outcome.message).toContain('404');
  });

  test('fetches a stored file with another hash again, once', async () => {
    await load();
    served = { bytes: large, etag: '"2"' };
    expect((await load({ integrity: hashOf(large) })).value?.input).toBe('x');
    expect(requests.length).toBe(2);
    served = { bytes: digits, etag: '"3"' };
    const expected = hashOf(randomBytes(10));
    const outcome = await load({ integrity: expected });
    expect(outcome.code).toBe('BAD_INTEGRITY');
    expect(outcome.message).toContain(expected);
    expect(outcome.message).toContain(hashOf(digits));
    expect(requests.length).toBe(3);
    expect(await stored()).toEqual([]);
  });

  test('fetches a damaged stored file again', async () => {
    await load();
    await page.evaluate(async () => {
      const cache = await caches.open('kinglet');
      const [request] = (await cache.keys()).filter(({ url }) => url.includes('/pieces/'));
      const bytes = new Uint8Array(await (await cache.match(request!))!.arrayBuffer());
      bytes[bytes.length >> 1]! ^= 1;
      await cache.put(request!, new Response(bytes));
    });
    expect((await load()).value?.input).toBe('image');
    await context.setOffline(true);
    expect((await load()).value?.input).toBe('image');
  });

  test('stores no file that is damaged or of another kind', async () => {
    const damaged = digits.slice();
    damaged[damaged.length >> 1]! ^= 1;
    served = { bytes: damaged, etag: '"1"' };
    expect((await load()).code).toBe('CORRUPT');
    served = { bytes: new TextEncoder().encode(`<!doctype html>${' '.repeat(100)}`), etag: '"2"' };
    expect((await load()).code).toBe('BAD_MAGIC');
    expect(await stored()).toEqual([]);
    expect(requests.length).toBe(2);
  });

  describe('an interrupted download', () => {
    const part = 1_700_000;

    test('goes on in the same call', async () => {
      served = { bytes: large, etag: '"1"', breakAt: part };
      const { value } = await load();
      expect(value?.input).toBe('x');
      expect(requests.map(({ range }) => range)).toEqual([undefined, `bytes=${part}-`]);
      expect(requests[1]!['if-range']).toBe('"1"');
      const loaded = value!.progress.map(([bytes]) => bytes!);
      expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
      expect(value!.progress.at(-1)).toEqual([large.length, large.length]);
    });

    test('goes on in the next call, after the page was closed', async () => {
      served = { bytes: large, etag: '"1"', breakAt: part };
      site.on('/model.klet', (request, response) => {
        if (requests.length === 0) answer(request, response);
        else response.destroy();
      });
      expect((await load()).code).toBe('FETCH_FAILED');
      await page.close();
      page = await openPage({ newPage: () => context.newPage() } as Browser, site);
      requests = [];
      site.on('/model.klet', answer);
      const { value } = await load();
      expect(value?.input).toBe('x');
      expect(requests.map(({ range }) => range)).toEqual([`bytes=${part}-`]);
      expect(value!.progress[0]).toEqual([part, large.length]);
    });

    test('begins again when the server has another version', async () => {
      served = { bytes: large, etag: '"1"', breakAt: part };
      site.on('/model.klet', (request, response) => {
        answer(request, response);
        served = { bytes: digits, etag: '"2"' };
      });
      expect((await load()).value?.input).toBe('image');
      expect(requests.length).toBe(2);
    });

    test('begins again where the server knows no ranges', async () => {
      served = { bytes: large, etag: '"1"', breakAt: part, acceptsRanges: false };
      site.on('/model.klet', (request, response) => {
        answer(request, response);
        served = { ...served, breakAt: undefined };
      });
      expect((await load()).value?.input).toBe('x');
      expect(requests.length).toBe(2);
    });

    test('does not go on without an ETag, unless the hash is known', async () => {
      served = { bytes: large, breakAt: part };
      expect((await load()).code).toBe('FETCH_FAILED');
      expect(requests.length).toBe(1);
      expect((await load({ integrity: hashOf(large) })).value?.input).toBe('x');
      expect(requests.map(({ range }) => range)).toEqual([undefined, undefined, `bytes=${part}-`]);
    });

    test('that was put together from two versions is fetched again', async () => {
      const changed = large.map((byte, i) => (i < part ? byte ^ 1 : byte));
      changed.set(large.subarray(0, 32));
      served = { bytes: changed, breakAt: part };
      site.on('/model.klet', (request, response) => {
        answer(request, response);
        served = { bytes: large };
      });
      expect((await load({ integrity: hashOf(large) })).value?.input).toBe('x');
      expect(requests.map(({ range }) => range)).toEqual([undefined, `bytes=${part}-`, undefined]);
    });

    test('from another origin is compared by its ETag', async () => {
      const other = await openSite();
      other.on('/model.klet', answer);
      served = {
        bytes: large,
        etag: '"1"',
        breakAt: part,
        headers: { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'ETag, Content-Range' },
      };
      expect((await load({}, `${other.url}/model.klet`)).value?.input).toBe('x');
      expect(requests.map(({ range }) => range)).toEqual([undefined, `bytes=${part}-`]);
      expect(requests[1]!['if-range']).toBeUndefined();
      other.close();
    });
  });

  test('calls for one file share a download, each with its own signal and progress', async () => {
    served = { bytes: large, etag: '"1"' };
    const found = await page.evaluate(async () => {
      const controller = new AbortController();
      const counts = [0, 0, 0];
      const started = counts.map((_, i) =>
        probe.outcome(async () => {
          const model = await kinglet.load('/model.klet', {
            cache: true,
            onProgress: ({ loaded }) => {
              counts[i] = loaded;
              if (i === 2) throw new Error('mine');
            },
            ...(i === 1 && { signal: controller.signal }),
          });
          return model.inputs[0]!.name;
        })
      );
      controller.abort();
      const outcomes = await Promise.all(started);
      return { outcomes: outcomes.map(({ value, code, message }) => value ?? code ?? message), counts };
    });
    expect(found.outcomes).toEqual(['x', 'ABORTED', 'mine']);
    expect(found.counts[0]).toBe(large.length);
    expect(requests.length).toBe(1);
  });

  test('abort ends the download, and the next call goes on', async () => {
    served = { bytes: large, etag: '"1"' };
    site.on('/model.klet', (request, response) => {
      requests.push(request.headers);
      response.writeHead(200, { 'Content-Length': String(large.length), ETag: '"1"' });
      response.write(large.subarray(0, 100_000));
    });
    const outcome = await page.evaluate(() =>
      probe.outcome(() => {
        const controller = new AbortController();
        return kinglet.load('/model.klet', {
          cache: true,
          signal: controller.signal,
          onProgress: () => controller.abort(),
        });
      })
    );
    expect(outcome.code).toBe('ABORTED');
    await expect.poll(stored).toContain(`info/${address('/model.klet')}`);
    site.on('/model.klet', answer);
    expect((await load()).value?.input).toBe('x');
    expect(requests[1]!.range).toMatch(/^bytes=[1-9]\d+-$/);
  });

  test('follows redirects, and stores the file under the address that was asked for', async () => {
    site.on('/latest.klet', (_, response) => response.writeHead(302, { Location: '/model.klet' }).end());
    expect((await load({}, '/latest.klet')).value?.input).toBe('image');
    await context.setOffline(true);
    expect((await load({}, '/latest.klet#top')).value?.input).toBe('image');
    expect((await load({}, '/model.klet')).code).toBe('FETCH_FAILED');
  });

  test('an answer that does not come in time is replaced by the stored file', async () => {
    await load();
    site.on('/model.klet', () => undefined);
    expect((await load({ timeout: 100 })).value?.input).toBe('image');
    const other = await load({ timeout: 100 }, '/model.klet?2');
    expect([other.code, other.message]).toEqual(['FETCH_FAILED', expect.stringContaining('100 ms')]);
  });

  describe('loads from the network when', () => {
    const broken: [string, () => void][] = [['the storage is full', () => {
      Cache.prototype.put = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    }], ['storages may not be opened, as in private windows', () => {
      const refuse = (): never => {
        throw new DOMException('refused', 'SecurityError');
      };
      CacheStorage.prototype.open = refuse;
      IDBFactory.prototype.open = refuse;
    }], ['entries cannot be read', () => {
      Cache.prototype.match = () => Promise.reject(new DOMException('gone', 'InvalidStateError'));
    }]];
    test.each(broken)('%s', async (_, breakStorage) => {
      await page.evaluate(breakStorage);
      expect((await load()).value?.input).toBe('image');
      expect((await load()).value?.input).toBe('image');
      expect(requests.length).toBe(2);
    });
  });

  test('leaves nothing of a file that does not fit into the storage', async () => {
    served = { bytes: large, etag: '"1"' };
    await page.evaluate(() => {
      // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with a cache
      const put = Cache.prototype.put;
      let count = 0;
      Cache.prototype.put = function(...args) {
        if (++count === 3) return Promise.reject(new DOMException('full', 'QuotaExceededError'));
        return put.apply(this, args);
      };
    });
    expect((await load()).value?.input).toBe('x');
    expect(await stored()).toEqual([]);
  });

  describe('without the Cache API', () => {
    const hide = (): void => {
      delete (globalThis as { caches?: unknown }).caches;
      delete (Object.getPrototypeOf(globalThis) as { caches?: unknown }).caches;
    };

    test('uses IndexedDB', async () => {
      await page.evaluate(hide);
      served = { bytes: large, etag: '"1"', breakAt: 1_500_000 };
      expect((await load()).value?.input).toBe('x');
      served = { bytes: digits, etag: '"2"' };
      expect((await load()).value?.input).toBe('image');
      const keys = await page.evaluate(() =>
        new Promise<number>((resolve) => {
          const opening = indexedDB.open('kinglet');
          opening.onsuccess = () => {
            const counting = opening.result.transaction('kinglet').objectStore('kinglet').count();
            counting.onsuccess = () => {
              resolve(counting.result);
            };
          };
        })
      );
      expect(keys, 'one info entry and one piece').toBe(2);
      await context.setOffline(true);
      expect((await load()).value?.input).toBe('image');
    });

    test('lets a page delete the database after a load', async () => {
      await page.evaluate(hide);
      served = { bytes: digits, etag: '"1"' };
      expect((await load()).value?.input).toBe('image');
      const event = await page.evaluate(() =>
        new Promise<string>((resolve) => {
          const deleting = indexedDB.deleteDatabase('kinglet');
          for (const name of ['success', 'blocked']) {
            deleting.addEventListener(name, () => {
              resolve(name);
            });
          }
        })
      );
      expect(event).toBe('success');
    });

    test('and without IndexedDB refuses the option', async () => {
      await page.evaluate(hide);
      await page.evaluate(() => {
        delete (Object.getPrototypeOf(globalThis) as { indexedDB?: unknown }).indexedDB;
        delete (globalThis as { indexedDB?: unknown }).indexedDB;
      });
      const { code, message } = await load();
      expect(code).toBe('BAD_ARGUMENT');
      expect(message).toContain('IndexedDB');
    });
  });

  test('refuses sources without an address', async () => {
    const found = await page.evaluate(async () => {
      const bytes = await (await fetch('/model.klet')).arrayBuffer();
      const sources = [bytes, new Blob([bytes]), await fetch('/model.klet'), 'data:,x'];
      return Promise.all(sources.map(async (source) =>
        (await probe.outcome(() => kinglet.load(source, { cache: true }))).code
      ));
    });
    expect(found).toEqual(Array(4).fill('BAD_ARGUMENT'));
  });

  test('works with kinglet/slim, in workers, and with the global script', async () => {
    const found = await page.evaluate(async () => {
      const model = await slim.load('/model.klet', { cache: true, wasm: '/dist/core.simd.wasm' });
      const code = `import { load } from '${location.origin}/dist/browser.js';
        const model = await load('${location.origin}/model.klet', { cache: true });
        postMessage(model.inputs[0].name);`;
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
      const inWorker = await new Promise((resolve) => {
        worker.onmessage = ({ data }) => {
          resolve(data);
        };
      });
      const script = document.createElement('script');
      script.src = '/dist/kinglet.global.js';
      document.head.append(script);
      await new Promise((resolve) => {
        script.onload = resolve;
      });
      const classic = await kinglet.load('/model.klet', { cache: true });
      return [model.inputs[0]!.name, inWorker, classic.inputs[0]!.name];
    });
    expect(found).toEqual(['image', 'image', 'image']);
  });

  test('the files are those that Node reads', () => {
    expect([loadSync(digits).inputs[0]!.name, loadSync(large).inputs[0]!.name]).toEqual(['image', 'x']);
  });
});
