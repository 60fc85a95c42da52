import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import wavefile from 'wavefile';
import { compile, importTflite, readKlet } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { root } from '../docs/page';
import { hasShared, shared } from '../helpers/shared';
import { writeTflite } from '../tflite/writer';
import { describePlayground, fileOf } from './support/playground';
import { openSite, type Site } from './support/site';

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

const network = fileOf('small.tflite', smallNetwork());
const labels = fileOf('labels.txt', 'left\nmiddle\nright\n');

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

describePlayground('the playground', (at) => {
  let other: Site;

  beforeAll(async () => {
    other = await openSite();
    other.put('/', 'secret', { 'Access-Control-Allow-Origin': '*' });
  });
  afterAll(() => other?.close());

  test('shows what a network is, runs it on a picture and measures it', async () => {
    await at.openExample('Handwritten digits');
    expect(await at.page.innerText('#overview h2')).toBe('digits');
    expect(await at.page.innerText('#overview dl')).toContain('609 k');
    const { records } = await at.page.evaluate(() => ({ records: document.querySelectorAll('.graph .node').length }));
    expect(records).toBe(12);
    expect(await at.page.locator('.memory .buffer').count()).toBeGreaterThan(5);
    await at.page.setInputFiles('#try-file', seven);
    await expect.poll(at.best).toBe('7');
    await expect.poll(() => at.page.innerText('#boards')).toContain('constants');
    await at.page.click('#speed button');
    await at.page.waitForSelector('text=Measure again');
    expect(await at.page.evaluate(() => document.activeElement!.textContent), 'the focus').toBe('Measure again');
    expect(await at.page.locator('#speed ol').first().locator('li').allInnerTexts())
      .toEqual(['relaxed', 'SIMD', 'no SIMD', 'JavaScript'].map((name) => expect.stringContaining(name) as string));
    expect(await at.page.locator('#speed ol').nth(1).locator('li').count()).toBe(12);
  });

  test('converts, quantizes and prunes a float32 network, and gives the files', async () => {
    await at.open(network, labels);
    expect(await at.page.innerText('#overview dl')).toContain('TensorFlow Lite');
    await at.page.click('#quantize');
    await at.page.waitForSelector('.versions');
    expect(await at.page.innerText('.versions [aria-pressed=true]')).toContain('int8');
    expect(await at.page.innerText('#smaller .result')).toMatch(/8 samples of noise/);
    await at.page.setInputFiles('#samples', [seven, seven, seven]);
    await expect.poll(() => at.page.innerText('#accuracy'), { message: 'without labels' })
      .toMatch(/3 samples[\s\S]*same answer/);
    await at.page.fill('#sparsity', '75');
    await at.page.click('#prune');
    await at.page.waitForSelector('.version:has-text("75 % pruned")');
    expect(await at.page.locator('.version').count()).toBe(3);
    await expect.poll(() => at.page.evaluate(() => document.activeElement!.id), { message: 'the focus stays' })
      .toBe('prune');
    await at.page.focus('.version:has-text("int8")');
    await at.page.keyboard.press('Enter');
    expect(await at.page.evaluate(() => document.activeElement!.textContent)).toContain('int8');
    const [download] = await Promise.all([at.page.waitForEvent('download'), at.page.click('#download')]);
    expect(download.suggestedFilename()).toBe('small.klet');
    const model = loadSync(readFileSync(await download.path()));
    expect([model.inputs[0]!.dtype, model.meta.labels]).toEqual(['int8', ['left', 'middle', 'right']]);
    expect(await at.page.innerText('#take pre')).toContain('classify(image, model)');
    const [script] = await Promise.all([at.page.waitForEvent('download'), at.page.click('text=One script')]);
    expect(readFileSync(await script.path(), 'utf8')).toContain('small');
  });

  test('draws with the pointer and with keys', async () => {
    await at.open(network, labels);
    await at.page.click('#try-draw');
    await at.page.focus('.pad');
    for (let i = 0; i < 5; i++) await at.page.keyboard.press('ArrowDown');
    await expect.poll(at.best).toMatch(/left|middle|right/);
    const white = (): Promise<number> =>
      at.page.evaluate(() => {
        const pad = document.querySelector<HTMLCanvasElement>('.pad')!;
        const { data } = pad.getContext('2d')!.getImageData(0, 0, pad.width, pad.height);
        return data.filter((value, i) => i % 4 === 0 && value > 128).length;
      });
    const byKeys = await white();
    expect(byKeys).toBeGreaterThan(1000);
    const box = (await at.page.locator('.pad').boundingBox())!;
    await at.page.mouse.move(box.x + 20, box.y + 20);
    await at.page.mouse.down();
    await at.page.mouse.move(box.x + 200, box.y + 20, { steps: 4 });
    await at.page.mouse.up();
    expect(await white()).toBeGreaterThan(byKeys + 1000);
  });

  test('runs on the camera', async () => {
    await at.openExample('Handwritten digits');
    await at.page.click('#try-camera');
    await expect.poll(at.best).toMatch(/^\d$/);
    expect(await at.page.locator('canvas.seen').evaluate((canvas: HTMLCanvasElement) => canvas.width)).toBe(640);
  });

  test('listens to the microphone, and draws what it hears', async () => {
    await at.openExample('Spoken digits');
    await at.page.click('#try-microphone');
    await expect.poll(() => at.page.locator('.found .bars li').count()).toBe(5);
    expect(await at.page.locator('canvas.spectrogram').count()).toBe(1);
  });

  test('ignores what the microphone still sends after something else was chosen', async () => {
    await at.openExample('Spoken digits');
    await at.page.evaluate(() => {
      const real = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage')!;
      Object.defineProperty(MessagePort.prototype, 'onmessage', {
        set(handler: (event: MessageEvent) => void) {
          real.set!.call(this, (event: MessageEvent) => {
            setTimeout(handler, 300, event);
          });
        },
      });
    });
    await at.page.click('#try-microphone');
    await expect.poll(() => at.page.locator('.found .bars li').count()).toBe(5);
    await at.page.click('#try-noise');
    await at.page.locator('.found .bars').evaluate((list) => list.classList.add('of-noise'));
    await at.page.waitForTimeout(500);
    expect(await at.page.locator('.found .bars.of-noise').count()).toBe(1);
  });

  test('hears a recording', async () => {
    await at.openExample('Spoken digits');
    const samples = Float64Array.from({ length: 8000 }, (_, i) => Math.sin(i / 4) / 4);
    const wave = new wavefile.WaveFile();
    wave.fromScratch(1, 8000, '16', Array.from(samples, (value) => value * 32767));
    await at.page.setInputFiles('#try-file', {
      name: 'a.wav',
      mimeType: 'audio/wav',
      buffer: Buffer.from(wave.toBuffer()),
    });
    await expect.poll(() => at.page.locator('.found .bars li').count()).toBe(5);
    expect(await at.page.locator('canvas.spectrogram').evaluate((canvas: HTMLCanvasElement) => canvas.width))
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
    await at.page.setInputFiles('#files', { ...network, buffer: Buffer.from(custom) });
    await at.page.waitForSelector('#trouble:not([hidden])');
    expect(await at.page.innerText('#trouble')).toContain('Mystery');
    await at.page.fill('#again', 'middle');
    await at.page.click('text=Try again');
    await at.page.waitForSelector('#try .actions');
    expect(await at.page.innerText('#overview')).toContain('middle');
    expect(await at.page.isVisible('#trouble')).toBe(false);
  });

  test('asks for the shapes that a file leaves open', async () => {
    const sizes = { shape: [1, 1, 1, 3], shapeSignature: [1, -1, -1, 3] };
    const tensor = (name: string) => ({ name, ...sizes, type: 'FLOAT32' as const });
    const open = writeTflite({
      tensors: [tensor('x'), tensor('y')],
      operators: [{ kind: 'LOGISTIC', inputs: ['x'], outputs: ['y'] }],
      inputs: ['x'],
      outputs: ['y'],
    });
    await at.page.setInputFiles('#files', fileOf('open.tflite', open));
    await at.page.waitForSelector('#trouble:not([hidden])');
    await at.page.fill('#again', 'x=1,9,12,3');
    await at.page.click('text=Try again');
    await at.page.waitForSelector('#try .actions');
    expect(await at.page.innerText('#overview table')).toMatch(/x\s+float32\s+1 × 9 × 12 × 3/);
  });

  test('runs a network of other values on noise', async () => {
    await at.openExample('Gestures');
    await at.page.click('#try-noise');
    await expect.poll(() => at.page.locator('.found .bars li').count()).toBe(5);
    expect(await at.page.innerText('#smaller')).toContain('has a plan and no graph');
  });

  test('says what is wrong with a file', async () => {
    const cases: [what: string, name: string, content: Uint8Array, message: RegExp][] = [['another kind', 'notes.pdf',
      Buffer.from('%PDF-1.4'), /no network that kinglet imports.*reads \.tflite/s], ['empty', 'empty.onnx',
      Buffer.alloc(0), /no network/], ['damaged', 'small.tflite', network.buffer.subarray(0, 500),
      /small.*(damaged|truncated|outside|end)/], ['labels alone', 'labels.txt', labels.buffer,
      /choose the file of a network/], ['a damaged .klet file', 'digits.klet',
      readFileSync(path.join(root, 'models/digits/digits.klet')).subarray(0, 999), /999/]];
    for (const [what, name, content, message] of cases) {
      await at.page.setInputFiles('#files', fileOf(name, content));
      await at.page.waitForSelector('#trouble:not([hidden])');
      expect(await at.page.innerText('#trouble'), what).toMatch(message);
      expect(await at.page.isVisible('#progress')).toBe(false);
    }
    await at.page.evaluate(() => {
      globalThis.fetch = () => Promise.resolve(new Response('not here', { status: 404 }));
    });
    await at.page.click('text=Gestures');
    await expect.poll(() => at.page.innerText('#trouble')).toMatch(/example cannot be fetched: HTTP 404/);
    await at.page.evaluate(() => {
      Object.defineProperty(Blob.prototype, 'size', { value: 513 * 2 ** 20 });
    });
    await at.page.setInputFiles('#files', network);
    await expect.poll(() => at.page.innerText('#trouble')).toMatch(/513 MiB, but the page opens at most 512 MiB/);
  });

  /** Lets the page wait for the bytes of a file until it is told to go on. */
  const holdFile = (held: string): Promise<void> =>
    at.page.evaluate((name) => {
      File.prototype.arrayBuffer = async function(this: File) {
        if (this.name === name) {
          await new Promise((resolve) => {
            addEventListener('goOn', resolve, { once: true });
          });
        }
        return new Response(this).arrayBuffer();
      };
    }, held);

  test('shows the network that was chosen last, and stops at Cancel and at samples', async () => {
    await holdFile('small.tflite');
    await at.page.setInputFiles('#files', network);
    await at.page.getByRole('progressbar', { name: 'Reading' }).waitFor();
    await at.openExample('Gestures');
    await at.page.dispatchEvent('body', 'goOn');
    await at.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
    expect(await at.page.innerText('#overview h2')).toBe('gestures');
    await at.page.setInputFiles('#files', network);
    await at.page.click('#progress button');
    await at.page.dispatchEvent('body', 'goOn');
    expect(await at.page.isVisible('#progress')).toBe(false);
    expect(await at.page.innerText('#overview h2')).toBe('gestures');
    await at.page.setInputFiles('#files', network);
    await at.page.getByRole('progressbar', { name: 'Reading' }).waitFor();
    // samples end what was begun, too
    await at.page.setInputFiles('#files', seven);
    await expect.poll(() => at.page.isVisible('#progress')).toBe(false);
    await at.page.dispatchEvent('body', 'goOn');
    await at.page.click('.examples button:has-text("Handwritten digits")');
    await expect.poll(() => at.page.innerText('#overview h2')).toBe('digits');
    await expect.poll(() => at.page.workers().length, { message: 'workers of networks' }).toBe(1);
  });

  test('keeps the network when another one cannot be opened', async () => {
    await at.open(network, labels);
    await at.page.setInputFiles('#files', fileOf('notes.pdf', '%PDF-1.4'));
    await at.page.waitForSelector('#trouble:not([hidden])');
    await at.page.click('#quantize');
    await at.page.waitForSelector('.versions');
    expect(await at.page.innerText('#overview h2')).toBe('small');
  });

  test('adds up the records of layers in strips', async () => {
    const strips = compile(importTflite(smallNetwork(), { name: 'strips' }), { strips: true });
    const { debugInfo } = readKlet(strips);
    expect(debugInfo!.records.length).toBeGreaterThan(3);
    await at.open(fileOf('strips.klet', strips));
    expect(await at.page.innerText('#overview .chips')).toMatch(/1 conv2d/);
    expect(await at.page.locator('.graph .node').count()).toBe(3);
    await at.page.click('#speed button');
    await at.page.waitForSelector('text=Measure again');
    expect(await at.page.locator('#speed ol').nth(1).locator('li').count()).toBe(3);
  });

  test('forbids requests to other servers, in the page and in its worker', async () => {
    await at.openExample('Gestures');
    const attempt = (url: string): Promise<string> => fetch(url).then((response) => response.text(), () => 'refused');
    const before = at.requests.length;
    expect(await at.page.evaluate(attempt, other.url)).toBe('refused');
    expect(await at.page.workers()[0]!.evaluate(attempt, other.url)).toBe('refused');
    at.requests.splice(before);
    expect(at.problems.splice(0).join()).toMatch(/Content Security Policy/);
  });

  test('names the packages whose code it has', async () => {
    const text = await at.page.evaluate(async () => (await fetch('THIRD-PARTY.txt')).text());
    for (const name of ['@dagrejs/dagre', 'papaparse', 'fflate', 'flatbuffers']) {
      expect(text.match(new RegExp(`^${name} \\d`, 'gm')), name).toHaveLength(1);
    }
  });

  test('works without a network after the first visit', async () => {
    await at.page.waitForSelector('[data-offline=ready]');
    await at.context.setOffline(true);
    await at.page.reload();
    await at.openExample('Handwritten digits');
    await at.page.setInputFiles('#try-file', seven);
    await expect.poll(at.best).toBe('7');
  });

  test('is used by keyboard and fits on a phone', async () => {
    await at.page.setViewportSize({ width: 360, height: 740 });
    await at.page.keyboard.press('Tab');
    expect(await at.page.evaluate(() => document.activeElement!.id)).toBe('files');
    const outline = await at.page.locator('label.main').evaluate((label) => getComputedStyle(label).outlineStyle);
    expect(outline).toBe('solid');
    await at.page.keyboard.press('Tab');
    await at.page.keyboard.press('Enter');
    await at.page.waitForSelector('#try .actions');
    expect(await at.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const small = await at.page.locator('button, select, label.button').evaluateAll((elements) =>
      elements.filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44).map((
        { textContent },
      ) => textContent)
    );
    expect(small, 'targets for fingers').toEqual([]);
  });

  test('has texts with a contrast of 4.5 and more', async () => {
    await at.open(network, labels);
    await at.page.click('#try-noise');
    await at.page.click('#quantize');
    await at.page.waitForSelector('.versions');
    await at.page.click('#purpose summary');
    for (const colorScheme of ['light', 'dark'] as const) {
      await at.page.emulateMedia({ colorScheme });
      expect(await at.page.evaluate(lowContrasts), colorScheme).toEqual([]);
    }
  });

  test.skipIf(!hasShared)('reads networks of other formats [there is no ../shared]', async () => {
    const networks = {
      ONNX: ['onnx/mnist_cntk/mnist_cntk.onnx'],
      'TensorFlow.js': ['tfjs/hm_age/age.json', 'tfjs/hm_age/age.bin'],
      Keras: ['keras/hand_keypoint_h5/keypoint_classifier.hdf5'],
    };
    await at.open(...['mnist.onnx.data', 'mnist.onnx'].map((file) =>
      path.join(shared, 'formats/onnx/rten_mnist_external', file)
    ));
    expect(await at.page.innerText('#overview h2'), 'the name of the file with the network').toBe('mnist');
    for (const [format, files] of Object.entries(networks)) {
      await at.page.setInputFiles(
        '#files',
        files.map((file) => path.join(shared, 'formats', file)),
      );
      await expect.poll(() => at.page.locator('#overview dl').allInnerTexts(), { message: format }).toEqual([
        expect.stringContaining(format),
      ]);
    }
  });
});
