import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import wavefile from 'wavefile';
import { loadSync } from '../../src/index';
import { toneDetector } from '../audio/networks';
import { tone } from '../audio/settings';
import { corner, quadrants } from '../cli/cli';
import { fencesOf, readPage, root, tableRows } from '../docs/page';
import { makeRecipe, recipesWithFiles } from '../docs/recipes';
import { describeInChrome, launchChrome, launchChromeWith, openTab } from './support/chrome';
import { openSite, type Site } from './support/site';

// The files of docs/recipes/, built by Vite and opened as a reader would.

const digits = 'models/digits/digits.klet';
const seven = 'models/digits/samples/7.png';

test('every recipe with files is run here or in test/fixtures/', () => {
  const here = ['webcam', 'microphone', 'quantize-in-a-page', 'offline', 'csp-and-extensions', 'script-tag'];
  const fixtures = ['react', 'nextjs', 'cloudflare-workers'];
  expect(recipesWithFiles()).toEqual([...here, ...fixtures].sort());
});

describeInChrome('the recipe', () => {
  const media = mkdtempSync(path.join(tmpdir(), 'kinglet-media-'));
  let browser: Browser;
  let site: Site;

  beforeAll(async () => {
    writeFileSync(path.join(media, 'seven.y4m'), videoOf(PNG.sync.read(readFileSync(path.join(root, seven)))));
    writeFileSync(path.join(media, 'high.wav'), waveOf(tone(4000, 1, 48000, 0.25), 48000));
    [browser, site] = await Promise.all([
      launchChrome(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${path.join(media, 'seven.y4m')}`,
        `--use-file-for-fake-audio-capture=${path.join(media, 'high.wav')}`]),
      openSite(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
    rmSync(media, { recursive: true, force: true });
  });

  async function visit(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await openTab(browser, options);
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.goto(url);
    return page;
  }

  /** Builds a recipe with Vite and serves it in a folder of its own. */
  async function serve(name: string, copies: Record<string, string>, headers: Record<string, string> = {}) {
    const { folder, remove } = makeRecipe(name, copies);
    try {
      await build({ root: folder, base: './', configFile: false, logLevel: 'error' });
      serveFolder(path.join(folder, 'dist'), `/${name}/`, headers);
    } finally {
      remove();
    }
    return `${site.url}/${name}/`;
  }

  function serveFolder(folder: string, at: string, headers: Record<string, string> = {}): void {
    for (const file of filesIn(folder)) {
      const bytes = readFileSync(path.join(folder, file));
      site.put(at + file, bytes, headers);
      if (file === 'index.html') site.put(at, bytes, { 'Content-Type': 'text/html', ...headers });
    }
  }

  const output = (page: Page): Promise<string> =>
    page.waitForFunction(() => document.querySelector('output')!.textContent).then((text) => text.jsonValue());

  test('webcam reads a digit in the middle of the frame', async () => {
    const page = await visit(await serve('webcam', { 'public/network.klet': digits }), { permissions: ['camera'] });
    await page.click('button');
    expect(await output(page)).toMatch(/^7 \d+ % · \d \d+ % · \d \d+ %$/);
  });

  test('microphone names a sound once', async () => {
    const url = await serve('microphone', {});
    site.put('/microphone/spoken-digits.klet', toneDetector());
    const page = await visit(url, { permissions: ['microphone'] });
    await page.click('button');
    await page.waitForSelector('li');
    await page.waitForTimeout(500);
    expect(await page.locator('li').allTextContents()).toEqual(['high']);
  });

  test('quantize-in-a-page makes an int8 file that reads the images', async () => {
    const images = Array.from({ length: 8 }, (_, i) => ({ name: `${i}.png`, mimeType: 'image/png', buffer: png(i) }));
    const page = await visit(await serve('quantize-in-a-page', {}));
    await page.setInputFiles('[name=network]', {
      name: 'float.tflite',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(quadrants()),
    });
    await page.setInputFiles('[name=images]', images);
    await page.click('button');
    expect(await output(page)).toMatch(/^close: 2 of 2 answers are the same, \d+ → \d+ bytes$/);
    const download = page.waitForEvent('download');
    await page.click('a');
    const model = loadSync(readFileSync(await (await download).path()));
    expect(model.inputs[0]!.dtype).toBe('int8');
    expect(model.meta.preprocessing).toEqual({ kind: 'image', channels: 1, scale: 1 / 255, offset: 0 });
    const scores = model.predict(Float32Array.from(corner(2), (value) => value / 255));
    expect(scores.indexOf(Math.max(...scores))).toBe(2);
  });

  test('offline answers without a network', async () => {
    const page = await visit(await serve('offline', { 'public/digits.klet': digits, 'public/7.png': seven }));
    await page.waitForSelector('[data-offline=ready]');
    await page.context().setOffline(true);
    await page.reload();
    expect(await output(page)).toBe('7');
    await page.waitForSelector('[data-offline=ready]');
  });

  describe('csp-and-extensions', () => {
    test('states a policy under which the webcam page works', async () => {
      const fences = fencesOf(readPage('docs/recipes/csp-and-extensions.md'));
      const header = fences.find(({ language }) => language === 'text')!.code.trim();
      const [name, policy] = header.split(': ') as [string, string];
      const url = await serve('webcam', { 'public/network.klet': digits }, { [name]: policy });
      const page = await visit(url, { permissions: ['camera'] });
      await page.evaluate(`setTimeout("document.title = 'evaluated'")`);
      await page.click('button');
      expect(await output(page)).toMatch(/^7 /);
      expect(await page.title()).toBe('Webcam');
    });

    test('makes an extension that reads a digit', async () => {
      const { folder, remove } = makeRecipe('csp-and-extensions', copiesInTable());
      const profile = mkdtempSync(path.join(tmpdir(), 'kinglet-profile-'));
      rmSync(path.join(folder, 'node_modules'), { recursive: true });
      const context = await launchChromeWith(folder, profile);
      try {
        const page = await context.newPage();
        await page.goto(`chrome-extension://${idOfExtension(folder)}/popup.html`);
        await page.setInputFiles('input', path.join(root, seven));
        expect(await output(page)).toBe('7');
      } finally {
        await context.close();
        remove();
        rmSync(profile, { recursive: true, force: true });
      }
    });
  });

  describe('script-tag', () => {
    const cdn = 'https://cdn.jsdelivr.net/npm/kinglet@0.1.0/';
    const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

    async function open(file: string, headers: Record<string, string> = {}): Promise<Page> {
      const { folder, remove } = makeRecipe('script-tag', { '7.png': seven });
      serveFolder(folder, '/script-tag/', headers);
      remove();
      const page = await openTab(browser, { permissions: ['microphone'] });
      await routePackage(page, cdn);
      await page.goto(`${site.url}/script-tag/${file}`);
      return page;
    }

    test('runs a classic script from a CDN', async () => {
      expect(await output(await open('classic.html'))).toMatch(/^10 scores, (relaxed|simd)$/);
    });

    test('runs modules from a CDN', async () => {
      const page = await open('modules.html');
      expect(await output(page)).toBe('7');
      expect(await page.evaluate("import('kinglet/compiler').then(Object.keys)")).toContain('quantize');
    });

    test("runs threads with a script from the page's origin only", async () => {
      const page = await open('modules.html', isolated);
      await output(page);
      const threads = (options: string): Promise<unknown> =>
        page.evaluate(`import('kinglet').then(async ({ load }) =>
          (await load('${cdn}models/digits/digits.klet', { threads: 2${options} })).info.threads)`);
      expect(await threads(", worker: '/dist/thread.js'")).toBe(2);
      expect(await threads('')).toBe(1);
    });

    test('hears with an audio worklet from another origin', async () => {
      const page = await open('modules.html');
      await output(page);
      // requests of worklets cannot be routed
      site.put('/worklet.js', readFileSync(path.join(root, 'dist/worklet.js')), { 'Access-Control-Allow-Origin': '*' });
      const worklet = `${site.url.replace('localhost', '127.0.0.1')}/worklet.js`;
      const heard = page.evaluate(`import('kinglet/audio').then(({ listen }) => new Promise((resolve, reject) => {
        fetch('${cdn}models/spoken-digits/spoken-digits.klet').then((response) => response.arrayBuffer())
          .then((klet) => listen({ klet, sampleRate: 8000, worklet: '${worklet}', onOutput: resolve }))
          .catch(reject);
      })).then(({ length }) => length)`);
      expect(await heard).toBe(10);
    });
  });
});

