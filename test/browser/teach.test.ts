import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi, type TestContext } from 'vitest';
import wavefile from 'wavefile';
import { loadSync, type Model } from '../../src/index';
import { isKnown } from '../../src/tasks/index';
import { Random } from '../helpers/random';
import { hasShared, shared } from '../helpers/shared';
import { describeInChrome, launchChrome, openTab } from './support/chrome';
import { serverUrl } from './support/server';

// examples/teach/index.html, served as `node examples/teach/serve.mjs` serves it. A film is the
// camera's image, and a recording the microphone's sound.

// Eight pages at a time share the cores with other tests.
vi.setConfig({ testTimeout: 240_000 });

const program = path.resolve(import.meta.dirname, '../../examples/teach/serve.mjs');
const SECONDS = 1.5; // of each scene and each sound

/** A film that shows a bright left half, then a bright lower half, which tremble a little. */
function film(): Buffer {
  const [width, height, rate] = [160, 120, 10];
  const random = new Random(3);
  const frames = Array.from({ length: 2 * SECONDS * rate }, (_, t) => {
    const edge = random.int(-6, 6);
    const luma = Buffer.alloc(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const isBright = t < SECONDS * rate ? x < width / 2 + edge : y > height / 2 + edge;
        luma[y * width + x] = isBright ? 220 : 40;
      }
    }
    return Buffer.concat([Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)]);
  });
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F${rate}:1 Ip A1:1 C420\n`), ...frames]);
}

/** A loud low tone, a soft high one, and silence. */
function recording(): Uint8Array {
  const rate = 16_000;
  const sound = [[440, 0.4], [1700, 0.03], [0, 0]].flatMap(([hertz, volume]) =>
    Array.from({ length: SECONDS * rate }, (_, t) => volume! * Math.sin((2 * Math.PI * hertz! * t) / rate))
  );
  const file = new wavefile.WaveFile();
  file.fromScratch(1, rate, '16', sound.map((v) => Math.round(v * 32767)));
  return file.toBuffer();
}

describeInChrome('the page that learns', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-teach-'));
  let browser: Browser;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    const [video, audio] = [path.join(folder, 'film.y4m'), path.join(folder, 'sound.wav')];
    writeFileSync(video, film());
    writeFileSync(audio, recording());
    server = spawn(process.execPath, [program, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    [browser, url] = await Promise.all([
      launchChrome(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${video}`, `--use-file-for-fake-audio-capture=${audio}`]),
      serverUrl(server),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the page until the test ends. */
  async function open(
    test: TestContext,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; troubles: string[] }> {
    const permissions = ['camera', 'microphone'];
    const page = await openTab(browser, { permissions, acceptDownloads: true, ...options }, test);
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('request', (request) => {
      const isLocal = [new URL(url).origin, 'data:', 'blob:'].some((start) => request.url().startsWith(start));
      if (!isLocal || request.method() !== 'GET') troubles.push(`${request.method()} ${request.url()}`);
    });
    await page.goto(url);
    await page.waitForSelector('main.loaded');
    return { page, troubles };
  }

  const holdButton = (n: number): string => `#classes li:nth-child(${n}) .hold`;

  /** Draws lines between points of the pad, 0..1. */
  async function draw(page: Page, points: [x: number, y: number][]): Promise<void> {
    await page.click('#clear');
    const box = (await page.locator('#pad').boundingBox())!;
    for (const [i, [x, y]] of points.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 4 });
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
    await page.waitForSelector('#draw.live');
  }

  /** A triangle and a zigzag, a little different each time. */
  const triangle = (
    d: number,
  ): [number, number][] => [[0.5 + d, 0.2], [0.2, 0.75 - d], [0.8 - d, 0.75], [0.5 + d, 0.2]];
  const zigzag = (d: number): [number, number][] => [[0.2, 0.25 + d], [0.8, 0.25], [0.2 + d, 0.75], [0.8, 0.75 - d]];
  const line: [number, number][] = [[0.5, 0.1], [0.5, 0.9]];

  async function teachDrawings(page: Page, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await draw(page, triangle(i / 60));
      await page.click(holdButton(1));
      await draw(page, zigzag(i / 60));
      await page.click(holdButton(2));
    }
  }

  async function saved(page: Page): Promise<{ file: string; model: Model }> {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    expect(download.suggestedFilename()).toBe('lesson.klet');
    const file = path.join(folder, `${Math.random()}.klet`);
    await download.saveAs(file);
    return { file, model: loadSync(new Uint8Array(readFileSync(file))) };
  }

  const waitForLabel = (page: Page, label: string): Promise<unknown> =>
    page.waitForFunction((text) => document.getElementById('label')!.textContent === text, label);

  /** Holds a button for some time. */
  async function holdFor(page: Page, n: number, milliseconds: number): Promise<void> {
    await page.hover(holdButton(n));
    await page.mouse.down();
    await page.waitForTimeout(milliseconds);
    await page.mouse.up();
  }

  test.concurrent('tells drawings apart, trains, refuses others, as its file does here and in Node', async (t) => {
    const { page, troubles } = await open(t);
    await page.fill('#classes li:nth-child(1) input', 'triangle');
    await teachDrawings(page, 5);
    expect(await page.textContent('#examples')).toBe('10');
    expect(await page.locator('#classes canvas').count()).toBe(10);
    await draw(page, triangle(0.03));
    expect(await page.textContent('#sure')).toMatch(/^triangle, [\d.]+ % \(nearest mean\)$/);
    await page.click('#train');
    expect(await page.textContent('#sure')).toMatch(/^triangle, [\d.]+ % \(trained\)$/);
    await draw(page, zigzag(0.03));
    expect(await page.textContent('#label')).toBe('sign 2');
    await page.fill('#classes li:nth-child(2) input', 'zigzag');
    expect(await page.textContent('#label')).toBe('zigzag');
    await draw(page, line);
    expect(await page.textContent('#sure')).toMatch(/^unknown; .* is nearest$/);

    const { file, model } = await saved(page);
    expect(model.meta).toMatchObject({ name: 'lesson', source: 'draw', labels: ['triangle', 'zigzag'] });
    expect(isKnown(model.predict(new Float32Array(784).fill(0.5)), model)).toBe(false);

    await page.reload();
    await page.waitForSelector('main.loaded');
    await page.setInputFiles('#file-input', file);
    await page.waitForSelector('#classes .opened');
    expect(await page.textContent('#classes')).toContain('triangle, zigzag');
    await draw(page, triangle(0.03));
    expect(await page.textContent('#sure')).toMatch(/^triangle, [\d.]+ % \(from the file\)$/);
    await draw(page, line);
    expect(await page.textContent('#label')).toBe('?');
    await page.click('#more');
    expect(await page.locator('#classes li').count()).toBe(2);
    expect(troubles).toEqual([]);
  });

  test.concurrent('learns what the camera sees while a button is held, and answers from a saved file', async (t) => {
    const { page, troubles } = await open(t);
    await page.check('[value=camera]', { force: true });
    await page.click('#open-camera');
    await page.waitForSelector('#camera.live');
    /** Waits for the beginning of a scene. */
    const scene = async (wanted: 'left' | 'lower'): Promise<void> => {
      for (const isShown of [false, true]) {
        await page.waitForFunction(([isLeft, isShown]) => {
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 4;
          const context = canvas.getContext('2d')!;
          context.drawImage(document.querySelector('video')!, 0, 0, 4, 4);
          return (context.getImageData(0, 0, 1, 1).data[0]! > 128) === (isLeft === isShown);
        }, [wanted === 'left', isShown] as const);
      }
    };
    await scene('left');
    await holdFor(page, 1, 800);
    await scene('lower');
    await holdFor(page, 2, 800);
    const counts = (await page.locator('#classes .count').allTextContents()).map(Number);
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(3);
    await page.click('#train');
    await waitForLabel(page, 'thing 1');
    await waitForLabel(page, 'thing 2');
    const { file } = await saved(page);
    await page.setInputFiles('#file-input', file);
    await page.waitForSelector('#classes .opened');
    await page.waitForFunction(() => document.getElementById('sure')!.textContent.endsWith('(from the file)'));
    await waitForLabel(page, 'thing 1');
    await waitForLabel(page, 'thing 2');
    const isOff = (): Promise<unknown> =>
      page.waitForFunction(() => document.querySelector('video')!.srcObject === null);
    await page.check('[value=draw]', { force: true });
    await isOff();
    // also if it comes late
    await page.check('[value=camera]', { force: true });
    await page.evaluate(() => {
      const media = navigator.mediaDevices;
      const real = media.getUserMedia.bind(media);
      media.getUserMedia = async (constraints) => {
        const stream = await real(constraints);
        await new Promise((resolve) => setTimeout(resolve, 300));
        Object.assign(globalThis, { late: stream });
        return stream;
      };
    });
    await page.click('#open-camera');
    await page.check('[value=draw]', { force: true });
    await page.waitForFunction(() =>
      (globalThis as { late?: MediaStream }).late?.getTracks().every(({ readyState }) => readyState === 'ended')
    );
    await isOff();
    expect(troubles).toEqual([]);
  });

  test.concurrent('ignores what comes late from a source that was left', async (t) => {
    const { page, troubles } = await open(t);
    await page.evaluate(() => {
      const real = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'decode')!;
      HTMLImageElement.prototype.decode = async function() {
        await new Promise((resolve) => {
          addEventListener('goOn', resolve, { once: true });
        });
        return (real.value as () => Promise<void>).call(this);
      };
    });
    await page.keyboard.press('q');
    await page.check('[value=camera]', { force: true });
    await page.waitForSelector('#camera:not([hidden])');
    await page.evaluate(() => dispatchEvent(new Event('goOn')));
    await page.waitForSelector('#draw.live', { state: 'attached' });
    expect(await page.textContent('#sure')).toBe('no examples yet');
    await page.click(holdButton(1));
    expect(await page.textContent('#examples')).toBe('0');
    expect(troubles).toEqual([]);
  });

  test.concurrent('learns sounds of the microphone, hears silence, and answers from a saved file', async (t) => {
    const { page, troubles } = await open(t);
    await page.check('[value=sound]', { force: true });
    await page.click('#open-sound');
    await page.waitForSelector('#sound.live');
    /** Waits for the beginning of a sound, by its loudness in decibels. */
    const sound = async (least: number, most: number): Promise<void> => {
      for (const isHeard of [false, true]) {
        await page.waitForFunction(([least, most, isHeard]) => {
          const loudness = Number(document.getElementById('meter')!.getAttribute('aria-valuenow'));
          return (loudness >= least && loudness <= most) === isHeard;
        }, [least, most, isHeard] as const);
      }
    };
    await page.fill('#classes li:nth-child(1) input', 'low');
    await page.fill('#classes li:nth-child(2) input', 'high');
    await sound(-15, 0);
    await holdFor(page, 1, 900);
    await sound(-40, -28);
    await holdFor(page, 2, 900);
    const counts = (await page.locator('#classes .count').allTextContents()).map(Number);
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(5);
    await page.click('#train');
    for (const label of ['low', 'high', '?']) await waitForLabel(page, label);
    const { file, model } = await saved(page);
    expect(model.meta).toMatchObject({ source: 'sound', preprocessing: { kind: 'audio' } });
    expect(model.memory.state).toBe(160);
    await page.setInputFiles('#file-input', file);
    await page.waitForSelector('#classes .opened');
    await page.click('#open-sound');
    await page.waitForFunction(() => document.getElementById('sure')!.textContent.endsWith('(from the file)'));
    for (const label of ['low', 'high']) await waitForLabel(page, label);

    // a file that is opened while the microphone starts ends the network before it
    await page.evaluate(() => {
      const devices = navigator.mediaDevices;
      const ask = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (constraints) => {
        await new Promise((resolve) => {
          addEventListener('allowed', resolve, { once: true });
        });
        return ask(constraints);
      };
    });
    const openFile = async (): Promise<void> => {
      await page.evaluate(() => {
        document.getElementById('time')!.textContent = '';
      });
      await page.setInputFiles('#file-input', file);
      await page.waitForFunction(() => document.getElementById('time')!.textContent !== '');
    };
    await openFile();
    await page.click('#open-sound');
    await openFile();
    await page.evaluate(() => dispatchEvent(new Event('allowed')));
    await page.waitForSelector('#open-sound:enabled');
    expect(await page.locator('#sound.live').count()).toBe(0);
    expect(troubles).toEqual([]);
  });

  test.concurrent('works with the keyboard alone, adds classes and removes them', async (t) => {
    const { page, troubles } = await open(t);
    for (const [key, digit] of [['q', '1'], ['w', '2'], ['e', '1']] as const) {
      await page.keyboard.press('Escape');
      await page.keyboard.press(key);
      await page.waitForSelector('#draw.live');
      await page.keyboard.press(digit);
    }
    expect(await page.locator('#classes .count').allTextContents()).toEqual(['2', '1']);
    await page.focus(holdButton(2));
    await page.keyboard.press('Enter');
    await page.keyboard.press('Space');
    expect(await page.locator('#classes .count').allTextContents()).toEqual(['2', '3']);
    await page.focus('#train');
    await page.keyboard.press('Enter');
    expect(await page.textContent('#accuracy')).toBe('too few');
    await page.focus('#more');
    await page.keyboard.press('Enter');
    expect(await page.locator('#classes li').count()).toBe(3);
    await page.keyboard.type('third');
    await page.focus('#classes li:nth-child(2) .remove');
    await page.keyboard.press('Enter');
    const names = page.locator('#classes input');
    expect(await names.evaluateAll((inputs: HTMLInputElement[]) => inputs.map(({ value }) => value))).toEqual(['sign 1',
      'third']);
    expect(await page.isDisabled('#train')).toBe(true);
    await page.focus('[value=draw]');
    await page.keyboard.press('ArrowRight');
    await page.waitForSelector('#camera:not([hidden])');
    expect(troubles).toEqual([]);
  });

  test.concurrent('says what is wrong with a file', async (t) => {
    const { page } = await open(t);
    const wrong = path.join(folder, 'wrong.tflite');
    writeFileSync(wrong, 'no network');
    await page.setInputFiles('#file-input', wrong);
    await page.waitForSelector('#trouble.now');
    expect(await page.textContent('#trouble')).toBe('This file is no network of a format that kinglet reads.');
  });

  test.skipIf(!hasShared).concurrent(
    'embeds the camera by a MobileNet that the user opens (../shared/models)',
    async (t) => {
      const { page, troubles } = await open(t);
      await page.setInputFiles('#file-input', path.join(shared, 'models/mobilenet_v2_100_224_uint8.tflite'));
      await page.waitForFunction(() =>
        document.getElementById('network')!.textContent.includes('mobilenet_v2_100_224')
      );
      await page.click('#open-camera');
      await page.waitForFunction(() => document.getElementById('time')!.textContent.endsWith(' ms'));
      await holdFor(page, 1, 1000);
      await page.waitForFunction(() => Number(document.querySelector('.count')!.textContent) >= 2);
      await holdFor(page, 2, 1000);
      const { model } = await saved(page);
      expect(model.outputs.map(({ shape }) => shape.reduce((a, b) => a * b, 1))).toEqual([2, 1280]);
      expect(troubles).toEqual([]);
    },
  );

  test.concurrent('fits a phone in both color schemes, with every source', async (t) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, troubles } = await open(t, { viewport: { width: 360, height: 740 }, isMobile: true, colorScheme });
      for (const source of ['draw', 'camera', 'sound']) {
        await page.check(`[value=${source}]`, { force: true });
        await page.waitForSelector(`#${source}:not([hidden])`);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
        for (const button of await page.getByRole('button').all()) {
          const box = (await button.boundingBox())!;
          expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(44);
        }
      }
      expect(troubles).toEqual([]);
    }
  });
});
