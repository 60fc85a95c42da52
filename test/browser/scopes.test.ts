import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeInChrome, launchChrome } from './support/chrome';
import type { Flavor } from '../../src/index';
import { digits, known, type Known } from './support/networks';
import { openPage, type Outcome } from './support/page';
import { openSite, type Site } from './support/site';

// dist/browser.js in scopes with fewer permissions than a page.

describeInChrome('the runtime in other scopes', () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  let network: Known;

  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
    network = known('digits');
    site.put('/digits.klet', digits);
    site.put('/digits.in', network.input);
    page = await openPage(browser, site);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  /** dist/browser.js does not contain the scalar core, so this case needs the option `wasm`. */
  const scalar = { flavor: 'scalar', wasm: undefined } as const;
  const given = { flavor: undefined, wasm: '/dist/core.scalar.wasm' } as const;
  const refused = (why: string): unknown => {
    const found = '^there is no flavor "scalar" here; relaxed, simd available; ';
    const advice = 'pass the option "wasm" \\(the bytes of kinglet/core\\.scalar\\.wasm, .*\\)$';
    const message = expect.stringMatching(found + why + advice) as string;
    return { name: 'KletError', code: 'BAD_ARGUMENT', message };
  };
  interface Case {
    waiting: boolean;
    flavor: Flavor | undefined;
    wasm: string | undefined;
  }
  const atOnce: Case[] = [
    ...(['relaxed', 'simd'] as const).map((flavor) => ({ waiting: false, flavor, wasm: undefined })),
    { waiting: false, ...given },
  ];
  const titled = (cases: Case[]): [string, Case][] =>
    cases.map((one) => [`${one.waiting ? 'load' : 'loadSync'} (${one.flavor ?? 'wasm: core.scalar.wasm'})`, one]);

  const inWorker = (one: Case): Promise<Outcome<number[]>> =>
    page.evaluate(async ({ wasm, ...one }) => {
      const [klet, input, core] = await Promise.all(['/digits.klet', '/digits.in', wasm].map(async (url) =>
        url && new Uint8Array(await (await fetch(url)).arrayBuffer())
      ));
      const worker = new Worker('/site/worker.js', { type: 'module' });
      const answer = new Promise<Outcome<number[]>>((resolve, reject) => {
        worker.onmessage = ({ data }) =>
          resolve(data as Outcome<number[]>);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage({ klet, input, wasm: core, ...one });
      return answer.finally(() => worker.terminate());
    }, one);

  /** Loads when the processor is made, predicts in its callback. */
  const inWorklet = (one: Case): Promise<Outcome<number[]>> =>
    page.evaluate(async ({ wasm, ...one }) => {
      const [klet, input, core] = await Promise.all(['/digits.klet', '/digits.in', wasm].map(async (url) =>
        url && new Uint8Array(await (await fetch(url)).arrayBuffer())
      ));
      const audio = new OfflineAudioContext(1, 1024, 44100);
      await audio.audioWorklet.addModule('/site/worklet.js');
      const node = new AudioWorkletNode(audio, 'reader', { processorOptions: { klet, input, wasm: core, ...one } });
      const answer = new Promise<Outcome<number[]>>((resolve, reject) => {
        node.port.onmessage = ({ data }) =>
          resolve(data as Outcome<number[]>);
        node.onprocessorerror = () => reject(new Error('the processor failed'));
      });
      node.connect(audio.destination);
      await audio.startRendering();
      return answer;
    }, one);

  describe('in a worker', () => {
    test.each(titled([...atOnce, { waiting: true, ...scalar }]))('%s from bytes, and predict', async (_, one) => {
      expect(await inWorker(one)).toEqual({ value: network.expected });
    });

    test('loadSync asks for the scalar core if it is missing', async () => {
      expect(await inWorker({ waiting: false, ...scalar })).toEqual(refused(''));
    });
  });

  describe('in an audio worklet', () => {
    test.each(titled([...atOnce, ...atOnce.map((one) => ({ ...one, waiting: true }))]))(
      '%s from bytes, and predict in the callback',
      async (_, one) => {
        expect(await inWorklet(one)).toEqual({ value: network.expected });
      },
    );

    test('load and loadSync ask for the scalar core, which cannot be fetched there', async () => {
      expect(await inWorklet({ waiting: false, ...scalar })).toEqual(refused(''));
      expect(await inWorklet({ waiting: true, ...scalar }))
        .toEqual(refused('the scalar core cannot be fetched here \\(.+\\): '));
    });
  });

  describe('under a Content-Security-Policy', () => {
    const visit = async (
      scripts: string,
    ): Promise<{ evaluated: Outcome; loaded: Outcome<{ flavor: string; selfTest: number }> }> => {
      const policy = ["default-src 'none'", "connect-src 'self'", "require-trusted-types-for 'script'",
        "trusted-types 'none'", `script-src 'self' ${scripts}`].join('; ');
      site.put('/strict', '<!doctype html><title></title><script type="module" src="/site/strict.js"></script>', {
        'Content-Type': 'text/html',
        'Content-Security-Policy': policy,
      });
      const strict = await browser.newPage();
      await strict.goto(`${site.url}/strict`);
      await strict.waitForFunction(() => document.title !== '');
      const title = await strict.title();
      await strict.close();
      return JSON.parse(title) as Awaited<ReturnType<typeof visit>>;
    };

    test('wasm-unsafe-eval without unsafe-eval is enough', async () => {
      const { evaluated, loaded } = await visit("'wasm-unsafe-eval'");
      expect(evaluated.name, 'eval is refused').toBe('EvalError');
      expect(loaded).toMatchObject({ value: { flavor: expect.stringMatching(/^(relaxed|simd)$/) as string } });
      expect(loaded.value!.selfTest).toBeGreaterThan(0);
    });

    test('without wasm-unsafe-eval the core is plain JavaScript', async () => {
      const { evaluated, loaded } = await visit('');
      expect(evaluated.name, 'eval is refused').toBe('EvalError');
      expect(loaded).toMatchObject({ value: { flavor: 'js' } });
      expect(loaded.value!.selfTest).toBeGreaterThan(0);
    });
  });
});
