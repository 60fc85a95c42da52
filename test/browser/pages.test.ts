import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeInChrome, launchChrome, openTab } from './support/chrome';
import { serverUrl } from './support/server';

// Properties that both demo pages have: layout, links, keyboard, screen readers, colours.

const program = path.resolve(import.meta.dirname, '../../examples/digits/demo.mjs');
const phone = { width: 390, height: 844 };
const desktops = [{ width: 1440, height: 900 }, { width: 1920, height: 1080 }];

describeInChrome('the demo pages', () => {
  let browser: Browser;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    server = spawn(process.execPath, [program, '--page', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    [browser, url] = await Promise.all([
      launchChrome(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream']),
      serverUrl(server),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  async function open(name: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await openTab(browser, { permissions: ['microphone'], ...options });
    await page.goto(new URL(`../${name}/`, url).href);
    await page.waitForSelector('main.loaded');
    return page;
  }

  describe.each([['digits', '#pad'], ['listen', '#label']])('%s', (name, stage) => {
    test('has controls of at least 44 × 44 pixels', async () => {
      for (const viewport of [{ width: 320, height: 640 }, phone, { width: 1024, height: 640 }, ...desktops]) {
        const page = await open(name, { viewport });
        const controls = await page.locator('a[href], button').evaluateAll((elements) =>
          elements.map((element) => {
            const { width, height } = element.getBoundingClientRect();
            return { name: element.textContent || element.ariaLabel, width, height };
          })
        );
        expect(controls.length).toBeGreaterThanOrEqual(5);
        for (const control of controls) {
          const size = Math.min(control.width, control.height);
          expect(size, `${control.name} at ${viewport.width}`).toBeGreaterThanOrEqual(44);
        }
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      }
    });

    test('fills desktop windows without scrolling', async () => {
      for (const viewport of desktops) {
        const page = await open(name, { viewport });
        const { width, height } = viewport;
        const main = (await page.locator('main').boundingBox())!;
        expect(main.width).toBeGreaterThan(0.95 * width);
        expect(main.height).toBeGreaterThan(0.75 * height);
        expect((await page.locator(stage).boundingBox())!.height).toBeGreaterThan(0.6 * height);
        const facts = (await page.locator('.facts').boundingBox())!;
        expect(facts.y + facts.height).toBeCloseTo(main.y + main.height, 0);
        expect(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight)).toBe(true);
      }
    });

    test('links to the other page, the docs, the network and the source', async () => {
      const page = await open(name);
      const links = await page.locator('a[href]').evaluateAll((elements) =>
        elements.map((element) => (element as HTMLAnchorElement).href)
      );
      expect(links).toHaveLength(4);
      for (const link of links) {
        const { status, headers } = await fetch(link);
        expect(status, link).toBe(200);
        expect(headers.get('content-type'), link).toMatch(/^text\/(html|plain|javascript); charset=utf-8$/);
      }
      await page.click('nav a[href]');
      await page.waitForSelector('main.loaded');
      expect(page.url()).toBe(links[0]);
      await page.click('nav a[href]');
      await page.waitForSelector('main.loaded');
      expect(page.url()).toBe(new URL(`../${name}/`, url).href);
    });

    test('gives all times in milliseconds', async () => {
      const page = await open(name);
      const times = name === 'digits' ? ['time', 'ready'] : ['features', 'network', 'hop'];
      await page.waitForFunction(
        (ids) => ids.every((id) => /^\d+(\.\d+)? ms$/.test(document.getElementById(id)!.textContent)),
        times,
      );
      expect(await page.textContent('main')).not.toMatch(/µs|\d s\b/);
    });

    test('shows which control has the focus, and reaches all of them with Tab', async () => {
      const page = await open(name);
      const count = await page.locator('a[href], button').count();
      const reached = new Set<string>();
      for (let i = 0; i < count; i++) {
        await page.keyboard.press('Tab');
        const [control, outline] = await page.evaluate(() => {
          const { outerHTML, tagName } = document.activeElement!;
          const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement!);
          return [`${tagName} ${outerHTML}`, `${outlineStyle} ${outlineWidth}`] as const;
        });
        expect(control).toMatch(/^(A|BUTTON) /);
        expect(outline, control).toBe('solid 3px');
        reached.add(control);
      }
      expect(reached.size).toBe(count);
    });

    test('names its parts for screen readers', async () => {
      const page = await open(name);
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      const landmarks = [['navigation', 'Demos'], ['region', 'Answer'], ['region', 'Figures'], ['list',
        'Scores']] as const;
      for (const [role, label] of landmarks) expect(await page.getByRole(role, { name: label }).count(), label).toBe(1);
      for (const role of ['button', 'link', 'img', 'meter'] as const) {
        for (const element of await page.getByRole(role).all()) {
          expect(await element.ariaSnapshot()).toMatch(new RegExp(`^- ${role} ".+"`));
        }
      }
      expect(await page.locator('[role=status], [role=alert], [aria-live]').count()).toBe(2);
    });

    for (const colorScheme of ['light', 'dark'] as const) {
      test(`has readable text in ${colorScheme} mode`, async () => {
        const page = await open(name, { colorScheme });
        await page.click(name === 'digits' ? '.samples button' : '#listen');
        if (name === 'listen') await page.waitForSelector('#listen.stop:not(:disabled)');
        const selectors = ['h1', 'h1 span', 'nav a', '#sure', '.bars li', 'dt', 'dd', 'footer a',
          ...name === 'digits' ? ['figcaption', '#digit'] : ['#listen']];
        for (const selector of selectors) {
          const large = selector === '#digit';
          expect(await contrastOf(page, selector), selector).toBeGreaterThan(large ? 3 : 4.5);
        }
        expect((await brightnessOf(page)) > 0.5).toBe(colorScheme === 'light');
      });
    }
  });

  test('the button stands out from the card, as Listen and as Stop', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('listen', { colorScheme });
      expect(await contrastOf(page, '#listen', 'backgroundColor', '.hear')).toBeGreaterThan(3);
      expect(await contrastOf(page, '#listen')).toBeGreaterThan(4.5);
      await page.click('#listen');
      await page.waitForSelector('#listen.stop:not(:disabled)');
      expect(await page.textContent('#listen')).toBe('Stop');
      expect(await contrastOf(page, '#listen', 'backgroundColor', '.hear')).toBeGreaterThan(3);
    }
  });

  test('announces a digit to screen readers once it has not changed for a while', async () => {
    const page = await open('digits');
    await page.evaluate(() => {
      const spoken = document.getElementById('spoken')!;
      new MutationObserver(() => {
        document.title += ` ${spoken.textContent}`;
      }).observe(spoken, { childList: true });
      document.title = '';
    });
    // in one task, so that a busy machine does not make a pause between two keys
    await page.evaluate(() => {
      for (const key of '1234567') dispatchEvent(new KeyboardEvent('keydown', { key }));
    });
    await page.waitForFunction(() => document.title.includes('7'));
    expect(await page.title()).toMatch(/^7, [\d.]+ % sure$/);
  });
});

/** Contrast of an element's colour against its own or another element's background, 1..21. */
function contrastOf(
  page: Page,
  selector: string,
  property: 'color' | 'backgroundColor' = 'color',
  behind = selector,
): Promise<number> {
  return page.evaluate(({ selector, property, behind }) => {
    const luminanceOf = (colour: string): number => {
      const [r, g, b] = colour.match(/[\d.]+/g)!.map((value) => {
        const share = Number(value) / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    let ground = document.querySelector(behind)!;
    while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement!;
    const [low, high] = [luminanceOf(getComputedStyle(document.querySelector(selector)!)[property]),
      luminanceOf(getComputedStyle(ground).backgroundColor)].sort((a, b) => a - b);
    return (high! + 0.05) / (low! + 0.05);
  }, { selector, property, behind });
}

/** Mean of the body's background channels, 0..1. */
function brightnessOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const channels = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g)!.slice(0, 3).map(Number);
    return channels.reduce((sum, value) => sum + value, 0) / (3 * 255);
  });
}