describeInChrome('the README', () => {
  let browser: Browser;
  let site: Site;
  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  const pages = fencesOf(readPage('README.md')).filter(({ language }) => language === 'html');
  test.each(pages.map((fence) => [fence.heading, fence] as const))(
    'has a page under "%s" that runs',
    async (_, page) => {
      site.put('/', page.code, { 'Content-Type': 'text/html' });
      site.put('/network.klet', readFileSync(path.join(root, digits)));
      const tab = await browser.newPage();
      const troubles: string[] = [];
      tab.on('pageerror', ({ message }) => troubles.push(message));
      await routePackage(tab, `${site.url}/node_modules/kinglet/`);
      await routePackage(tab, `${site.url}/models/`, 'models');
      const said = tab.waitForEvent('console', { timeout: 10_000 });
      await tab.goto(site.url);
      const expected = /console\.log\(.*\); \/\/ (.*)/.exec(page.code)?.[1];
      if (expected) expect((await said).text()).toBe(expected);
      expect((await said).type()).toBe('log');
      expect(troubles).toEqual([]);
    },
  );
});

/** Answers requests below an address with the files of a folder of the package. */
async function routePackage(page: Page, address: string, folder = ''): Promise<void> {
  await page.route(`${address}**`, (route) => {
    const file = route.request().url().slice(address.length);
    return route.fulfill({
      path: path.join(root, folder, file),
      headers: { 'Access-Control-Allow-Origin': '*' },
      ...(file.endsWith('.js') && { contentType: 'text/javascript' }),
    });
  });
}

