import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import wavefile from 'wavefile';
import type * as audioEntry from '../../src/audio/index';
import { createAudioFeatures } from '../../src/audio/index';
import type { ListenerMessage } from '../../src/audio/worklet';
import { decodeWave } from '../../src/tasks/wave';
import { echo, toneDetector, toneParameters } from '../audio/networks';
import { tone } from '../audio/settings';
import { Random } from '../helpers/random';
import { shared, sharedBytes } from '../helpers/shared';
import { describeInChrome, launchChrome, openTab } from './support/chrome';
import { serverUrl } from './support/server';

declare global {
  // imported into the page by tests
  var audio: typeof audioEntry;
}

// examples/listen/index.html from its own server, with a tone as the microphone's signal.

const program = path.resolve(import.meta.dirname, '../../examples/listen/serve.mjs');

interface Opened {
  page: Page;
  troubles: string[];
}

async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const page = await openTab(browser, { permissions: ['microphone'], ...options });
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:')) {
      troubles.push(`elsewhere: ${request.url()}`);
    }
  });
  await page.goto(url);
  await page.waitForSelector('main.loaded');
  return { page, troubles };
}

/** A browser whose microphone repeats a sound. */
function launchHearing(wav: string, samples: Float32Array, sampleRate: number): Promise<Browser> {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, sampleRate, '16', Array.from(samples, (v) => Math.round(v * 32767)));
  writeFileSync(wav, file.toBuffer());
  return launchChrome(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${wav}`]);
}

/** The answers that a listening page shows within two seconds, without figures. */
function answersOf(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const seen = new Set<string>();
    const textOf = (id: string): string => document.getElementById(id)!.textContent;
    for (const start = performance.now(); performance.now() - start < 2000;) {
      seen.add(`${textOf('label')} ${textOf('sure').replace(/[\d.]+ %/, 'N %')}`);
      await new Promise(requestAnimationFrame);
    }
    return [...seen];
  });
}

const serve = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [program, ...args, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });

describeInChrome('the page that listens', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-listen-'));
  const browsers = new Map<string, Browser>();
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    writeFileSync(path.join(folder, 'tones.klet'), toneDetector());
    server = serve(path.join(folder, 'tones.klet'));
    await Promise.all(([['low', 440], ['high', 4000]] as const).map(async ([label, hertz]) => {
      browsers.set(label, await launchHearing(path.join(folder, `${label}.wav`), tone(hertz, 1, 48000, 0.25), 48000));
    }));
    url = await serverUrl(server);
  });
  afterAll(async () => {
    server?.kill();
    for (const browser of browsers.values()) await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (label: 'low' | 'high', options: BrowserContextOptions = {}): Promise<Opened> =>
    visit(browsers.get(label)!, url, options);

  for (const label of ['low', 'high'] as const) {
    test(`recognizes the ${label} tone, shows its level, and stops`, async () => {
      const { page, troubles } = await open(label);
      await page.waitForFunction(() =>
        ['features', 'network'].every((id) => /^[\d.]+ ms$/.test(document.getElementById(id)!.textContent))
      );
      expect(await page.textContent('#rate')).toBe('16 kHz');
      await page.click('#listen');
      await page.waitForFunction((label) => document.getElementById('label')!.textContent === label, label);
      expect(await page.textContent('.bars .best span')).toBe(label);
      // a sine of 0.25 is 15 dB below full scale
      await page.waitForFunction(() =>
        Math.abs(Number(document.getElementById('meter')!.getAttribute('aria-valuenow')) + 15) <= 3
      );
      await page.click('#listen');
      await page.waitForSelector('#listen:not(.stop):not(:disabled)');
      expect(await page.getAttribute('#meter', 'aria-valuenow')).toBe('-60');
      expect(troubles).toEqual([]);
    });
  }

  test('gives no answer to a sound below −50 dB, though the network is sure', async () => {
    const browser = await launchHearing(path.join(folder, 'faint.wav'), tone(440, 1, 48000, 0.002), 48000);
    const { page } = await visit(browser, url);
    await page.click('#listen');
    await page.waitForFunction(() => Number(document.getElementById('meter')!.getAttribute('aria-valuenow')) > -60);
    expect(await answersOf(page)).toEqual(['… listening, say something']);
    await browser.close();
  });

  test('fits a phone', async () => {
    const { page } = await open('low', {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      deviceScaleFactor: 2,
    });
    await page.tap('#listen');
    await page.waitForFunction(() => document.getElementById('label')!.textContent === 'low');
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    const button = (await page.locator('#listen').boundingBox())!;
    expect(button.y + button.height, 'the button is on the first screen').toBeLessThan(740);
  });

  test('shows an error if the microphone is not allowed', async () => {
    const browser = await launchChrome();
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    await page.waitForSelector('main.loaded');
    await page.click('#listen');
    await page.waitForSelector('#trouble.now');
    expect(await page.textContent('#trouble')).toMatch(/microphone/);
    await browser.close();
  });

  /** Runs `listen` in the page with changed options, and returns its result or error. */
  const attempt = (
    page: Page,
    change: object,
    context = 0,
  ): Promise<{ code?: string | undefined; message?: string; name?: string; rate?: number; best?: number }> =>
    page.evaluate(async ({ change, context }) => {
      const klet = await (await fetch('/examples/listen/model.klet')).arrayBuffer();
      const outputs: number[][] = [];
      if (context > 0) {
        // like Firefox, for a context with another sample rate than the microphone
        const Real = AudioContext;
        globalThis.AudioContext = class extends Real {
          override createMediaStreamSource(stream: MediaStream): MediaStreamAudioSourceNode {
            if (this.sampleRate !== context) {
              throw new DOMException('of another rate', 'NotSupportedError');
            }
            return super.createMediaStreamSource(stream);
          }
        };
      }
      try {
        const listening = await audio.listen({
          klet,
          sampleRate: 16000,
          worklet: '/dist/worklet.js',
          onOutput: (output) => outputs.push([...output]),
          ...change,
        });
        while (outputs.length < 20) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const rate = listening.context.sampleRate;
        const last = outputs.at(-1);
        await listening.stop();
        return { rate, best: last.indexOf(Math.max(...last)) };
      } catch (error) {
        const { name, message, code } = error as Error & { code?: string };
        return { name, message, code };
      }
    }, { change, context });

  test('resamples in the worklet if the browser does not', async () => {
    const { page } = await open('high');
    await page.evaluate('import("/dist/audio.js").then((module) => { globalThis.audio = module; })');
    const rate = await page.evaluate(() => new AudioContext().sampleRate);
    expect(rate).not.toBe(16000);
    expect(await attempt(page, {}, rate)).toEqual({ rate, best: 1 });
  });

  for (const channels of [1, 2]) {
    test(`gives in the worklet the features that Node gives, for ${channels} channel(s)`, async () => {
      const { page } = await open('low');
      const sound = Array.from({ length: 8000 }, (_, t) => Math.fround(0.3 * Math.sin(t * t * 1e-4)));
      const found = await page.evaluate(async ({ sound, klet, channels }) => {
        const audio = new OfflineAudioContext(1, sound.length, 16000);
        const buffer = audio.createBuffer(channels, sound.length, 16000);
        // a signal on one of two channels has half the amplitude in their mean
        buffer.getChannelData(channels - 1).set(sound.map((v) => v * channels));
        await audio.audioWorklet.addModule('/dist/worklet.js');
        const node = new AudioWorkletNode(audio, 'kinglet-listener', {
          processorOptions: { klet: new Uint8Array(klet), every: 7 },
        });
        const frames: [number, number[]][] = [];
        const source = new AudioBufferSourceNode(audio, { buffer });
        source.connect(node).connect(audio.destination);
        const ready = new Promise<void>((resolve) => {
          node.port.onmessage = ({ data }: MessageEvent<ListenerMessage>) => {
            if (data.kind === 'ready') resolve();
            if (data.kind === 'output') frames.push([data.frame, [...data.output]]);
          };
        });
        await ready;
        source.start();
        await audio.startRendering();
        while (frames.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
        return frames;
      }, { sound, klet: [...echo(2)], channels });
      const whole = createAudioFeatures(toneParameters()).compute(Float32Array.from(sound));
      expect(found.map(([frame]) => frame)).toEqual([1, 8, 15, 22, 29].slice(0, found.length));
      // logarithms and sines differ between engines
      for (const [frame, values] of found) {
        values.forEach((value, i) => expect(value).toBeCloseTo(whole[(frame - 1) * 16 + i]!, 4));
      }
    });
  }

  test('reports errors of the worklet', async () => {
    const { page } = await open('low');
    await page.evaluate('import("/dist/audio.js").then((module) => { globalThis.audio = module; })');
    expect(await attempt(page, { klet: [1, 2, 3] })).toMatchObject({
      name: 'KletError',
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('"klet" of listen() takes bytes, not Array') as string,
    });
    expect(await attempt(page, { klet: Uint8Array.of(1, 2, 3) })).toMatchObject({
      name: 'KletError',
      code: 'BAD_MAGIC',
    });
    expect(await attempt(page, { output: 'none' })).toMatchObject({
      name: 'KletError',
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('no output "none"') as string,
    });
    expect(await attempt(page, { worklet: '/dist/missing.js' })).toMatchObject({
      name: 'KletError',
      code: 'FETCH_FAILED',
    });
  });
});

describeInChrome('the page that listens, with the default model', () => {
  const recordings = path.join(shared, 'data/spoken-digits');
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-digits-'));
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    server = serve();
    url = await serverUrl(server);
  });
  afterAll(() => {
    server?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test('shows ten digits with scores, and fits a phone', async () => {
    const browser = await launchHearing(path.join(folder, 'hum.wav'), tone(300, 1, 8000, 0.25), 8000);
    const { page, troubles } = await visit(browser, url, {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      deviceScaleFactor: 2,
    });
    expect(await page.textContent('#sure')).toBe('press the button and say 0 … 9');
    await page.tap('#listen');
    await page.waitForFunction(() => document.querySelector('.bars span:last-child')!.textContent !== '–');
    const rows = await page.locator('.bars li').evaluateAll((items) =>
      items.map((item) =>
        [item.firstElementChild!.textContent, parseFloat(item.lastElementChild!.textContent)] as const
      )
    );
    expect(rows.map(([label]) => label)).toEqual([...'0123456789']);
    expect(Math.abs(rows.reduce((sum, [, percent]) => sum + percent, 0) - 100)).toBeLessThan(1.5);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    const button = (await page.locator('#listen').boundingBox())!;
    expect(button.y + button.height, 'the button is on the first screen').toBeLessThan(740);
    expect(troubles).toEqual([]);
    await browser.close();
  });

  test('shows "…" instead of a guess in silence and noise', async () => {
    const scales = [['silence', 0, '… listening, say 0 … 9'], ['noise', 0.1, '… not sure']] as const;
    for (const [name, scale, answer] of scales) {
      const random = new Random(7);
      const sound = Float32Array.from({ length: 16000 }, () => random.between(-scale, scale));
      const browser = await launchHearing(path.join(folder, `${name}.wav`), sound, 8000);
      const { page } = await visit(browser, url);
      await page.click('#listen');
      await page.waitForFunction((sure) => document.getElementById('sure')!.textContent === sure, answer.slice(2));
      expect(await answersOf(page), name).toEqual([answer]);
      expect(await page.locator('.bars .best').count(), name).toBe(0);
      await browser.close();
    }
  });

  test('draws "…" as dots in the middle, and answers without moving anything', async () => {
    const browser = await launchHearing(path.join(folder, 'none.wav'), new Float32Array(8000), 8000);
    for (const viewport of [{ width: 390, height: 844 }, { width: 1440, height: 900 }]) {
      const { page } = await visit(browser, url, { viewport });
      const [fontSize, display, dots] = await page.evaluate(() => {
        const label = document.getElementById('label')!;
        const { alignItems, fontSize } = getComputedStyle(label);
        return [fontSize, alignItems, getComputedStyle(label, '::after').backgroundImage];
      });
      expect([fontSize, display]).toEqual(['0px', 'center']);
      expect(dots).toContain('radial-gradient');
      const before = await page.locator('#listen').boundingBox();
      await page.evaluate(() => {
        document.getElementById('label')!.className = '';
        document.getElementById('label')!.textContent = '8';
      });
      expect(await page.locator('#listen').boundingBox()).toEqual(before);
    }
    await browser.close();
  });

  test.skipIf(!existsSync(recordings))(
    'recognizes a seven of an unknown speaker (../shared/data/spoken-digits)',
    async () => {
      const { samples, sampleRate } = decodeWave(sharedBytes('data/spoken-digits', '7_theo_3.wav'));
      const followed = new Float32Array(samples.length + 4 * sampleRate); // an answer stays for two seconds
      followed.set(samples);
      const browser = await launchHearing(path.join(folder, 'seven.wav'), followed, sampleRate);
      const { page, troubles } = await visit(browser, url);
      await page.click('#listen');
      await page.waitForFunction(() =>
        document.querySelector('.bars .best span')?.textContent === '7' &&
        parseFloat(document.querySelector('.bars .best')!.lastElementChild!.textContent) > 50
      );
      expect(await page.textContent('#label')).toBe('7');
      await page.waitForFunction(() => document.getElementById('spoken')!.textContent === '7');
      await page.waitForFunction(() => document.getElementById('label')!.textContent === '…');
      expect(await page.textContent('#sure')).toBe('listening, say 0 … 9');
      expect(troubles).toEqual([]);
      await browser.close();
    },
  );
});
