import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSync } from '../../src/index';
import { describeInChrome, launchChrome } from './support/chrome';
import { serverUrl } from './support/server';

// examples/teach/index.html, served as `node examples/teach/serve.mjs` serves it.

const program = path.resolve(import.meta.dirname, '../../examples/teach/serve.mjs');

describeInChrome('the page that learns signs', () => {
  let browser: Browser;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    server = spawn(process.execPath, [program, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    [browser, url] = await Promise.all([launchChrome(), serverUrl(server)]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; troubles: string[] }> {
    const page = await (await browser.newContext(options)).newPage();
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    await page.goto(url);
    await page.waitForSelector('main.loaded');
    return { page, troubles };
  }

  /** Draws lines between points of the pad, 0..1. */
  async function draw(page: Page, points: [x: number, y: number][]): Promise<void> {
    await page.click('#clear');
    const box = (await page.locator('#pad').boundingBox())!;
    for (const [i, [x, y]] of points.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 4 });
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
    await page.waitForSelector('.pad.inked');
  }

  /** A triangle and a zigzag, a little different each time. */
  const triangle = (
    d: number,
  ): [number, number][] => [[0.5 + d, 0.2], [0.2, 0.75 - d], [0.8 - d, 0.75], [0.5 + d, 0.2]];
  const zigzag = (d: number): [number, number][] => [[0.2, 0.25 + d], [0.8, 0.25], [0.2 + d, 0.75], [0.8, 0.75 - d]];

  test('tells drawn signs apart, trains, and saves a file that answers the same in Node', async () => {
    const { page, troubles } = await open({ acceptDownloads: true });
    await page.fill('#classes li:nth-child(1) input', 'triangle');
    for (let i = 0; i < 5; i++) {
      await draw(page, triangle(i / 60));
      await page.click('#classes li:nth-child(1) button');
      await draw(page, zigzag(i / 60));
      await page.click('#classes li:nth-child(2) button');
    }
    expect(await page.textContent('#examples')).toBe('10');
    await draw(page, triangle(0.03));
    expect(await page.textContent('#sure')).toMatch(/^triangle, [\d.]+ % \(nearest mean\)$/);
    await page.click('#train');
    expect(await page.textContent('#sure')).toMatch(/^triangle, [\d.]+ % \(trained\)$/);
    expect(await page.textContent('#label')).toBe('triangle');
    await draw(page, zigzag(0.03));
    expect(await page.textContent('#label')).toBe('sign 2');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    const model = loadSync(new Uint8Array(readFileSync(await download.path())));
    expect(download.suggestedFilename()).toBe('signs.klet');
    expect(model.meta).toMatchObject({ name: 'signs', labels: ['triangle', 'sign 2'] });
    expect(model.predict(new Float32Array(784)).probabilities).toHaveLength(2);
    expect(troubles).toEqual([]);
  });

  test('works with the keyboard alone, and forgets', async () => {
    const { page, troubles } = await open();
    for (const [key, digit] of [['q', '1'], ['w', '2'], ['e', '1']] as const) {
      await page.keyboard.press('Escape');
      await page.keyboard.press(key);
      await page.waitForSelector('.pad.inked');
      await page.keyboard.press(digit);
      await page.waitForFunction((d) => document.querySelectorAll('.bars li').length >= Number(d), digit);
    }
    expect(await page.locator('#classes span').allTextContents()).toEqual(['2', '1']);
    await page.focus('#train');
    await page.keyboard.press('Enter');
    expect(await page.textContent('#accuracy')).toBe('too few');
    await page.focus('#classes li:nth-child(2) button:last-child');
    await page.keyboard.press('Enter');
    expect(await page.locator('#classes span').allTextContents()).toEqual(['2', '0']);
    expect(await page.isDisabled('#train')).toBe(true);
    expect(troubles).toEqual([]);
  });

  test('says that a sign unlike all examples is unknown', async () => {
    const { page } = await open();
    for (let i = 0; i < 4; i++) {
      await draw(page, triangle(i / 60));
      await page.keyboard.press('1');
      await draw(page, zigzag(i / 60));
      await page.keyboard.press('2');
    }
    await draw(page, [[0.5, 0.1], [0.5, 0.9]]);
    expect(await page.textContent('#label')).toBe('?');
    expect(await page.textContent('#sure')).toMatch(/^unknown; .* is nearest$/);
  });

  test('fits a phone in both color schemes', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, troubles } = await open({ viewport: { width: 360, height: 740 }, isMobile: true, colorScheme });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      for (const button of await page.getByRole('button').all()) {
        const box = (await button.boundingBox())!;
        expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(44);
      }
      expect(troubles).toEqual([]);
    }
  });
});