/** The files of the table that an extension needs, as target: source. */
function copiesInTable(): Record<string, string> {
  const rows = tableRows(readPage('docs/recipes/csp-and-extensions.md')).slice(1);
  return Object
    .fromEntries(rows.map((
      [target, source],
    ) => [target!.replaceAll('`', ''), source!.replaceAll('`', '').replace('node_modules/kinglet/', '')]));
}

/** Chromium derives it from the path of the folder, in hexadecimal digits a to p. */
function idOfExtension(folder: string): string {
  const hash = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32);
  return hash.replaceAll(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));
}

/** An image of 4×4 gray pixels. */
function png(i: number): Buffer {
  const image = new PNG({ width: 4, height: 4 });
  corner(i).forEach((value, at) => image.data.set([value, value, value, 255], at * 4));
  return PNG.sync.write(image);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) =>
    path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/')
  );
}

/** A video of 160×120 pixels with an image in the middle square, between white bars. */
function videoOf({ width, height, data }: PNG): Buffer {
  const [columns, rows] = [160, 120];
  const luma = Buffer.alloc(columns * rows, 235);
  const left = (columns - rows) / 2;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < rows; x++) {
      const at = Math.floor(y * height / rows) * width + Math.floor(x * width / rows);
      luma[y * columns + left + x] = 16 + Math.round(data[at * 4]! * 219 / 255);
    }
  }
  const chroma = Buffer.alloc(columns * rows / 2, 128);
  const frames = Array.from({ length: 10 }, () => [Buffer.from('FRAME\n'), luma, chroma]).flat();
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${columns} H${rows} F10:1 Ip C420\n`), ...frames]);
}

function waveOf(samples: Float32Array, sampleRate: number): Uint8Array {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, sampleRate, '16', Array.from(samples, (value) => Math.round(value * 32767)));
  return file.toBuffer();
}
