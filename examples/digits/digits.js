// The demo page: a network of 28 KB reads the drawing at every stroke.
import { load } from '../../dist/browser.js';
import { $, announce, makeRows, percent, showRows, size, startPage, time } from '../page.js';
import { makePad } from './pad.js';
import { SIDE, centreDigit } from './image.js';

const MODEL = new URL('../../models/digits/digits.klet', import.meta.url);
const RUNTIME = new URL('../../dist/browser.js', import.meta.url);
const RUNS = 16; // predictions per measurement, because a page's clock is too coarse for one
const KEPT = 40; // measurements for the median

await startPage(start);

async function start() {
  let arrived = performance.now();
  const model = await load(MODEL, {
    onProgress: () => {
      arrived = performance.now();
    },
  });
  $('ready').textContent = time(performance.now() - arrived);
  $('memory').textContent = size(model.memory.total);
  $('flavor').textContent = { relaxed: 'WASM relaxed SIMD', simd: 'WASM SIMD', scalar: 'WASM' }[model.info.flavor];
  void showSizes();

  const labels = model.meta.labels;
  const scores = new Float32Array(labels.length);
  const rows = makeRows(labels);
  const clock = makeClock((image) => model.predictInto(image, scores));

  function read(image) {
    clock(image);
    showScores(scores);
    paint($('seen'), image);
  }

  function showScores(values) {
    const best = values.indexOf(Math.max(...values));
    const blank = values[best] === 0;
    showRows(rows, blank ? undefined : values, blank ? undefined : best);
    $('digit').textContent = blank ? '?' : labels[best];
    $('digit').classList.toggle('none', blank);
    $('sure').textContent = blank ? 'nothing drawn yet' : `${percent(values[best])} sure`;
    announce(blank ? '' : `${labels[best]}, ${percent(values[best])} sure`);
  }

  const mark = (inked, button) => {
    document.querySelector('.pad').classList.toggle('inked', inked);
    for (const each of document.querySelectorAll('.samples button')) {
      each.setAttribute('aria-pressed', String(each === button));
    }
  };

  /** Counts strokes and choices: a sample that decodes late must not replace a newer one. */
  let turn = 0;

  const pad = makePad($('pad'), () => {
    turn++;
    mark(true);
    read(centreDigit(pad.ink(), pad.width, pad.height));
  });

  function clear() {
    turn++;
    pad.clear();
    mark(false);
    paint($('seen'), new Float32Array(SIDE * SIDE));
    showScores(scores.fill(0));
  }

  const samples = labels.map((label) =>
    makeSample(label, async (button, decode) => {
      const mine = ++turn;
      const image = await decode();
      if (mine !== turn) return;
      pad.show(inkCanvas(image));
      mark(true, button);
      read(image);
    })
  );
  $('samples').replaceChildren(...samples);
  $('clear').addEventListener('click', clear);
  addEventListener('keydown', ({ key, ctrlKey, metaKey, altKey }) => {
    if (ctrlKey || metaKey || altKey) return;
    if (key === 'Escape' || key === 'Delete' || key === 'Backspace') clear();
    else samples[labels.indexOf(key)]?.click();
  });
  clear();
  void warmUp(() => clock(new Float32Array(SIDE * SIDE)));
}

/** Runs the network often enough that the engine optimizes it before the first stroke. */
async function warmUp(work) {
  for (let i = 0; i < KEPT; i++) {
    work();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Calls `predict` and shows its duration, as the median of the last measurements. */
function makeClock(predict) {
  const times = [];
  return (image) => {
    const start = performance.now();
    for (let i = 0; i < RUNS; i++) predict(image);
    times.push((performance.now() - start) / RUNS);
    if (times.length > KEPT) times.shift();
    $('time').textContent = time([...times].sort((a, b) => a - b)[times.length >> 1]);
  };
}

/** A thumbnail. A click passes a function to `onClick` that decodes its pixels, 0..1. */
function makeSample(label, onClick) {
  const button = document.createElement('button');
  const image = new Image(SIDE, SIDE);
  button.type = 'button';
  button.setAttribute('aria-label', `sample of a ${label}`);
  image.alt = '';
  image.src = new URL(`../../models/digits/samples/${label}.png`, import.meta.url).href;
  button.append(image);
  const decode = async () => {
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: SIDE, height: SIDE });
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[i * 4] / 255);
  };
  button.addEventListener('click', () => onClick(button, decode));
  return button;
}

/** A canvas of 28×28 with the image as its opacity. */
function inkCanvas(image) {
  return paint(Object.assign(document.createElement('canvas'), { width: SIDE, height: SIDE }), image);
}

function paint(canvas, image) {
  const pixels = new ImageData(SIDE, SIDE);
  image.forEach((value, i) => pixels.data.set([255, 255, 255, Math.round(value * 255)], i * 4));
  canvas.getContext('2d').putImageData(pixels, 0, 0);
  return canvas;
}

/** Shows the download sizes of the runtime, compressed as by a server, and of the model. */
async function showSizes() {
  const [runtime, model] = await Promise.all([RUNTIME, MODEL].map(async (url) => (await fetch(url)).blob()));
  $('model').textContent = size(model.size);
  if (typeof CompressionStream !== 'function') return;
  const packed = await new Response(runtime.stream().pipeThrough(new CompressionStream('gzip'))).blob();
  $('runtime').textContent = size(packed.size);
}
