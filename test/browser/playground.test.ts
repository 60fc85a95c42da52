import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import wavefile from 'wavefile';
import { buildPlayground } from '../../src/build/playground.mjs';
import { loadSync } from '../../src/index';
import { root } from '../docs/page';
import { hasShared, shared } from '../helpers/shared';
import { writeTflite } from '../tflite/writer';
import { describeInChrome, launchChrome } from './support/chrome';
import { openSite, type Site } from './support/site';

// examples/playground, built, and served from a folder that is not the root of its server.

const FOLDER = '/some/where/';
const types: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const seven = path.join(root, 'models/digits/samples/7.png');

/** A float32 network for gray images of 12×12: a convolution, a mean and three scores. */
function smallNetwork(): Uint8Array {
  const weights = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i * 1.7));
  return writeTflite({
    tensors: [{ name: 'image', shape: [1, 12, 12, 1], type: 'FLOAT32' }, {
      name: 'filter',
      shape: [16, 3, 3, 1],
      type: 'FLOAT32',
      data: weights(144),
    }, { name: 'bias', shape: [16], type: 'FLOAT32', data: weights(16) }, {
      name: 'features',
      shape: [1, 10, 10, 16],
      type: 'FLOAT32',
    }, { name: 'axes', shape: [2], type: 'INT32', data: [1, 2] }, { name: 'means', shape: [1, 16], type: 'FLOAT32' }, {
      name: 'matrix',
      shape: [3, 16],
      type: 'FLOAT32',
      data: weights(48),
    }, { name: 'offsets', shape: [3], type: 'FLOAT32', data: [0, 0, 0] }, {
      name: 'scores',
      shape: [1, 3],
      type: 'FLOAT32',
    }],
    operators: [{
      kind: 'CONV_2D',
      inputs: ['image', 'filter', 'bias'],
      outputs: ['features'],
      options: {
        padding: 'VALID',
        strideW: 1,
        strideH: 1,
        dilationWFactor: 1,
        dilationHFactor: 1,
        fusedActivationFunction: 'RELU',
      },
    }, { kind: 'MEAN', inputs: ['features', 'axes'], outputs: ['means'], options: { keepDims: false } }, {
      kind: 'FULLY_CONNECTED',
      inputs: ['means', 'matrix', 'offsets'],
      outputs: ['scores'],
      options: { fusedActivationFunction: 'NONE' },
    }],
    inputs: ['image'],
    outputs: ['scores'],
  });
}

const network = { name: 'small.tflite', mimeType: 'application/octet-stream', buffer: Buffer.from(smallNetwork()) };
const labels = { name: 'labels.txt', mimeType: 'text/plain', buffer: Buffer.from('left\nmiddle\nright\n') };

/** Texts whose contrast with their background is below 4.5 (WCAG 2.2, 1.4.3). Runs in the page. */
function lowContrasts(): string[] {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const rgba = (color: string): number[] => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color: number[]): number => {
    const [r, g, b] = color.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element: Element | null): number[] => {
    if (!element) return [255, 255, 255];
    const color = rgba(getComputedStyle(element).backgroundColor);
    return color[3] === 255 ? color : backgroundOf(element.parentElement);
  };
  const low: string[] = [];
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some(({ nodeType, nodeValue }) =>
      nodeType === 3 && nodeValue!.trim() !== ''
    );
    if (!hasText || element.closest('svg, .spoken, option, [hidden], :disabled')) continue;
    const lights = [luminance(rgba(getComputedStyle(element).color)), luminance(backgroundOf(element))].sort((a, b) =>
      b - a
    );
    const contrast = (lights[0]! + 0.05) / (lights[1]! + 0.05);
    if (contrast < 4.5) low.push(`${element.textContent}: ${contrast.toFixed(2)}`);
  }
  return low;
}

