import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeInChrome, launchChrome } from './support/chrome';
import { digits, flavors, known, type Known } from './support/networks';
import { openPage, type Outcome } from './support/page';
import { openSite, type Site } from './support/site';

// dist/browser.js where less is allowed than in a page.

describeInChrome('the runtime in other scopes', () => {
  let browser: Browser, site: Site, page: Page, network: Known;

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

  for (const flavor of flavors) {
    test(`loadSync and predict in a worker (${flavor})`, async () => {
      const found = await page.evaluate(async (flavor) => {
        const [klet, input] = await Promise.all(['/digits.klet', '/digits.in'].map(async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer())));
        const worker = new Worker('/site/worker.js', { type: 'module' });
        const answer = new Promise<Outcome<number[]>>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data as Outcome<number[]>);
          worker.onerror = ({ message }) => reject(new Error(message));
        });
        worker.postMessage({ klet, input, flavor });
        return answer.finally(() => worker.terminate());
      }, flavor);
      expect(found).toEqual({ value: network.expected });
    });

    for (const waiting of [false, true]) {
      test(`${waiting ? 'load' : 'loadSync'} from bytes in an audio worklet and predict in its callback (${flavor})`, async () => {
        const found = await page.evaluate(async ({ flavor, waiting }) => {
          const [klet, input] = await Promise.all(['/digits.klet', '/digits.in'].map(async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer())));
          const audio = new OfflineAudioContext(1, 1024, 44100);
          await audio.audioWorklet.addModule('/site/worklet.js');
          const node = new AudioWorkletNode(audio, 'reader', { processorOptions: { klet, input, flavor, waiting } });
          const answer = new Promise<Outcome<number[]>>((resolve, reject) => {
            node.port.onmessage = ({ data }) => resolve(data as Outcome<number[]>);
            node.onprocessorerror = () => reject(new Error('the processor failed'));
          });
          node.connect(audio.destination);
          await audio.startRendering();
          return answer;
        }, { flavor, waiting });
        expect(found).toEqual({ value: network.expected });
      });
    }
  }

  describe('under a Content-Security-Policy', () => {
    const visit = async (scripts: string): Promise<{ evaluated: Outcome; loaded: Outcome<{ flavor: string; selfTest: number }> }> => {
      const policy = `default-src 'none'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; script-src 'self' ${scripts}`;
      site.put('/strict', '<!doctype html><title></title><script type="module" src="/site/strict.js"></script>', { 'Content-Type': 'text/html', 'Content-Security-Policy': policy });
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

    test('without wasm-unsafe-eval the error is NO_WASM', async () => {
      const { loaded } = await visit('');
      expect(loaded).toMatchObject({ name: 'KletError', code: 'NO_WASM' });
    });
  });
});
