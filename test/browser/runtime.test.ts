import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasShared } from '../helpers/shared';
import { describeInChrome, launchChrome } from './support/chrome';
import { sampleFile } from '../robustness/sample';
import { digits, flavors, known, realNetworks } from './support/networks';
import { openPage, type Outcome } from './support/page';
import { openSite, type Site } from './support/site';

// dist/browser.js and dist/slim.js in a page.

/** A model with operators of the extra module, and golden cases. */
const rare = sampleFile();

describeInChrome('the runtime in a page', () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
    site.put('/digits.klet', digits);
    page = await openPage(browser, site);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  describe('gives the bits that Node gives', () => {
    for (const name of ['digits', ...realNetworks]) {
      test(`${name}, in every flavor`, async () => {
        const network = known(name);
        site.put('/network.klet', network.klet);
        site.put('/network.in', network.input);
        for (const flavor of flavors) {
          const found = await page.evaluate(async (flavor) => {
            const model = await kinglet.load('/network.klet', { flavor });
            const input = new Uint8Array(await (await fetch('/network.in')).arrayBuffer());
            return { flavor: model.info.flavor, output: probe.outputBytes(model, input) };
          }, flavor);
          expect(found).toEqual({ flavor, output: network.expected });
        }
      });
    }

    if (!hasShared) test.skip('kws, vww and mobilenet_v1 [there is no ../shared]');

    test('the golden vectors in digits.klet', async () => {
      const cases = await page.evaluate(
        async (flavors) =>
          Promise.all(flavors.map(async (flavor) => (await kinglet.load('/digits.klet', { flavor })).selfTest())),
        flavors,
      );
      expect(cases[0]).toBeGreaterThan(0);
      expect(new Set(cases).size).toBe(1);
    });
  });

  test('fetches the extra module only for models that need it', async () => {
    const requested: string[] = [];
    const log = (request: Request): void => void requested.push(new URL(request.url()).pathname);
    page.on('request', log);
    site.put('/rare.klet', rare);
    await page.evaluate(async () => void await kinglet.load('/digits.klet'));
    expect(requested.filter((path) => path.includes('extra'))).toEqual([]);
    const passed = await page.evaluate(
      async (flavors) =>
        Promise.all(flavors.map(async (flavor) => (await kinglet.load('/rare.klet', { flavor })).selfTest())),
      flavors,
    );
    page.off('request', log);
    expect(passed).toEqual(flavors.map(() => 1));
    expect(requested).toContain('/dist/extra.simd.wasm');
  });

  describe('loads from', () => {
    test('a URL, in chunks, with reports of progress', async () => {
      site.on('/pieces.klet', (_, response) => {
        response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': digits.length });
        const quarter = Math.ceil(digits.length / 4);
        const send = (from: number): void => {
          response.write(digits.subarray(from, from + quarter));
          if (from + quarter < digits.length) setTimeout(send, 30, from + quarter);
          else response.end();
        };
        send(0);
      });
      const seen = await page.evaluate(async () => {
        const seen: { loaded: number; total?: number }[] = [];
        const model = await kinglet.load(new URL('/pieces.klet', location.href), {
          onProgress: (progress) => seen.push(progress),
        });
        model.selfTest();
        return seen;
      });
      expect(seen.length).toBeGreaterThan(1);
      expect(seen.every(({ total }) => total === digits.length)).toBe(true);
      expect(seen.map(({ loaded }) => loaded)).toEqual(seen.map(({ loaded }) => loaded).sort((a, b) => a - b));
      expect(seen.at(-1).loaded).toBe(digits.length);
    });

    test('a Response, the promise of one, a Blob, a stream, and bytes', async () => {
      const cases = await page.evaluate(async () => {
        const bytes = new Uint8Array(await (await fetch('/digits.klet')).arrayBuffer());
        const shifted = new Uint8Array(bytes.length + 3);
        shifted.set(bytes, 3);
        const sources = [await fetch('/digits.klet'), fetch('/digits.klet'), new Blob([bytes]),
          new Blob([bytes]).stream(), bytes, bytes.buffer, shifted.subarray(3)];
        return Promise.all(sources.map(async (source) => (await kinglet.load(source)).selfTest()));
      });
      expect(new Set(cases).size).toBe(1);
      expect(cases[0]).toBeGreaterThan(0);
    });
  });

  describe('refuses', () => {
    const attempt = (source: string, options: { wasm?: string } = {}): Promise<Outcome> =>
      page.evaluate(({ source, options }) =>
        probe.outcome(async () => {
          await kinglet.load(source, options);
        }), { source, options });

    test('a URL that does not exist, with FETCH_FAILED', async () => {
      expect(await attempt('/missing.klet')).toMatchObject({
        name: 'KletError',
        code: 'FETCH_FAILED',
        message: expect.stringContaining('404') as string,
      });
    });

    test('a server that cannot be reached, with FETCH_FAILED', async () => {
      expect(await attempt('http://127.0.0.1:9/digits.klet')).toMatchObject({ code: 'FETCH_FAILED' });
    });

    test('a page instead of the model, with BAD_MAGIC', async () => {
      site.put('/page.klet', '<!doctype html><p>Not here.', { 'Content-Type': 'text/html' });
      expect(await attempt('/page.klet')).toMatchObject({
        code: 'BAD_MAGIC',
        message: expect.stringContaining('HTML') as string,
      });
    });

    test('a page instead of the core, with NOT_WASM', async () => {
      site.put('/page.wasm', '<!doctype html><p>Not here.', { 'Content-Type': 'text/html' });
      expect(await attempt('/digits.klet', { wasm: '/page.wasm' })).toMatchObject({
        code: 'NOT_WASM',
        message: expect.stringContaining('HTML') as string,
      });
    });

    test('a core that does not exist, with FETCH_FAILED', async () => {
      expect(await attempt('/digits.klet', { wasm: '/missing.wasm' })).toMatchObject({ code: 'FETCH_FAILED' });
    });

    test('to continue after an abort, with ABORTED, and closes the connection', async () => {
      const closed = new Promise<void>((resolve) => {
        site.on('/endless.klet', (request, response) => {
          request.socket.on('close', resolve);
          response.writeHead(200, { 'Content-Length': digits.length }).write(digits.subarray(0, 1000));
        });
      });
      const found = await page.evaluate(async () => {
        const controller = new AbortController();
        const early = new AbortController();
        early.abort();
        return {
          midway: await probe.outcome(async () => {
            await kinglet.load('/endless.klet', { signal: controller.signal, onProgress: () => controller.abort() });
          }),
          before: await probe.outcome(async () => {
            await kinglet.load('/digits.klet', { signal: early.signal });
          }),
        };
      });
      expect(found.midway.code).toBe('ABORTED');
      expect(found.before.code).toBe('ABORTED');
      await closed;
    });

    test('only the load that failed, so the next one works', async () => {
      await attempt('/missing.klet');
      expect(await attempt('/digits.klet')).toEqual({ value: undefined });
    });
  });

  describe('kinglet/slim', () => {
    test('takes the core from a URL, as bytes and as a module, in every flavor', async () => {
      const found = await page.evaluate(async (flavors) =>
        Promise.all(flavors.map(async (flavor) => {
          const url = `/dist/core.${flavor}.wasm`;
          const bytes = await (await fetch(url)).arrayBuffer();
          const klet = await (await fetch('/digits.klet')).arrayBuffer();
          const models = [await slim.load(klet, { wasm: url }), await slim.load(klet, { wasm: bytes }),
            slim.loadSync(klet, { wasm: await WebAssembly.compile(bytes) })];
          return models.map((model) => ({ flavor: model.info.flavor, passed: model.selfTest() > 0 }));
        })), flavors);
      expect(found).toEqual(flavors.map((flavor) => [1, 2, 3].map(() => ({ flavor, passed: true }))));
    });

    test('takes the extra module for models with rare operators, and asks for it', async () => {
      site.put('/rare.klet', rare);
      const found = await page.evaluate(async () => {
        const wasm = '/dist/core.simd.wasm';
        const model = await slim.load('/rare.klet', { wasm, extra: '/dist/extra.simd.wasm' });
        return {
          passed: model.selfTest(),
          without: await probe.outcome(async () => {
            await slim.load('/rare.klet', { wasm });
          }),
          wrong: await probe.outcome(async () => {
            await slim.load('/rare.klet', { wasm, extra: wasm });
          }),
        };
      });
      expect(found).toMatchObject({
        passed: 1,
        without: { code: 'BAD_ARGUMENT', message: expect.stringContaining('kinglet/extra.simd.wasm') as string },
        wrong: { code: 'NOT_WASM', message: expect.stringContaining('extra.wasm') as string },
      });
    });

    test('reports that it needs a core', async () => {
      const found = await page.evaluate(() =>
        probe.outcome(async () => {
          await slim.load('/digits.klet');
        })
      );
      expect(found).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringContaining('wasm') as string });
    });
  });

  describe('dispose()', () => {
    test('makes every later call throw DISPOSED, and may be called twice', async () => {
      const codes = await page.evaluate(async () => {
        const model = await kinglet.load('/digits.klet');
        const input = new Float32Array(784);
        model.predict(input);
        model.dispose();
        model.dispose();
        const calls = [() => model.predict(input), () => model.predictInto(input, new Float32Array(10)), () =>
          model.selfTest(), () => model.profile()];
        return Promise.all(calls.map(async (call) => (await probe.outcome<unknown>(call)).code));
      });
      expect(codes).toEqual(Array(4).fill('DISPOSED'));
    });

    test('frees the memory although the model is still referenced', async () => {
      const count = await page.evaluate(async () => {
        const klet = await (await fetch('/digits.klet')).arrayBuffer();
        const held = [];
        for (let i = 0; i < 3000; i++) {
          const model = kinglet.loadSync(klet);
          model.dispose();
          held.push(model);
        }
        return held.length;
      });
      expect(count).toBe(3000);
    });
  });
});
