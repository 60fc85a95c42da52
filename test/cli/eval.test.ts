import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encode } from 'fast-png';
import { zipSync } from 'fflate';
import { dump } from 'npyjs';
import { describe, expect, it } from 'vitest';
import { compile, GraphBuilder, repack, type Evaluation, type PairedEvaluation } from '../../src/compiler/index';
import { hasShared, shared } from '../helpers/shared';
import { kinglet, quadrantNames, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();
const net = files.write('quadrants.tflite', quadrants('uint8'));
const floatNet = files.write('float.tflite', quadrants('float'));
const labels = files.write('names.txt', quadrantNames.join('\n'));

/** Writes a file, and the folders it is in. */
function write(name: string, content: string | Uint8Array): string {
  mkdirSync(path.dirname(files.at(name)), { recursive: true });
  writeFileSync(files.at(name), content);
  return files.at(name);
}

const gray = (width: number, data: number[]): Uint8Array =>
  encode({ width, height: data.length / width, data: Uint8Array.from(data), channels: 1, depth: 8 });
/** The pixels of a 4×4 image with one bright quadrant. */
const pixels = (quadrant: number): number[] =>
  Array.from({ length: 16 }, (_, i) => ((i >> 3) * 2 + ((i >> 1) & 1) === quadrant ? 255 : 0));
const image = (quadrant: number): Uint8Array => gray(4, pixels(quadrant));
const npy = (...args: Parameters<typeof dump>): Uint8Array => new Uint8Array(dump(...args));

/** A folder with a folder for each class; the last image of the last class is wrong. */
quadrantNames.forEach((name, quadrant) => {
  write(`classes/${name.replace(' ', '_')}/a.png`, image(quadrant));
  write(`classes/${name.replace(' ', '_')}/b.png`, image(quadrant === 3 ? 0 : quadrant));
});
const classes = files.at('classes');

type Json = Evaluation & PairedEvaluation & { file: string; names: string[] };

async function json(...argv: string[]): Promise<Json> {
  const { code, out, err } = await kinglet('eval', ...argv, '--json');
  expect(err.replace(/^kinglet: note: .*\n/gm, '')).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as Json;
}

const accuracyOf = async (...argv: string[]): Promise<number> => (await json(...argv)).metrics.accuracy!.value;

describe('eval of a classifier', () => {
  it('reads a folder for each class, whose names match the labels up to case and underscores', async () => {
    const { metrics, classification, names } = await json(net, '--data', classes, '--labels', labels);
    expect(metrics.accuracy!.value).toBe(7 / 8);
    expect(names).toEqual(quadrantNames);
    expect(classification!.confusion).toEqual([[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [1, 0, 0, 1]]);
    expect(classification!.mistakes).toEqual([
      expect.objectContaining({ target: 3, predicted: 0, file: path.join(classes, 'lower_right', 'b.png') }),
    ]);
  });

  it('prints tables', async () => {
    const { out, err, code } = await kinglet('eval', net, '--data', classes, '--labels', labels);
    expect(code).toBe(0);
    expect(err).toContain('kinglet: note: "scores" has probabilities');
    expect(out).toMatch(/^data +.*classes, 8 examples$/m);
    expect(out).toMatch(/^accuracy +87\.5 % +52\.9 … 97\.8 %$/m);
    expect(out).toMatch(/^lower right +2 +100\.0 % +50\.0 % +66\.7 % +/m);
    expect(out).toMatch(/^lower right +1 +· +· +1$/m);
  });

  it('reads files with their labels, in text and JSON', async () => {
    for (let i = 0; i < 4; i++) write(`listed/${i}.png`, image(i));
    write('listed/labels.txt', '0.png,upper left\n1.png,upper right\n2.png,lower left\n3.png,0\n');
    expect(await accuracyOf(net, '--data', files.at('listed'), '--labels', labels)).toBe(0.75);
    write('byName/labels.json', JSON.stringify({ 'a.png': 'upper right', 'b.png': 2 }));
    write('byName/a.png', image(1));
    write('byName/b.png', image(2));
    expect(await accuracyOf(net, '--data', files.at('byName'), '--labels', labels)).toBe(1);
    const table = write('table.csv', 'image;note;label\nbyName/a.png;x;upper right\nbyName/b.png;y;upper left\n');
    expect(await accuracyOf(net, '--data', table, '--labels', labels)).toBe(0.5);
  });

  it('reads one raw file with a list of labels, and asks for the type of its values', async () => {
    write('raw/images.bin', Uint8Array.from([0, 1, 2, 3].flatMap(pixels)));
    write('raw/labels.json', JSON.stringify({ classes: quadrantNames, labels: [0, 1, 2, 0] }));
    expect((await json(net, '--data', files.at('raw'))).names).toEqual(quadrantNames);
    expect(await accuracyOf(net, '--data', files.at('raw'))).toBe(0.75);
    const { code, err } = await kinglet('eval', floatNet, '--data', files.at('raw'));
    expect(code).toBe(1);
    expect(err).toMatch(/64 bytes .* for 4 labels; expected 64 bytes for each float32 .*: say --type uint8 or int8/);
    expect(await accuracyOf(floatNet, '--data', files.at('raw'), '--type', 'uint8')).toBe(0.75);
  });

  it('reads arrays in two files and in an archive', async () => {
    const x = npy(Uint8Array.from([0, 1, 2, 3].flatMap(pixels)), [4, 4, 4, 1]);
    const y = npy(Int32Array.of(0, 1, 2, 2), [4]);
    const pair = `${write('x.npy', x)},${write('y.npy', y)}`;
    expect(await accuracyOf(net, '--data', pair)).toBe(0.75);
    expect(await accuracyOf(floatNet, '--data', pair)).toBe(0.75);
    expect(await accuracyOf(net, '--data', write('xy.npz', zipSync({ 'x.npy': x, 'y.npy': y })))).toBe(0.75);
    const { err } = await kinglet('eval', net, '--data', write('x.npz', zipSync({ 'x.npy': x })));
    expect(err).toMatch(/holds "x" and no targets "y"; save it with numpy\.savez\(file, x=inputs, y=targets\)/);
  });

  it('takes a part of the data, spread over it', async () => {
    expect((await json(net, '--data', classes, '--labels', labels, '--limit', '4')).examples).toBe(4);
    expect(await accuracyOf(net, '--data', classes, '--labels', labels, '--limit', '4')).toBe(1);
  });

  it('fails below and above limits', async () => {
    const limited = (...argv: string[]) => kinglet('eval', net, '--data', classes, '--labels', labels, ...argv);
    expect((await limited('--fail-below', 'accuracy=0.8')).code).toBe(0);
    const { code, err, out } = await limited('--fail-below', 'accuracy=90%', '--fail-above', 'logLoss=0.1');
    expect(code).toBe(2);
    expect(err).toContain('kinglet: accuracy is 0.8750, below the limit 0.9\n');
    expect(err).toMatch(/logLoss is \d\.\d+, above the limit 0\.1\n/);
    expect(out).toContain('accuracy');
    expect((await limited('--fail-below', 'acuracy=1')).err).toMatch(/no metric "acuracy"; there are accuracy, top5/);
    expect((await limited('--fail-below', 'map=0.5')).err).toMatch(/these examples give no map; there are accuracy/);
  });

  it('writes a page', async () => {
    const { code, err } = await kinglet(
      'eval',
      net,
      '--data',
      classes,
      '--labels',
      labels,
      '--report',
      files.at('p.html'),
    );
    expect([code, err]).toEqual([0, expect.stringContaining(`wrote ${files.at('p.html')}`)]);
    const page = files.read('p.html').toString();
    for (const text of ['87.5 %', 'Confusion', 'Calibration', 'Surest mistakes', 'lower right', '<svg']) {
      expect(page).toContain(text);
    }
  });
});

describe('eval with data that do not fit', () => {
  it.each([['a folder of no class', ['odd/center/a.png'], 'odd',
    /the folder ".*center" has the class "center", which the network does not have; its 4 classes: upper left/], [
    'no labels',
    ['bare/a.png'],
    'bare',
    /"[^"]*bare" has neither folders nor labels; --data takes a folder with/,
  ]])('names %s', async (_, written, folder, message) => {
    for (const name of written) write(name, image(0));
    const { code, err } = await kinglet('eval', net, '--data', files.at(folder), '--labels', labels);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });

  it('names files that do not exist', async () => {
    expect((await kinglet('eval', net, '--data', files.at('nowhere'))).err).toMatch(/nowhere": no such file or folder/);
    const table = write('lost.csv', 'file,label\nlost.png,1\n');
    expect((await kinglet('eval', net, '--data', table)).err)
      .toMatch(/lost\.csv", row 2 names ".*lost\.png", which does not exist/);
    expect((await kinglet('eval', net)).err).toContain("required option '--data <path>' not specified");
  });

  it('compares numbers of labels and files, and of names and classes', async () => {
    write('counted/labels.json', '[0, 1]');
    for (const name of ['a', 'b', 'c']) write(`counted/${name}.png`, image(0));
    expect((await kinglet('eval', net, '--data', files.at('counted'))).err).toMatch(/has 2 labels, but ".*" 3 files/);
    write('two/left/a.png', image(0));
    write('two/right/a.png', image(1));
    expect((await kinglet('eval', net, '--data', files.at('two'))).err)
      .toMatch(/the network has 4 classes without names, and the data name 2: left, right; .* --labels FILE/);
    write('numbers/7/a.png', image(0));
    expect((await kinglet('eval', net, '--data', files.at('numbers'))).err)
      .toMatch(/the number of a class from 0 to 3, as output "scores" has them, not 7/);
  });
});

/** A network that adds two numbers, and one that has a bias. */
function sum(bias: number): Uint8Array {
  const b = new GraphBuilder('sum');
  const x = b.input('x', [1, 2]);
  const weights = b.constant(Float32Array.of(1, 1), [1, 2]);
  const biases = b.constant(Float32Array.of(bias), [1]);
  return compile(b.finish([b.node('fullyConnected', [x, weights, biases], { activation: 'none' }, { name: 'total' })]));
}

describe('eval of numbers', () => {
  const table = write('sums.csv', `a,total,b\n${[1, 2, 3, 4].map((i) => `${i},${i + 0.5},0`).join('\n')}\n`);
  const network = files.write('sum.klet', sum(0));

  it('reads features and a target from a table', async () => {
    const { task, metrics } = await json(network, '--data', table, '--target', 'total');
    expect(task).toBe('regress');
    expect(metrics.mae!.value).toBe(0.5);
    expect(metrics.r2!.value).toBeCloseTo(1 - 4 * 0.25 / 5, 12);
    expect((await kinglet('eval', network, '--data', table, '--target', 'sum')).err)
      .toMatch(/has no column "sum"; --target takes a, total, b/);
    expect((await kinglet('eval', network, '--data', write('few.csv', 'a,y\n1,2\n'))).err)
      .toMatch(/has 1 feature \(a\) and the target y; the network takes 2 numbers/);
    expect((await kinglet('eval', network, '--data', write('text.csv', 'a,b,y\n1,x,2.5\n'))).err)
      .toMatch(/row 2: "x" in b is no number/);
  });

  it('says which of two networks is better', async () => {
    const other = files.write('biased.klet', sum(0.25));
    const { out, err } = await kinglet('eval', network, '--against', other, '--data', table, '--target', 'total');
    expect(err).toBe('');
    expect(out).toMatch(/^MAE +0\.500 +0\.250 +\+0\.250 /m);
    expect(out).toMatch(/the second network is better by 0\.25 in MAE, more than chance/);
  });
});

describe('eval of two classifiers', () => {
  it('gives each the input that it takes', async () => {
    const { differences, agreement, mcNemar, verdict, first, second } = await json(
      net,
      '--against',
      floatNet,
      '--data',
      classes,
      '--labels',
      labels,
    );
    expect([first.metrics.accuracy!.value, second.metrics.accuracy!.value]).toEqual([7 / 8, 7 / 8]);
    expect(differences.accuracy).toMatchObject({ value: 0, p: 1 });
    expect([agreement, mcNemar]).toEqual([1, { onlyFirst: 0, onlySecond: 0, p: 1 }]);
    expect(verdict).toBe('no difference in accuracy (8 examples)');
  });
});

/** A network whose output is its 4×4 input. */
function copy(shape: number[], name: string): Uint8Array {
  const b = new GraphBuilder('copy');
  const x = b.input('x', [1, 4, 4, 1]);
  const one = b.constant(Float32Array.of(1), [1]);
  const flat = b.node('binary', [x, one], { kind: 'mul', activation: 'none' }, { name: 'same' });
  if (shape.join() === '1,4,4,1') return compile(b.finish([flat]));
  const row = b.node('reshape', [flat], {}, { shape: [1, 16], name: 'row' });
  const part = b.node('slice', [row], { begin: [0, 0], stride: [1, 1] }, { shape: [1, 12], name: 'part' });
  return compile(b.finish([b.node('reshape', [part], {}, { shape, name })]));
}

describe('eval of images', () => {
  it('reads masks: gray values at another size, and palettes', async () => {
    const network = files.write('mask.klet', copy([1, 4, 4, 1], 'same'));
    const doubled = Array.from({ length: 64 }, (_, i) => pixels(1)[(i >> 4) * 4 + ((i & 7) >> 1)]!);
    write('segments/images/a.png', image(1));
    write('segments/masks/a.png', gray(8, doubled));
    write('segments/images/b.png', image(2));
    write(
      'segments/masks/b.png',
      encode({
        width: 4,
        height: 4,
        data: Uint8Array.from(pixels(3), (v) => v && 1),
        channels: 1,
        depth: 8,
        palette: [[0, 0, 0], [200, 0, 0]],
      }),
    );
    const { task, metrics, notes } = await json(network, '--data', files.at('segments'));
    expect(task).toBe('segment');
    expect(metrics.pixelAccuracy!.value).toBe((16 + 8) / 32);
    expect(notes).toEqual(['a pixel of "same" is class 1 from 0.5 on']);
    write('segments/images/c.png', image(2));
    expect((await kinglet('eval', network, '--data', files.at('segments'))).err)
      .toMatch(/c\.png" has no mask; expected/);
  });

  it('reads boxes of COCO, of YOLO and of tables', async () => {
    const network = files.write('boxes.klet', copy([1, 2, 6], 'found'));
    // the first row of the answer: edges, score, class 1
    const found = gray(4, [51, 51, 102, 153, 230, 255, ...Array<number>(10).fill(0)]);
    write('coco/images/a.png', found);
    write(
      'coco/annotations.json',
      JSON.stringify({
        images: [{ id: 3, file_name: 'a.png', width: 100, height: 200 }],
        annotations: [{ image_id: 3, category_id: 9, bbox: [20, 40, 20, 80], iscrowd: 0 }],
        categories: [{ id: 9, name: 'dog' }, { id: 4, name: 'cat' }],
      }),
    );
    const coco = await json(network, '--data', files.at('coco'));
    expect([coco.task, coco.metrics.map50!.value, coco.names]).toEqual(['detect', 1, ['cat', 'dog']]);
    write('yolo/images/a.png', found);
    write('yolo/labels/a.txt', '1 0.3 0.4 0.2 0.4\n');
    expect((await json(network, '--data', files.at('yolo'))).metrics.map!.value).toBeCloseTo(1, 12);
    const table = write('coco/images/boxes.csv', 'file,class,x0,y0,x1,y1\na.png,1,0.8,0.8,1.6,2.4\n');
    expect((await json(network, '--data', table)).metrics.map!.value).toBeCloseTo(1, 12);
    write('yolo/labels/a.txt', 'dog 0.3 0.4\n');
    expect((await kinglet('eval', network, '--data', files.at('yolo'))).err).toMatch(/expected CLASS X Y WIDTH HEIGHT/);
  });

  it('reads the task and the letterbox of the file', async () => {
    // 4×2 pixels are in rows 1 and 2 of the input; one of them, at (1, 0) of the image, is white
    const preprocessing = { kind: 'image', channels: 1, scale: 1 / 255, offset: 0, fit: 'letterbox' } as const;
    const wide = encode({ width: 4, height: 2, data: Uint8Array.of(0, 255, 0, 0, 0, 0, 0, 0), channels: 1, depth: 8 });
    const mask = encode({ width: 4, height: 2, data: Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0), channels: 1, depth: 8 });
    const meta = { preprocessing, task: { kind: 'segment' } } as const;
    const segments = files.write('placed.klet', repack(copy([1, 4, 4, 1], 'same'), { meta }));
    write('placed/images/a.png', wide);
    write('placed/masks/a.png', mask);
    const { metrics, segmentation } = await json(segments, '--data', files.at('placed'));
    expect(metrics.pixelAccuracy!.value).toBe(1);
    // borders do not count
    expect(segmentation!.classes.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(8);

    // the answer (0, 0.2, 0.4, 0.6) is relative to the input, whose middle half is the image
    const row = gray(4, [0, 51, 102, 153, 230, 255, ...Array<number>(10).fill(0)]);
    const boxes = repack(copy([1, 2, 6], 'found'), { meta: { preprocessing, task: { kind: 'detect' } } });
    write('boxed/images/a.png', row);
    write(
      'boxed/annotations.json',
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.png', width: 100, height: 50 }],
        annotations: [{ image_id: 1, category_id: 2, bbox: [0, -5, 40, 40] }],
        categories: [{ id: 1, name: 'cat' }, { id: 2, name: 'dog' }],
      }),
    );
    const found = await json(files.write('boxed.klet', boxes), '--data', files.at('boxed'));
    expect([found.task, found.metrics.map!.value]).toEqual(['detect', 1]);

    // cropped, the input is the middle half of the image: one object is cut, another one outside
    const cropping = { ...preprocessing, fit: 'crop' } as const;
    const crops = repack(copy([1, 2, 6], 'found'), { meta: { preprocessing: cropping, task: { kind: 'detect' } } });
    write('cropped/images/a.png', row);
    write(
      'cropped/annotations.json',
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.png', width: 100, height: 50 }],
        annotations: [{ image_id: 1, category_id: 2, bbox: [10, 10, 35, 20] }, {
          image_id: 1,
          category_id: 2,
          bbox: [80, 10, 15, 20],
        }],
        categories: [{ id: 1, name: 'cat' }, { id: 2, name: 'dog' }],
      }),
    );
    const cropped = await json(files.write('cropped.klet', crops), '--data', files.at('cropped'));
    expect(cropped.metrics.map!.value).toBe(1);
  });

  it('takes an autoencoder with labels 0 and 1 as a detector of anomalies', async () => {
    const b = new GraphBuilder('clip');
    const network = files.write(
      'clip.klet',
      compile(b.finish([b.node('unary', [b.input('x', [1, 4])], { kind: 'relu' }, { name: 'y' })])),
    );
    const x = npy(Float32Array.from([1, 2, 3, 4, 0, 1, 0, 1, -1, 1, 1, 1]), [3, 4]);
    const data = `${write('ax.npy', x)},${write('ay.npy', npy(Int32Array.of(0, 0, 1), [3]))}`;
    const { task, metrics } = await json(network, '--data', data);
    expect([task, metrics.rocAuc!.value]).toEqual(['anomaly', 1]);
  });
});

