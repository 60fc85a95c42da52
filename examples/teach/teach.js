// A page that learns signs: the network for digits, without its classifier, embeds drawings, and
// kinglet/learn tells them apart.
import { load } from '../../dist/browser.js';
import { upTo, withClassifier } from '../../dist/learn.file.js';
import { Learner } from '../../dist/learn.js';
import { $, announce, makeRows, percent, showRows, size, startPage, time } from '../page.js';
import { centreDigit } from '../digits/image.js';
import { makePad } from '../digits/pad.js';

const MODEL = new URL('../../models/digits/digits.klet', import.meta.url);
const LEARNER = ['learn.js', 'learn.file.js'].map((name) => new URL(`../../dist/${name}`, import.meta.url));
const LAYER = 'pool'; // before the classifier: 96 numbers
const SAMPLES = 'qwertyuiop'; // keys that draw the samples of the digits 0 to 9
const MOST = 9; // classes, because the keys 1 to 9 add examples

await startPage(start);

async function start() {
  const bytes = upTo(new Uint8Array(await (await fetch(MODEL)).arrayBuffer()), LAYER);
  const embedder = await load(bytes);
  const learner = new Learner(embedder);
  const classes = [];
  let rows = [];
  let image;
  void showSize();

  const pad = makePad($('pad'), () => read(centreDigit(pad.ink(), pad.width, pad.height)));

  function read(drawn) {
    image = drawn;
    document.querySelector('.pad').classList.add('inked');
    const started = performance.now();
    embedder.predict(image);
    $('time').textContent = time(performance.now() - started);
    answer();
  }

  function clear() {
    pad.clear();
    image = undefined;
    document.querySelector('.pad').classList.remove('inked');
    answer();
  }

  /** Shows what the learner says about the drawing. */
  function answer() {
    const { labels } = learner;
    const found = image && labels.length > 0 ? learner.predict(image) : undefined;
    const best = found && labels.indexOf(found.label);
    showRows(rows, found?.probabilities, best);
    $('label').textContent = found?.isKnown ? found.label : '?';
    $('label').classList.toggle('none', !found?.isKnown);
    $('sure').textContent = sentence(found);
    if (found) announce($('sure').textContent);
  }

  function sentence(found) {
    if (learner.labels.length === 0) return 'no examples yet';
    if (!found) return 'nothing drawn';
    if (!found.isKnown) return `unknown; ${found.label} is nearest`;
    const by = learner.isFitted ? 'trained' : 'nearest mean';
    return `${found.label}, ${percent(Math.max(...found.probabilities))} (${by})`;
  }

  /** Shows the classes and their examples after a change. */
  function changed() {
    const { labels, counts } = learner;
    $('bars').replaceChildren();
    rows = makeRows(labels);
    for (const { input, count } of classes) count.textContent = counts[input.value] ?? 0;
    $('examples').textContent = Object.values(counts).reduce((sum, count) => sum + count, 0);
    $('train').disabled = labels.length < 2;
    $('save').disabled = labels.length < 2;
    answer();
  }

  function addClass() {
    if (classes.length === MOST) return;
    const item = document.createElement('li');
    const input = Object.assign(document.createElement('input'), {
      value: `sign ${classes.length + 1}`,
      maxLength: 24,
    });
    const [count, add, remove] = [document.createElement('span'), document.createElement('button'),
      document.createElement('button')];
    const number = classes.length + 1;
    input.setAttribute('aria-label', `name of class ${number}`);
    Object.assign(add, { type: 'button', textContent: 'Add', title: `Add the drawing (${number})` });
    add.setAttribute('aria-label', `add the drawing to class ${number}`);
    Object.assign(remove, { type: 'button', textContent: '×', title: 'Forget its examples' });
    remove.setAttribute('aria-label', `forget the examples of class ${number}`);
    count.textContent = '0';
    const lock = () => {
      input.disabled = Boolean(learner.counts[input.value]);
    };
    add.addEventListener('click', () => {
      if (!image || input.value === '') return;
      learner.add(image, input.value);
      lock();
      changed();
    });
    remove.addEventListener('click', () => {
      learner.remove(input.value);
      lock();
      changed();
    });
    item.append(input, count, add, remove);
    $('classes').append(item);
    classes.push({ input, count, add });
    $('more').disabled = classes.length === MOST;
  }

  function train() {
    const started = performance.now();
    const { accuracy } = learner.fit();
    $('training').textContent = time(performance.now() - started);
    $('accuracy').textContent = accuracy === undefined ? 'too few' : percent(accuracy);
    answer();
  }

  function save() {
    const file = withClassifier(bytes, learner.classifier, { name: 'signs' });
    const link = Object.assign(document.createElement('a'), {
      href: URL.createObjectURL(new Blob([file])),
      download: 'signs.klet',
    });
    link.click();
    URL.revokeObjectURL(link.href);
    $('file').textContent = size(file.length);
    answer();
  }

  $('clear').addEventListener('click', clear);
  $('more').addEventListener('click', addClass);
  $('train').addEventListener('click', train);
  $('save').addEventListener('click', save);
  addEventListener('keydown', ({ key, target, ctrlKey, metaKey, altKey }) => {
    if (ctrlKey || metaKey || altKey || target instanceof HTMLInputElement) return;
    if (key === 'Escape') clear();
    else if (SAMPLES.includes(key)) void sample(SAMPLES.indexOf(key), pad, read);
    else classes[Number(key) - 1]?.add.click();
  });
  addClass();
  addClass();
  clear();
}

/** Draws the sample of a digit. */
async function sample(digit, pad, read) {
  const image = new Image();
  image.src = new URL(`../../models/digits/samples/${digit}.png`, import.meta.url).href;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: 28, height: 28 });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, 28, 28);
  // the pad keeps ink as opacity
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data[i + 3] = pixels.data[i];
  context.putImageData(pixels, 0, 0);
  pad.show(canvas);
  read(centreDigit(pad.ink(), pad.width, pad.height));
}

/** Shows the size of the code that learns, compressed as by a server. */
async function showSize() {
  if (typeof CompressionStream !== 'function') return;
  const sizes = await Promise.all(LEARNER.map(async (url) => {
    const { body } = await fetch(url);
    return (await new Response(body.pipeThrough(new CompressionStream('gzip'))).blob()).size;
  }));
  $('learner').textContent = size(sizes.reduce((sum, bytes) => sum + bytes, 0));
}
