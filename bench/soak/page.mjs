// Loads and disposes of models in a page, and measures the resident memory of Chromium's process
// for it. Linux only.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openChromium } from '../tools/chromium.mjs';
import { serve } from '../tools/serve.mjs';
import { SAMPLES } from './scenarios.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Resident memory of a process, in bytes. */
function residentBytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

export async function soakPage(count, minutes) {
  const server = await serve({ '/': root });
  const browser = await openChromium(['--js-flags=--expose-gc']);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/bench/soak/page.html`);
    await page.evaluate(async () => {
      const { loadSync } = await import('/dist/browser.js');
      const bytes = new Uint8Array(await (await fetch('/models/digits/digits.klet')).arrayBuffer());
      const pixels = new Float32Array(784);
      globalThis.repeat = async (times) => {
        for (let i = 0; i < times; i++) {
          const model = loadSync(bytes);
          model.predict(pixels);
          model.dispose();
        }
        for (let pass = 0; pass < 2; pass++) {
          globalThis.gc();
          await new Promise((resolve) => {
            setTimeout(resolve);
          });
        }
      };
    });
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
    const every = Math.max(1, Math.ceil(count / SAMPLES));
    const end = performance.now() + minutes * 60_000;
    const samples = [];
    for (let i = every; i <= count && performance.now() < end; i += every) {
      await page.evaluate((times) => globalThis.repeat(times), every);
      samples.push([i, renderers.reduce((sum, pid) => sum + residentBytes(pid), 0)]);
    }
    return samples;
  } finally {
    await browser.close();
    server.close();
  }
}