describeInChrome('the playground', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-playground-'));
  let browser: Browser;
  let site: Site;
  let other: Site;
  let context: BrowserContext;
  let page: Page;
  let requests: string[];
  let problems: string[];

  beforeAll(async () => {
    [browser, site, other] = await Promise.all([
      launchChrome(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream']),
      openSite(),
      openSite(),
      buildPlayground(folder),
    ]);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const type = types[path.extname(file)] ?? 'application/octet-stream';
      const name = FOLDER + path.relative(folder, file).split(path.sep).join('/');
      site.put(name, readFileSync(file), { 'Content-Type': type });
      if (entry.name === 'index.html') site.put(FOLDER, readFileSync(file), { 'Content-Type': type });
    }
    other.put('/', 'secret', { 'Access-Control-Allow-Origin': '*' });
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
    other?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    requests = [];
    problems = [];
    context.on('request', (request) => requests.push(request.url()));
    page = await context.newPage();
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(site.url + FOLDER);
  });
  afterEach(async () => {
    await context.close();
    expect(requests.filter((url) => !/^(blob|data):/.test(url) && !url.startsWith(site.url + FOLDER))).toEqual([]);
    expect(problems).toEqual([]);
  });

  const open = async (...files: Parameters<Page['setInputFiles']>[1][]): Promise<void> => {
    await page.setInputFiles('#files', files.flat() as typeof network[]);
    await page.waitForSelector('#try .actions');
  };
  const openExample = async (name: string): Promise<void> => {
    await page.click(`.examples button:has-text("${name}")`);
    await page.waitForSelector('#try .actions');
  };
  const best = (): Promise<string> => page.innerText('.found .best span:first-child');

  test('shows what a network is, runs it on a picture and measures it', async () => {
    await openExample('Handwritten digits');
    expect(await page.innerText('#overview h2')).toBe('digits');
    expect(await page.innerText('#overview dl')).toContain('609 k');
    const { records } = await page.evaluate(() => ({ records: document.querySelectorAll('.graph .node').length }));
    expect(records).toBe(12);
    expect(await page.locator('.memory .buffer').count()).toBeGreaterThan(5);
    await page.setInputFiles('#try-file', seven);
    await expect.poll(best).toBe('7');
    await expect.poll(() => page.innerText('#boards')).toContain('constants');
    await page.click('#speed button');
    await page.waitForSelector('text=Measure again');
    expect(await page.locator('#speed ol').first().locator('li').allInnerTexts())
      .toEqual(['relaxed', 'SIMD', 'no SIMD', 'JavaScript'].map((name) => expect.stringContaining(name) as string));
    expect(await page.locator('#speed ol').nth(1).locator('li').count()).toBe(12);
  });

  test('converts, quantizes and prunes a float32 network, and gives the files', async () => {
    await open(network, labels);
    expect(await page.innerText('#overview dl')).toContain('TensorFlow Lite');
    await page.click('#quantize');
    await page.waitForSelector('.versions');
    expect(await page.innerText('.versions [aria-pressed=true]')).toContain('int8');
    expect(await page.innerText('#smaller .result')).toMatch(/8 samples of noise/);
    await page.setInputFiles('#smaller input[type=file]', [seven, seven, seven]);
    await expect.poll(() => page.innerText('#smaller')).toContain('3 samples');
    await page.fill('#sparsity', '75');
    await page.click('#prune');
    await page.waitForSelector('.version:has-text("75 % pruned")');
    expect(await page.locator('.version').count()).toBe(3);
    await expect.poll(() => page.evaluate(() => document.activeElement!.id), { message: 'the focus stays' })
      .toBe('prune');
    await page.focus('.version:has-text("int8")');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement!.textContent)).toContain('int8');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
    expect(download.suggestedFilename()).toBe('small.klet');
    const model = loadSync(readFileSync(await download.path()));
    expect([model.inputs[0]!.dtype, model.meta.labels]).toEqual(['int8', ['left', 'middle', 'right']]);
    expect(await page.innerText('#take pre')).toContain("imageToInput(document.querySelector('img'), model.inputs[0]");
    const [script] = await Promise.all([page.waitForEvent('download'), page.click('text=One script')]);
    expect(readFileSync(await script.path(), 'utf8')).toContain('small');
  });

  test('draws with the pointer and with keys', async () => {
    await open(network, labels);
    await page.click('#try-draw');
    await page.focus('.pad');
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown');
    await expect.poll(best).toMatch(/left|middle|right/);
    const white = (): Promise<number> =>
      page.evaluate(() => {
        const pad = document.querySelector<HTMLCanvasElement>('.pad')!;
        const { data } = pad.getContext('2d')!.getImageData(0, 0, pad.width, pad.height);
        return data.filter((value, i) => i % 4 === 0 && value > 128).length;
      });
    const byKeys = await white();
    expect(byKeys).toBeGreaterThan(1000);
    const box = (await page.locator('.pad').boundingBox())!;
    await page.mouse.move(box.x + 20, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 20, { steps: 4 });
    await page.mouse.up();
    expect(await white()).toBeGreaterThan(byKeys + 1000);
  });

  test('runs on the camera', async () => {
    await openExample('Handwritten digits');
    await page.click('#try-camera');
    await expect.poll(best).toMatch(/^\d$/);
    expect(await page.locator('canvas.seen').evaluate((canvas: HTMLCanvasElement) => canvas.width)).toBe(640);
  });

  test('listens to the microphone, and draws what it hears', async () => {
    await openExample('Spoken digits');
    await page.click('#try-microphone');
    await expect.poll(() => page.locator('.found .bars li').count(), { timeout: 20_000 }).toBe(5);
    expect(await page.locator('canvas.spectrogram').count()).toBe(1);
  });

  test('hears a recording', async () => {
    await openExample('Spoken digits');
    const samples = Float64Array.from({ length: 8000 }, (_, i) => Math.sin(i / 4) / 4);
    const wave = new wavefile.WaveFile();
    wave.fromScratch(1, 8000, '16', Array.from(samples, (value) => value * 32767));
    await page.setInputFiles('#try-file', {
      name: 'a.wav',
      mimeType: 'audio/wav',
      buffer: Buffer.from(wave.toBuffer()),
    });
    await expect.poll(() => page.locator('.found .bars li').count()).toBe(5);
    expect(await page.locator('canvas.spectrogram').evaluate((canvas: HTMLCanvasElement) => canvas.width))
      .toBeGreaterThan(30);
  });

  test('asks for the values at which a network ends before operators that kinglet lacks', async () => {
    const custom = writeTflite({
      tensors: [{ name: 'x', shape: [1, 4], type: 'FLOAT32' }, { name: 'middle', shape: [1, 4], type: 'FLOAT32' }, {
        name: 'y',
        shape: [1, 4],
        type: 'FLOAT32',
      }],
      operators: [{ kind: 'LOGISTIC', inputs: ['x'], outputs: ['middle'] }, {
        kind: 'CUSTOM',
        customCode: 'Mystery',
        inputs: ['middle'],
        outputs: ['y'],
      }],
      inputs: ['x'],
      outputs: ['y'],
    });
    await page.setInputFiles('#files', { ...network, buffer: Buffer.from(custom) });
    await page.waitForSelector('#trouble:not([hidden])');
    expect(await page.innerText('#trouble')).toContain('Mystery');
    await page.fill('#again', 'middle');
    await page.click('text=Try again');
    await page.waitForSelector('#try .actions');
    expect(await page.innerText('#overview')).toContain('middle');
    expect(await page.isVisible('#trouble')).toBe(false);
  });

  test('runs a network of other values on noise', async () => {
    await openExample('Gestures');
    await page.click('#try-noise');
    await expect.poll(() => page.locator('.found .bars li').count()).toBe(5);
    expect(await page.innerText('#smaller')).toContain('has a plan and no graph');
  });

  describe('says what is wrong with', () => {
    const cases: [string, string, Buffer, RegExp][] = [['a file of another kind', 'notes.pdf', Buffer.from('%PDF-1.4'),
      /no network that kinglet imports.*reads \.tflite/s], ['an empty file', 'empty.onnx', Buffer.alloc(0),
      /no network/], ['a damaged file', 'small.tflite', network.buffer.subarray(0, 500),
      /small.*(damaged|truncated|outside|end)/], ['labels alone', 'labels.txt', labels.buffer,
      /choose the file of a network/], ['a damaged .klet file', 'digits.klet',
      readFileSync(path.join(root, 'models/digits/digits.klet')).subarray(0, 999), /999/]];
    test.each(cases)('%s', async (_, name, buffer, message) => {
      await page.setInputFiles('#files', { name, mimeType: 'application/octet-stream', buffer });
      await page.waitForSelector('#trouble:not([hidden])');
      expect(await page.innerText('#trouble')).toMatch(message);
      expect(await page.isVisible('#progress')).toBe(false);
    });
  });

  test('forbids requests to other servers, in the page and in its worker', async () => {
    await openExample('Gestures');
    const attempt = (url: string): Promise<string> => fetch(url).then((response) => response.text(), () => 'refused');
    const before = requests.length;
    expect(await page.evaluate(attempt, other.url)).toBe('refused');
    expect(await page.workers()[0]!.evaluate(attempt, other.url)).toBe('refused');
    requests.splice(before);
    expect(problems.splice(0).join()).toMatch(/Content Security Policy/);
  });

  test('works without a network after the first visit', async () => {
    await page.waitForSelector('[data-offline=ready]');
    await context.setOffline(true);
    await page.reload();
    await openExample('Handwritten digits');
    await page.setInputFiles('#try-file', seven);
    await expect.poll(best).toBe('7');
  });

  test('is used by keyboard and fits on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('files');
    const outline = await page.locator('label.main').evaluate((label) => getComputedStyle(label).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#try .actions');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const small = await page.locator('button, select, label.button').evaluateAll((elements) =>
      elements.filter((element) => element.getBoundingClientRect().height < 44).map(({ textContent }) => textContent)
    );
    expect(small, 'targets for fingers').toEqual([]);
  });

  test.each(['light', 'dark'] as const)('has texts with a contrast of 4.5 and more, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await open(network, labels);
    await page.click('#try-noise');
    await page.click('#quantize');
    await page.waitForSelector('.versions');
    await page.click('#try-noise');
    expect(await page.evaluate(lowContrasts)).toEqual([]);
  });

  test.skipIf(!hasShared)('reads networks of other formats [there is no ../shared]', async () => {
    const networks = {
      ONNX: ['onnx/mnist_cntk/mnist_cntk.onnx'],
      'TensorFlow.js': ['tfjs/hm_age/age.json', 'tfjs/hm_age/age.bin'],
      Keras: ['keras/hand_keypoint_h5/keypoint_classifier.hdf5'],
    };
    for (const [format, files] of Object.entries(networks)) {
      await page.setInputFiles('#files', files.map((file) => path.join(shared, 'formats', file)));
      await expect.poll(() => page.locator('#overview dl').allInnerTexts(), { message: format, timeout: 20_000 })
        .toEqual([expect.stringContaining(format)]);
    }
  });
});
