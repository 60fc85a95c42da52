import { readFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import wavefile from 'wavefile';
import { compile, GraphBuilder, type Meta } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { PNG } from 'pngjs';
import { hasShared, shared } from '../helpers/shared';
import { describePlayground, fileOf, type GivenFile } from './support/playground';

// What examples/playground makes of tasks and samples.

const SIDE = 12;

/** A network for pictures of 12×12 whose outputs are always the same. */
function constantNetwork(outputs: Record<string, [values: readonly number[], shape: readonly number[]]>): GivenFile {
  const b = new GraphBuilder('constant');
  const image = b.input('image', [1, SIDE, SIDE, 3]);
  const mean = b.node('reduce', [image], { kind: 'mean', axes: [0, 1, 2, 3] });
  const nothing = b.node('binary', [mean, b.constant(Float32Array.of(0), [1])], { kind: 'mul', activation: 'none' });
  const tensors = Object.entries(outputs).map(([name, [values, shape]]) => {
    const constant = b.constant(Float32Array.from(values), [...shape]);
    return b.node('binary', [constant, nothing], { kind: 'add', activation: 'none' }, { name });
  });
  return fileOf('constant.klet', compile(b.finish(tensors)));
}

/** A network that tells dark pictures (class 0) from light ones (class 1), with weights. */
function lightNetwork(meta: Partial<Meta>): Uint8Array {
  const b = new GraphBuilder('light');
  const image = b.input('image', [1, SIDE, SIDE, 3]);
  const mean = b.node('reduce', [image], { kind: 'mean', axes: [1, 2, 3] });
  const weights = b.constant(Float32Array.of(-8, 8), [2, 1]);
  const bias = b.constant(Float32Array.of(4, -4), [2]);
  const scores = b.node('fullyConnected', [b.node('reshape', [mean], {}, { shape: [1, 1] }), weights, bias], {
    activation: 'none',
  });
  return compile(b.finish([b.node('softmax', [scores], { beta: 1 }, { name: 'scores' })]), { meta });
}

/** The left half is dark, the right half light. */
function halves(): GivenFile {
  const b = new GraphBuilder('bright');
  const image = b.input('image', [1, SIDE, SIDE, 3]);
  const mask = b.node('reduce', [image], { kind: 'mean', axes: [3] }, { name: 'mask' });
  return fileOf('bright.klet', compile(b.finish([b.node('reshape', [mask], {}, { shape: [1, SIDE, SIDE, 1] })])));
}

function picture(gray: (x: number) => number): Buffer {
  const png = new PNG({ width: 48, height: 48 });
  for (let i = 0; i < 48 * 48; i++) png.data.fill(gray(i % 48), i * 4, i * 4 + 3).fill(255, i * 4 + 3, i * 4 + 4);
  return PNG.sync.write(png);
}

const dark = picture(() => 20);
const light = picture(() => 230);
const half = fileOf('half.png', picture((x) => (x < 24 ? 0 : 255)), 'image/png');

describePlayground('the playground and', (at) => {
  const downloadBytes = async (): Promise<Buffer> => {
    const [file] = await Promise.all([at.page.waitForEvent('download'), at.page.click('#download')]);
    return readFileSync(await file.path());
  };
  const download = async (): Promise<ReturnType<typeof loadSync>> => loadSync(await downloadBytes());
  /** Number of pixels of the picture with this colour, up to some steps. */
  const pixels = (r: number, g: number, b: number): Promise<number> =>
    at.page.locator('canvas.seen').evaluate((canvas: HTMLCanvasElement, color) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (color.every((value, c) => Math.abs(data[i + c]! - value) < 24)) count++;
      }
      return count;
    }, [r, g, b]);
  const answer = (): Promise<string> => at.page.innerText('.found');

  test('boxes', async () => {
    await at.open(constantNetwork({ out: [[0.25, 0.25, 0.75, 0.5, 0.9, 0], [1, 1, 6]] }));
    await at.page.setInputFiles('#try-file', half);
    await expect.poll(answer, { message: 'the first guess' }).toContain('class 4');
    await at.page.selectOption('#task', 'detect');
    await expect.poll(answer, { message: 'the same picture with the task' }).toMatch(/class 0\s+90\.0 %/);
    await at.page.click('#purpose summary');
    const rules = JSON.parse(await at.page.inputValue('#rules')) as Partial<Meta>;
    expect(rules.task).toEqual({ kind: 'detect' });
    await at.page.fill(
      '#rules',
      JSON.stringify({ ...rules, labels: ['bird'], task: { kind: 'detect', threshold: 2 } }),
    );
    await at.page.click('#purpose details button');
    await expect.poll(() => at.page.innerText('#purpose')).toMatch(/threshold/);
    await at.page.fill('#rules', JSON.stringify({ ...rules, labels: ['bird'] }));
    await at.page.click('#purpose details button');
    await expect.poll(answer).toMatch(/bird\s+90\.0 %/);
    // the colour of class 0, hsl(40 85% 65%)
    expect(await pixels(242, 201, 90)).toBeGreaterThan(40);
    expect(await at.page.innerText('#take pre')).toContain('detect(image, model)');
    const { labels, task, preprocessing } = (await download()).meta;
    expect([labels, task, preprocessing]).toMatchObject([['bird'], { kind: 'detect' }, { scale: 1 / 255, offset: 0 }]);
  });

  test('masks of objects', async () => {
    // candidates of YOLO: x, y, width, height in pixels, a score and two coefficients
    const candidate = [6, 6, 12, 6, 0.8, 1, 0];
    const rows = candidate.flatMap((value) => [value, ...Array<number>(299).fill(0)]);
    // the first prototype is above 0 in the left half
    const prototypes = Array.from({ length: 128 }, (_, i) => (i % 2 === 0 && i % 16 < 8 ? 4 : -4));
    await at.open(constantNetwork({ out: [rows, [1, 7, 300]], prototypes: [prototypes, [1, 8, 8, 2]] }));
    await at.page.setInputFiles('#try-file', fileOf('dark.png', dark, 'image/png'));
    await expect.poll(answer).toMatch(/class 0\s+80\.0 %/);
    // under the label, the left half of the box is dark gray mixed with the colour of class 0
    expect(await pixels(150, 127, 61)).toBeGreaterThan(150);
    expect(await pixels(20, 20, 20)).toBeGreaterThan(0.5 * 48 * 48);
  });

  test('masks, and values of pixels', async () => {
    const given = halves();
    await at.open(given);
    expect(await at.page.innerText('#purpose')).toContain('This is a guess');
    expect((await downloadBytes()).equals(given.buffer), 'a .klet file stays as it is').toBe(true);
    await at.page.click('text=Write it into the file');
    await expect.poll(() => at.page.innerText('#purpose')).not.toContain('This is a guess');
    expect(loadSync(await downloadBytes()).meta.task).toEqual({ kind: 'segment' });
    await at.page.setInputFiles('#try-file', half);
    await expect.poll(answer).toMatch(/class 0\s+50\.0 %\s+class 1\s+50\.0 %|class 1\s+50\.0 %\s+class 0\s+50\.0 %/);
    expect(await pixels(0, 0, 0), 'the background stays').toBeGreaterThan(1000);
    expect(await pixels(255, 255, 255), 'class 1 is coloured').toBe(0);
    await at.page.focus('#pixels');
    await at.page.selectOption('#pixels', '−1 to 1');
    const focused = (): Promise<string> => at.page.evaluate(() => document.activeElement!.id);
    await expect.poll(focused).toBe('pixels');
    expect((await download()).meta.preprocessing).toMatchObject({ scale: 1 / 127.5, offset: -1 });
    await at.page.selectOption('#fit', 'letterbox');
    await at.page.selectOption('#order', 'bgr');
    await expect.poll(() => at.page.inputValue('#rules')).toMatch(/"order": "bgr"/);
    expect((await download()).meta.preprocessing).toMatchObject({ fit: 'letterbox', order: 'bgr', offset: -1 });
  });

  test('key points', async () => {
    const points = Array.from({ length: 17 }, (_, i) => [0.1 + i / 20, 0.5, i < 12 ? 0.9 : 0.1]).flat();
    await at.open(constantNetwork({ out: [points, [1, 1, 17, 3]] }));
    await at.page.setInputFiles('#try-file', half);
    await expect.poll(answer).toContain('12 of 17 points');
    await at.page.selectOption('#task', '');
    await at.page.selectOption('#task', 'pose');
    await expect.poll(answer).toMatch(/nose\s+90\.0 %/);
    expect(await pixels(242, 201, 90)).toBeGreaterThan(20);
    const { task } = (await download()).meta as { task?: { keypoints?: string[]; edges?: number[][] } };
    expect([task?.keypoints?.length, task?.edges?.length]).toEqual([17, 16]);
  });

  test('vectors and numbers', async () => {
    await at.open(fileOf('light.klet', lightNetwork({})));
    await at.page.setInputFiles('#try-file', fileOf('dark.png', dark, 'image/png'));
    await at.page.selectOption('#task', 'embed');
    await at.page.click('text=Remember this picture');
    await expect.poll(answer).toMatch(/picture 1\s+1\.000/);
    await at.page.setInputFiles('#try-file', fileOf('light.png', light, 'image/png'));
    await expect.poll(answer).toMatch(/picture 1\s+0\.\d+/);
    await at.page.selectOption('#task', 'regress');
    await expect.poll(answer).toMatch(/0\s+0\.\d+\s+1\s+0\.9\d+/);
  });

  test('words in a recording', async () => {
    await at.openExample('Spoken digits');
    expect(await at.page.inputValue('#task')).toBe('keywords');
    await at.page.setInputFiles('#try-file', fileOf('silence.wav', waveFile(), 'audio/wav'));
    await expect.poll(answer).toContain('Nothing yet');
    expect(await at.page.innerText('figure.sound')).toMatch(/1\.00 s, \d+ frames of 32 features/);
    expect(await at.page.innerText('#take pre')).toContain('keywords(loadSync(bytes))');
  });

  /** A recording of one channel, on the right of silence */
  function onTheRight(file: string): Uint8Array {
    const mono = new wavefile.WaveFile(readFileSync(file));
    const samples = mono.getSamples(false, Int16Array) as unknown as Int16Array;
    const stereo = new wavefile.WaveFile();
    stereo.fromScratch(2, (mono.fmt as { sampleRate: number }).sampleRate, '16', [samples.map(() => 0), samples]);
    return stereo.toBuffer();
  }

  test.skipIf(!hasShared)('words and accuracy of recordings [there is no ../shared]', async () => {
    await at.openExample('Spoken digits');
    const spoken = (name: string): string => path.join(shared, 'data/spoken-digits', name);
    await at.page.setInputFiles('#try-file', spoken('7_jackson_0.wav'));
    await expect.poll(answer).toMatch(/Heard\s+0\.\d\d s\s+7/);
    const right = onTheRight(spoken('9_jackson_0.wav'));
    await at.page.setInputFiles('#try-file', fileOf('right.wav', right, 'audio/wav'));
    await expect.poll(answer).toMatch(/Heard\s+0\.\d\d s\s+9/);
    await at.page.setInputFiles('#samples', ['0', '1', '2', '3'].map((digit) => spoken(`${digit}_jackson_0.wav`)));
    await expect.poll(() => at.page.innerText('#accuracy')).toContain('4 of 4');
  });

  const accuracy = (): Promise<string> => at.page.innerText('#accuracy');
  const labelled = (more: Record<string, Buffer> = {}): Uint8Array =>
    zipSync(Object
      .fromEntries(Object.entries({
        'set/Dark/a.png': dark,
        'set/Dark/b.png': dark,
        'set/Dark/c.png': light,
        'set/light ones/a.png': light,
        '__MACOSX/set/._a.png': Buffer.from('junk'),
        ...more,
      }).map(([name, content]) => [name, new Uint8Array(content)])));

  test('samples in folders of an archive', async () => {
    await at.open(fileOf('light.klet', lightNetwork({ labels: ['dark', 'light_ones'] })));
    await at.page.setInputFiles('#samples', fileOf('samples.zip', labelled()));
    await expect.poll(accuracy).toMatch(/4 samples, 4 of them with a label from folders\.[\s\S]*3 of 4\s+75\.0 %/);
    await at.page.setInputFiles('#samples', fileOf('more.zip', labelled({ 'set/dusk/x.png': dark })));
    await expect.poll(accuracy).toMatch(/9 samples, 8 of them with a label from folders\. .*no class dusk/);
    await at.page.setInputFiles('#samples', fileOf('broken.zip', Buffer.from('PK')));
    await expect.poll(accuracy).toContain('broken.zip cannot be opened as a .zip archive');
    await at.page.setInputFiles('#samples', fileOf('third.zip', labelled()));
    await at.page.setInputFiles('#samples', fileOf('fourth.zip', labelled()));
    await expect.poll(accuracy).toContain('17 samples, 16 of them with a label');
    await at.page.click('text=Remove all');
    await expect.poll(accuracy).toContain('No samples yet');
  });

  test('samples of a network with an output that is no class', async () => {
    const given = constantNetwork({ scores: [[0.1, 0.2, 0.7], [1, 3]] });
    await at.open(given, fileOf('labels.txt', 'cat\ndog\n'));
    expect(await at.page.inputValue('#rules')).toMatch(/"background": 0/);
    await at.page.setInputFiles('#samples', fileOf('dog.png', dark, 'image/png'));
    await expect.poll(accuracy).toContain('1 of 1');
    await at.page.setInputFiles('#samples', fileOf('cat.png', dark, 'image/png'));
    await expect.poll(accuracy).toContain('1 of 2');
  });

  test('samples with a table, and samples that are dropped', async () => {
    await at.open(fileOf('light.klet', lightNetwork({ labels: ['dark', 'light'] })));
    const table = fileOf('table.csv', 'label,file\nlight,one.png\ndark,two.png\n', 'text/csv');
    await at.page.setInputFiles('#samples', [fileOf('one.png', light), fileOf('two.png', dark), table]);
    await expect.poll(accuracy).toMatch(/2 samples, 2 of them with a label from the table\.[\s\S]*2 of 2/);
    await at.page.click('text=Remove all');
    await expect.poll(accuracy).toContain('No samples yet');
    const data = await at.page.evaluateHandle((png) => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], 'dark-1.png', { type: 'image/png' }));
      transfer.items.add(new File([bytes], 'light-1.png', { type: 'image/png' }));
      return transfer;
    }, dark.toString('base64'));
    await at.page.dispatchEvent('body', 'drop', { dataTransfer: data });
    await expect.poll(accuracy).toMatch(/2 samples, 2 of them with a label from names of files\.[\s\S]*1 of 2/);
  });
});

/** A second of silence. */
function waveFile(): Uint8Array {
  const wave = new wavefile.WaveFile();
  wave.fromScratch(1, 8000, '16', new Int16Array(8000));
  return wave.toBuffer();
}
