import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile, GraphBuilder } from '../../src/compiler/index';
import { Random } from '../helpers/random';
import { randomInputs } from '../ops/suite';
import { describeInChrome, launchChrome } from './support/chrome';
import { digits, flavors, known, realNetworks } from './support/networks';
import { openPage } from './support/page';
import { openSite, type Site } from './support/site';

// Workers that share a model's work, in pages with shared memory and in one without.

describeInChrome('threads in a page', () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
    site.put('/digits.klet', digits);
    page = await openPage(browser, site, true);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  for (const name of ['digits', ...realNetworks]) {
    test(`give the bits of one thread: ${name}, in every flavor`, async () => {
      const network = known(name);
      site.put('/network.klet', network.klet);
      site.put('/network.in', network.input);
      for (const flavor of flavors) {
        const found = await page.evaluate(async (flavor) => {
          const model = await kinglet.load('/network.klet', { flavor, threads: 2 });
          const input = new Uint8Array(await (await fetch('/network.in')).arrayBuffer());
          const outputs = new Set(Array.from({ length: 50 }, () => probe.outputBytes(model, input).join()));
          const { info } = model;
          model.dispose();
          return { info, outputs: [...outputs] };
        }, flavor);
        expect(found).toEqual({ info: { flavor, threads: 2 }, outputs: [network.expected.join()] });
      }
    });
  }

  test('run from a worker, which may wait', async () => {
    const info = await page.evaluate(async () => {
      const source = `
        import { load } from '/dist/browser.js';
        const model = await load('/digits.klet', { threads: 2 });
        model.selfTest();
        postMessage(model.info);`;
      const worker = new Worker(
        URL.createObjectURL(new Blob([source.replaceAll("'/", `'${location.origin}/`)], { type: 'text/javascript' })),
        { type: 'module' },
      );
      return new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
      });
    });
    expect(info).toMatchObject({ threads: 2 });
  });

  // the main thread may not sleep, so it spins until it gives up
  test('continue on one thread, with the same bits, if a worker does not do its share', async () => {
    const b = new GraphBuilder('one layer, worth sharing');
    const random = new Random(1);
    const x = b.input('x', [1, 16, 16, 32]);
    const w = b.constant(random.fill(new Float32Array(32 * 9 * 32)), [32, 3, 3, 32]);
    const graph = b.finish([
      b.node('conv2d', [x, w, null], {
        stride: [1, 1],
        dilation: [1, 1],
        padding: [1, 1, 1, 1],
        groups: 1,
        activation: 'none',
      }),
    ]);
    site.put('/layer.klet', compile(graph, { golden: [randomInputs(graph, 2)] }));
    const found = await page.evaluate(async () => {
      const idle = URL
        .createObjectURL(new Blob(["onmessage = () => { postMessage('ready'); };"], { type: 'text/javascript' }));
      const model = await kinglet.load('/layer.klet', { threads: 2, worker: idle });
      const { threads } = model.info;
      const start = performance.now();
      const passed = model.selfTest();
      const ms = performance.now() - start;
      return { threads, passed, ms, after: model.info };
    });
    expect(found).toMatchObject({
      threads: 2,
      passed: 1,
      after: { threads: 1, singleThreadReason: 'a worker did not finish its share of a prediction in 5 seconds' },
    });
    expect(found.ms).toBeGreaterThan(4500);
    expect(found.ms).toBeLessThan(20_000);
  });

  test("start from a script on another server, or from the page's own worker", async () => {
    const counts = await page.evaluate(async () => {
      const own = (): Worker => new Worker('/dist/thread.js', { type: 'module' });
      const models = [await kinglet.load('/digits.klet', { threads: 2, worker: '/dist/thread.js' }),
        await kinglet.load('/digits.klet', { threads: 3, worker: own })];
      return models.map((model) => [model.info.threads, model.selfTest() > 0]);
    });
    expect(counts).toEqual([[2, true], [3, true]]);
  });

  test('run kinglet/slim with a core for threads', async () => {
    const info = await page.evaluate(async () =>
      (await slim.load('/digits.klet', { wasm: '/dist/core.simd.threads.wasm', threads: 2 })).info
    );
    expect(info).toEqual({ flavor: 'simd', threads: 2 });
  });

  test('are one if the script cannot be loaded, and info says so', async () => {
    const found = await page.evaluate(async () => {
      const model = await kinglet.load('/digits.klet', { threads: 2, worker: '/missing.js' });
      return { ...model.info, passed: model.selfTest() > 0 };
    });
    expect(found).toMatchObject({
      threads: 1,
      passed: true,
      singleThreadReason: expect.stringContaining('kinglet/thread.js') as string,
    });
  });

  test('are one if the page is not isolated, and info names the headers', async () => {
    const other = await openPage(browser, site);
    const found = await other.evaluate(async () => {
      const model = await kinglet.load('/digits.klet', { threads: 2 });
      return { ...model.info, passed: model.selfTest() > 0 };
    });
    expect(found).toMatchObject({
      threads: 1,
      passed: true,
      singleThreadReason: expect
        .stringMatching(/Cross-Origin-Opener-Policy: same-origin .*Cross-Origin-Embedder-Policy/) as string,
    });
  });
});
