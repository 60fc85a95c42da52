import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { toneDetector } from '../audio/networks';
import { everyOperator } from '../robustness/sample';
import { randomInputs } from '../ops/suite';
import { describeInChrome, launchChrome } from './support/chrome';
import { digits } from './support/networks';
import { openPage } from './support/page';
import { openSite, type Site } from './support/site';

// What browsers do to pages and workers that are not in use.

describeInChrome('a browser that', () => {
  let browser: Browser;
  let site: Site;

  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
    site.put('/digits.klet', digits);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  const session = (page: Page): Promise<CDPSession> => page.context().newCDPSession(page);

  test('freezes a page and thaws it changes neither answers, nor states, nor threads', async () => {
    const page = await openPage(browser, site, true);
    const graph = everyOperator();
    site.put('/every.klet', compile(graph, { golden: [randomInputs(graph, 2)] }));
    site.put('/tone.klet', toneDetector());
    const frames = Array.from({ length: 40 }, (_, i) => Math.sin(i));
    await page.evaluate(async () => {
      const many = await kinglet.load('/every.klet', { threads: 2 });
      const heard = await kinglet.load('/tone.klet');
      const stream = heard.createState();
      const size = heard.inputs[0]!.shape.reduce((a, b) => a * b, 1);
      Object.assign(globalThis, {
        selfTest: () => ({ passed: many.selfTest(), threads: many.info.threads }),
        hear: (values: number[]) =>
          values.map((value) => [...stream.predict(new Float32Array(size).fill(value)) as unknown as Float32Array]),
      });
    });
    type Given = { selfTest(): unknown; hear(values: number[]): number[][] };
    const hear = (values: number[]): Promise<number[][]> =>
      page.evaluate((given) => (globalThis as unknown as Given).hear(given), values);
    const selfTest = (): Promise<unknown> => page.evaluate(() => (globalThis as unknown as Given).selfTest());

    const before = await hear(frames.slice(0, 20));
    expect(await selfTest()).toEqual({ passed: 1, threads: 2 });
    const devtools = await session(page);
    for (let i = 0; i < 3; i++) {
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    }
    const after = await hear(frames.slice(20));
    expect(await selfTest()).toEqual({ passed: 1, threads: 2 });

    const whole = loadSync(toneDetector()).createState();
    const size = loadSync(toneDetector()).inputs[0]!.shape.reduce((a, b) => a * b, 1);
    const expected = frames.map((
      value,
    ) => [...whole.predict(new Float32Array(size).fill(value)) as unknown as Float32Array]);
    expect([...before, ...after]).toEqual(expected);
    await page.close();
  });

  test('stops a service worker between two requests gets the same answers from the next one', async () => {
    site.put(
      '/service.js',
      `
      import { loadSync } from '/dist/browser.js';
      const started = Math.random();
      let model;
      const answer = async () => {
        model ??= loadSync(new Uint8Array(await (await fetch('/digits.klet')).arrayBuffer()));
        const scores = [...model.predict(new Float32Array(784).fill(0.5))];
        return Response.json({ started, scores, passed: model.selfTest() });
      };
      self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));
      self.addEventListener('fetch', (event) => {
        if (event.request.url.endsWith('/answer')) event.respondWith(answer());
      });`,
    );
    const page = await openPage(browser, site);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('/service.js', { type: 'module' });
      await navigator.serviceWorker.ready;
    });
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    const ask = (): Promise<{ started: number; scores: number[]; passed: number }> =>
      page.evaluate(async () => (await fetch('/answer')).json() as never);
    const devtools = await session(page);
    await devtools.send('ServiceWorker.enable');
    const answers = [await ask()];
    for (let i = 0; i < 3; i++) {
      await devtools.send('ServiceWorker.stopAllWorkers');
      answers.push(await ask());
    }
    expect(new Set(answers.map(({ started }) => started)).size).toBe(4);
    const scores = [...loadSync(digits).predict(new Float32Array(784).fill(0.5)) as unknown as Float32Array];
    for (const answer of answers) expect(answer).toMatchObject({ scores, passed: loadSync(digits).selfTest() });
    await page.close();
  });

  test('has no memory left refuses models with OUT_OF_MEMORY, and loads them when it has some again', async () => {
    const page = await openPage(browser, site);
    const found = await page.evaluate(async () => {
      const bytes = new Uint8Array(await (await fetch('/digits.klet')).arrayBuffer());
      const running = kinglet.loadSync(bytes);
      const kept: WebAssembly.Memory[] = [];
      let refusal: unknown;
      for (let pages = 32_768; pages >= 1;) {
        try {
          kept.push(new WebAssembly.Memory({ initial: pages, maximum: pages }));
        } catch (error) {
          refusal = error;
          pages >>= 1;
        }
      }
      const loading = await probe.outcome(() => kinglet.loadSync(bytes).selfTest());
      const other = await probe.outcome(async () => (await kinglet.load('/digits.klet')).selfTest());
      // what runs needs no memory
      const passed = running.selfTest();
      kept.length = 0;
      // memories are returned when they are collected
      for (let i = 0; i < 100; i++) {
        const again = await probe.outcome(() => kinglet.loadSync(bytes).selfTest());
        if (again.value !== undefined) return { refused: refusal instanceof RangeError, loading, other, passed, again };
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return undefined;
    });
    const message = expect.stringMatching(/refused \d+ bytes/) as string;
    const refused = { name: 'KletError', code: 'OUT_OF_MEMORY', message };
    const passed = loadSync(digits).selfTest();
    expect(found).toEqual({ refused: true, loading: refused, other: refused, passed, again: { value: passed } });
    await page.close();
  });
});
