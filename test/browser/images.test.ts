import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as tasksEntry from '../../src/tasks/index';
import { describeInChrome, launchChrome } from './support/chrome';
import { openPage } from './support/page';
import { openSite, type Site } from './support/site';

// imageToInput of kinglet/tasks with every source that a canvas can draw.

declare global {
  // set by the module script below
  var tasks: typeof tasksEntry;
}

/** Sources of 8×4 pixels: the left half red, the right half blue. */
const sources = ['canvas', 'OffscreenCanvas', 'ImageBitmap', 'img', 'VideoFrame', 'video', 'ImageData'] as const;

describeInChrome('imageToInput in a page', () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    [browser, site] = await Promise.all([launchChrome(), openSite()]);
    page = await openPage(browser, site);
    await page.addScriptTag({
      type: 'module',
      content: 'import * as all from "/dist/tasks.js"; globalThis.tasks = all;',
    });
    await page.waitForFunction(() => 'tasks' in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function convert(kind: string, shape: number[]): Promise<number[]> {
    return page.evaluate(async ([kind, shape]) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 4 });
      const context = canvas.getContext('2d')!;
      const paint = (): void => {
        context.fillStyle = '#f00';
        context.fillRect(0, 0, 4, 4);
        context.fillStyle = '#00f';
        context.fillRect(4, 0, 4, 4);
      };
      paint();
      const offscreen = new OffscreenCanvas(8, 4);
      offscreen.getContext('2d')!.drawImage(canvas, 0, 0);
      const make: Record<string, () => unknown> = {
        canvas: () => canvas,
        OffscreenCanvas: () => offscreen,
        ImageBitmap: () => createImageBitmap(canvas),
        img: async () => {
          const image = Object.assign(new Image(), { src: canvas.toDataURL() });
          await image.decode();
          return image;
        },
        VideoFrame: () => new VideoFrame(canvas, { timestamp: 0 }),
        video: async () => {
          const stream = canvas.captureStream(30);
          const video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true });
          const timer = setInterval(paint, 20);
          await video.play();
          clearInterval(timer);
          return video;
        },
        ImageData: () => context.getImageData(0, 0, 8, 4),
      };
      const source = await make[kind]!();
      const input = { name: 'image', dtype: 'uint8' as const, shape };
      return [...tasks.imageToInput(source as HTMLCanvasElement, { inputs: [input], meta: {} })];
    }, [kind, shape] as const);
  }

  for (const kind of sources) {
    test(`takes a ${kind}, in both layouts`, async () => {
      const near = (expected: number[], found: number[]): void => {
        expect(found).toHaveLength(expected.length);
        // video is encoded in YUV, which changes colours slightly
        found.forEach((value, i) => expect(Math.abs(value - expected[i]!), `value ${i}`).toBeLessThan(12));
      };
      near([255, 0, 0, 0, 0, 255], await convert(kind, [1, 1, 2, 3]));
      near([255, 0, 0, 0, 0, 255], await convert(kind, [1, 3, 1, 2]));
    });
  }

  describe('refuses with advice', () => {
    const refusal = (source: string): Promise<{ code: string; message: string; isKletError: boolean }> =>
      page.evaluate((source) => {
        const made: unknown = source === 'empty video' ? document.createElement('video') : new Image();
        try {
          tasks.imageToInput(made as HTMLImageElement, { name: 'image', dtype: 'uint8', shape: [1, 2, 2, 3] });
          throw new Error('nothing was thrown');
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          return { code, message, isKletError: error instanceof kinglet.KletError };
        }
      }, source);

    for (const source of ['empty video', 'empty image']) {
      test(`an ${source}`, async () => {
        expect(await refusal(source)).toEqual({
          code: 'BAD_ARGUMENT',
          message: expect.stringMatching(/has 0×0 pixels: wait until it has loaded/) as string,
          isKletError: true,
        });
      });
    }
  });

  test('scales a 640×480 frame to the input', async () => {
    const corners = await page.evaluate(() => {
      const canvas = new OffscreenCanvas(640, 480);
      const context = canvas.getContext('2d')!;
      context.fillStyle = '#0f0';
      context.fillRect(0, 0, 640, 480);
      context.fillStyle = '#f00';
      context.fillRect(0, 0, 320, 480);
      const input = { name: 'image', dtype: 'uint8' as const, shape: [1, 224, 224, 3] };
      const values = tasks.imageToInput(canvas.transferToImageBitmap(), input);
      return { count: values.length, first: [...values.subarray(0, 3)], last: [...values.subarray(-3)] };
    });
    expect(corners).toEqual({ count: 224 * 224 * 3, first: [255, 0, 0], last: [0, 255, 0] });
  });
});
