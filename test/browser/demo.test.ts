import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeInChrome, launchChrome, openTab } from './support/chrome';
import { serverUrl } from './support/server';

// examples/digits/index.html, served as `npm run demo -- --page` serves it.

const program = path.resolve(import.meta.dirname, '../../examples/digits/demo.mjs');

describeInChrome('the demo page', () => {
  let browser: Browser;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    server = spawn(process.execPath, [program, '--page', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    [browser, url] = await Promise.all([launchChrome(), serverUrl(server)]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  /** Opens the page. `troubles` collects its errors, warnings and requests to other servers. */
  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; troubles: string[] }> {
    const page = await openTab(browser, options);
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('requestfailed', (request) => troubles.push(`failed: ${request.url()}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:')) {
        troubles.push(`elsewhere: ${request.url()}`);
      }
    });
    await page.goto(url);
    await page.waitForSelector('main.loaded');
    return { page, troubles };
  }

  /** Converts points of the drawing area, 0..1, to window coordinates. */
  async function places(page: Page, points: [x: number, y: number][]): Promise<{ x: number; y: number }[]> {
    const box = (await page.locator('#pad').boundingBox())!;
    return points.map(([x, y]) => ({ x: box.x + x * box.width, y: box.y + y * box.height }));
  }

  const digitOf = (page: Page): Promise<string | null> => page.textContent('#digit');

  test('loads without errors or requests to other servers, and is cross-origin isolated', async () => {
    const { page, troubles } = await open();
    await page.waitForFunction(() =>
      ['time', 'runtime', 'model', 'memory', 'ready', 'flavor'].every((id) =>
        document.getElementById(id)!.textContent !== '–'
      )
    );
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.textContent('#flavor')).toContain('SIMD');
    expect(await page.isVisible('#trouble')).toBe(false);
    expect(troubles).toEqual([]);
  });

  test('reads each sample when it is clicked or its key is pressed', async () => {
    const { page, troubles } = await open();
    for (let digit = 0; digit < 10; digit++) {
      await page.click(`#samples button:nth-child(${digit + 1})`);
      await page.waitForSelector(`#samples button:nth-child(${digit + 1})[aria-pressed=true]`);
      expect(await digitOf(page)).toBe(String(digit));
    }
    await page.keyboard.press('4');
    await page.waitForSelector('#samples button:nth-child(5)[aria-pressed=true]');
    expect(await digitOf(page)).toBe('4');
    await page.keyboard.press('Escape');
    expect(await digitOf(page)).toBe('?');
    expect(troubles).toEqual([]);
  });

  test.each<[what: string, digit: string, act: (page: Page) => Promise<void>]>([['another sample', '7', (page) =>
    page.keyboard.press('7')], ['Clear', '?', (page) => page.keyboard.press('Escape')], ['a stroke', '1',
    async (page) => {
      const [top, bottom] = await places(page, [[0.52, 0.2], [0.48, 0.8]]);
      await page.mouse.move(top!.x, top!.y);
      await page.mouse.down();
      await page.mouse.move(bottom!.x, bottom!.y, { steps: 20 });
      await page.mouse.up();
    }]])('keeps %s when an older sample decodes late', async (_, digit, act) => {
      const { page, troubles } = await open();
      await page.evaluate(() => {
        // the first sample waits until the page is told to go on
        const original = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'decode')!;
        HTMLImageElement.prototype.decode = async function() {
          Object.defineProperty(HTMLImageElement.prototype, 'decode', original);
          await new Promise((resolve) => {
            addEventListener('goOn', resolve, { once: true });
          });
          dispatchEvent(new Event('gone'));
        };
      });
      await page.keyboard.press('3');
      await act(page);
      await expect.poll(() => page.textContent('#digit')).toBe(digit);
      await page.evaluate(() =>
        new Promise((resolve) => {
          // behind what the page does with the sample
          addEventListener('gone', () => setTimeout(resolve, 50), { once: true });
          dispatchEvent(new Event('goOn'));
        })
      );
      expect(await page.textContent('#digit')).toBe(digit);
      expect(await page.locator('.samples [aria-pressed=true]').count()).toBe(digit === '7' ? 1 : 0);
      expect(troubles).toEqual([]);
    });

  test('reads a 1 while it is drawn with the mouse, and is empty after Clear', async () => {
    const { page } = await open();
    const [top, bottom] = await places(page, [[0.52, 0.2], [0.48, 0.8]]);
    await page.mouse.move(top!.x, top!.y);
    await page.mouse.down();
    await page.mouse.move(bottom!.x, bottom!.y, { steps: 12 });
    await page.waitForFunction(() => document.getElementById('digit')!.textContent === '1');
    await page.mouse.up();
    expect(await page.textContent('.bars .best span')).toBe('1');
    await page.click('#clear');
    expect(await digitOf(page)).toBe('?');
  });

  test('fits a phone, and reads a 7 drawn with a finger', async () => {
    const { page, troubles } = await open({
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      deviceScaleFactor: 2,
    });
    const stroke = await places(page, [[0.3, 0.2], [0.5, 0.2], [0.7, 0.2], [0.62, 0.4], [0.54, 0.6], [0.46, 0.8]]);
    const touch = await page.context().newCDPSession(page);
    for (const [i, point] of stroke.entries()) {
      await touch.send('Input.dispatchTouchEvent', {
        type: i === 0 ? 'touchStart' : 'touchMove',
        touchPoints: [point],
      });
    }
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await page.waitForFunction(() => document.getElementById('digit')!.textContent === '7');
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await page.evaluate(() => scrollY), 'drawing does not scroll').toBe(0);
    expect(troubles).toEqual([]);
  });

  test('shows an error if the model is missing', async () => {
    const page = await openTab(browser);
    await page.route('**/digits.klet', (route) => route.fulfill({ status: 404, body: 'gone' }));
    await page.goto(url);
    await page.waitForSelector('#trouble.now');
    expect(await page.textContent('#trouble')).toContain('404');
  });

  test('its server sends correct types, and only files of the project', async () => {
    const { origin } = new URL(url);
    const type = async (name: string): Promise<string | null> =>
      (await fetch(origin + name, { method: 'HEAD' })).headers.get('content-type');
    expect(await type('/examples/digits/digits.js')).toMatch(/^text\/javascript/);
    expect(await type('/examples/digits/')).toMatch(/^text\/html/);
    expect(await type('/dist/core.simd.wasm')).toBe('application/wasm');
    expect((await fetch(`${origin}/`)).url).toBe(url);
    for (const name of ['/package.json', '/examples/..%2fpackage.json', '/examples/..%2f..%2f..%2fetc%2fpasswd',
      '/dist%00', '/node_modules/', '/dist/'])
    {
      expect((await fetch(origin + name)).status, name).toBe(404);
    }
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });
});
