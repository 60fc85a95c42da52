// `npm run demo`: reads handwritten digits with models/digits/digits.klet.
//
//     npm run demo                      the sample images
//     npm run demo -- my-digit.png      your own images (PNG or JPEG)
//     npm run demo -- --page            pages to draw digits on and to say them
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { decode as decodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { load } from '../../dist/index.js';
import { imageToInput, topK } from '../../dist/tasks.js';
import { SIDE, centreDigit, inkOf } from './image.js';
import { servePage } from './serve.mjs';
import { beside, bold, columns, dim, drawBar, drawImage, gold } from './terminal.mjs';

const MODEL = fileURLToPath(new URL('../../models/digits/digits.klet', import.meta.url));
const SAMPLES = fileURLToPath(new URL('../../models/digits/samples/', import.meta.url));
const SHOWN = ['2.png', '5.png', '8.png'];
const MARGIN = 2; // pixels of every side that are not drawn
const CARD = SIDE - 2 * MARGIN;
const RUNS = 2000;

const HELP = `npm run demo [-- IMAGE…]               reads the sample digits, or your own images (PNG, JPEG)
npm run demo -- --page [--port 8080]   serves pages to draw digits on and to say them`;

try {
  await main();
} catch (error) {
  if (error.code === undefined) throw error;
  console.error(error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'
    ? `${error.message.split('. ')[0]}.\n\n${HELP}`
    : error.message);
  process.exitCode = 1;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      page: { type: 'boolean' },
      port: { type: 'string', default: '8080' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) console.log(HELP);
  else if (values.page) await servePage(Number(values.port));
  else await demo(positionals);
}

async function demo(own) {
  const start = performance.now();
  const model = await load(MODEL);
  const ready = performance.now() - start;
  const images = own.length > 0
    ? own.map((file) => ({ title: path.basename(file), image: readOwn(file) }))
    : SHOWN.map((name) => ({ title: name, image: readSample(name, model) }));

  const say = (text = '') => console.log(text && `  ${text}`);
  say();
  say(`${gold('kinglet')} ${bold('reads handwritten digits')}`);
  say(dim(`digits.klet, ${model.inputs[0].dtype}, ${kilobytes(statSync(MODEL).size)} · memory ${
    kilobytes(model.memory.total)
  } · ${model.info.flavor} core · ready in ${ready.toFixed(0)} ms`));

  const cards = images.map(({ title, image }) => drawCard(title, image, model));
  const perRow = Math.max(1, Math.floor(columns / (CARD + 2)));
  for (let i = 0; i < cards.length; i += perRow) {
    say();
    beside(cards.slice(i, i + perRow)).forEach((line) => say(line));
  }

  say();
  if (own.length === 0) {
    const names = readdirSync(SAMPLES).filter((name) => name.endsWith('.png'));
    const right = names.filter((name) =>
      topK(model.predict(readSample(name, model)), model.meta.labels, 1)[0].label === path.parse(name).name
    );
    say(`${names.length} samples in models/digits/samples, ${right.length} read correctly.`);
  }
  const milliseconds = medianTime(model, images[0].image);
  const macs = model.profile({ runs: 1 }).reduce((sum, { macs = 0 }) => sum + macs, 0);
  say(`One prediction takes ${bold(`${milliseconds.toPrecision(2)} ms`)} ${
    dim(`(median of ${RUNS.toLocaleString('en')}; ${macs.toLocaleString('en')} multiply-adds)`)
  }`);
  say();
  say(`Next   ${bold('npm run demo -- my-digit.png')}   ${dim('read your own image')}`);
  say(`       ${bold('npm run demo -- --page')}         ${dim('draw digits in the browser')}`);
  say();
  model.dispose();
}

/** Samples already have the network's size, so only their values are converted. */
function readSample(name, model) {
  return imageToInput(readImage(path.join(SAMPLES, name)), model.inputs[0], model.meta.preprocessing);
}

function readOwn(file) {
  const image = readImage(path.resolve(process.env.INIT_CWD ?? '', file)); // npm run changes the folder
  return centreDigit(inkOf(image), image.width, image.height);
}

/** @returns {{ width: number, height: number, data: Uint8Array }} RGBA */
function readImage(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) {
    const trouble = found ? `${file} is a folder; name the images in it` : `there is no file ${file}`;
    throw Object.assign(new Error(trouble), { code: 'NOT_AN_IMAGE' });
  }
  const bytes = readFileSync(file);
  try {
    return bytes[0] === 0xff ? decodeJpeg(bytes, { useTArray: true }) : PNG.sync.read(bytes);
  } catch (cause) {
    throw Object.assign(new Error(`${file} is not a PNG or JPEG image`, { cause }), { code: 'NOT_AN_IMAGE' });
  }
}

/** The image, its name and the three best classes with bars, all `CARD` characters wide. */
function drawCard(title, image, model) {
  const best = topK(model.predict(image), model.meta.labels, 3).map(({ label, score }, i) => {
    const bar = drawBar(score, CARD - 10);
    const percent = `${(score * 100).toFixed(1)} %`.padStart(7);
    return i === 0 ? `${bold(label)} ${gold(bar)} ${bold(percent)}` : dim(`${label} ${bar} ${percent}`);
  });
  return [dim(title.slice(0, CARD).padEnd(CARD)), ...drawImage(image, SIDE, MARGIN), ...best];
}

/** Milliseconds. */
function medianTime(model, image) {
  const scores = new Float32Array(10);
  const times = new Float64Array(RUNS);
  for (let i = -RUNS / 2; i < RUNS; i++) {
    const start = performance.now();
    model.predictInto(image, scores);
    if (i >= 0) times[i] = performance.now() - start; // the first runs warm up
  }
  return times.sort()[RUNS >> 1];
}

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(0)} KiB`;
}