describe.skipIf(!hasShared)('eval of real networks (../shared)', () => {
  const model = (name: string): string => path.join(shared, 'models', `${name}.tflite`);
  const data = (name: string): string => path.join(shared, 'data', name);

  it('gives the known accuracies of 1,000 CIFAR-10 images, equal in float and int8', async () => {
    const pair = await json(
      model('ic_resnet8_f32'),
      '--against',
      model('ic_resnet8_int8'),
      '--data',
      data('cifar10'),
      '--type',
      'uint8',
      '--resamples',
      '100',
    );
    expect(pair.first.metrics.accuracy!.value).toBe(0.751);
    expect(pair.second.metrics.accuracy!.value).toBe(0.752);
    expect(pair.first.metrics.accuracy!.low).toBeCloseTo(0.7233, 4);
    expect(pair.mcNemar!.p).toBeGreaterThan(0.5);
    expect(pair.verdict).toMatch(/^the difference of 0\.1 points in accuracy is within chance/);
  });

  it('gives the known accuracy of 1,000 keywords and of 100 ImageNet images', async () => {
    expect(await accuracyOf(model('kws_dscnn_int8'), '--data', data('kws01'), '--resamples', '0')).toBe(0.902);
    const { metrics } = await json(model('mobilenet_v2_100_224_uint8'), '--data', data('imagenet'), '--resamples', '0');
    expect(metrics.accuracy!.value).toBe(0.92);
    expect(metrics.rocAuc!.low).toBeUndefined();
  });
});
