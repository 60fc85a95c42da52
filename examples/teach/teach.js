// A page that learns drawings, things before the camera, and sounds: networks of the package embed
// them, and kinglet/learn tells them apart.
import { $, announce, hideError, makeRows, percent, showError, showRows, size, startPage, time } from '../page.js';
import { makeCamera } from './camera.js';
import { makeClassItem, thumbnailOf } from './classItem.js';
import { makeDrawing } from './draw.js';
import { Lesson, embedderOf } from './lesson.js';
import { readNetwork } from './network.js';
import { makeSound } from './sound.js';

const DIGITS = new URL('../../models/digits/digits.klet', import.meta.url);
const SPOKEN_DIGITS = new URL('../../models/spoken-digits/spoken-digits.klet', import.meta.url);
const LEARNER = ['learn.js', 'learn.file.js'].map((name) => new URL(`../../dist/${name}`, import.meta.url));
const NETWORKS = { draw: DIGITS, camera: DIGITS, sound: SPOKEN_DIGITS };
const MOST = 9; // classes, because the keys 1 to 9 add examples
const THUMBNAILS = 24; // of a class
const UNKNOWN = '?';

await startPage(start);

async function start() {
  let current = 'draw';
  /** A source that was left may still show what was on its way. */
  const seeFrom = (kind) => (shown) => {
    if (kind === current) see(shown);
  };
  const sources = {
    draw: makeDrawing(seeFrom('draw')),
    camera: makeCamera(seeFrom('camera')),
    sound: makeSound(seeFrom('sound')),
  };
  const lessons = {};
  let rows = [];
  let shown;
  let seen;
  let holding;
  let turns = 0;

  const lesson = () => lessons[current];
  const source = () => sources[current];

  /** Takes what the source shows, or nothing. */
  function see(shown) {
    seen = shown;
    if (shown?.milliseconds !== undefined) $('time').textContent = time(shown.milliseconds);
    if (holding && !source().isStill) add(holding);
    else answer();
  }

  /** Shows what the lesson says about what is seen. */
  function answer() {
    const found = seen && lesson()?.ask(seen);
    const name = found && lesson().names[found.best];
    showRows(rows, found?.probabilities, found?.best);
    $('label').textContent = found?.isKnown ? name : UNKNOWN;
    $('label').classList.toggle('none', !found?.isKnown);
    $('sure').textContent = sentence(found, name);
    if (found) announce($('sure').textContent);
  }

  function sentence(found, name) {
    if (!lesson() || lesson().names.length === 0) return 'no examples yet';
    if (!found) return { draw: 'nothing drawn', camera: 'the camera is off', sound: 'listening' }[current];
    if (!found.isKnown) return `unknown; ${name} is nearest`;
    const by = lesson().learner.isFitted ? 'trained' : 'nearest mean';
    return `${name}, ${percent(found.probabilities[found.best])} (${lesson().opened ? 'from the file' : by})`;
  }

  function add(one) {
    if (!seen?.embedding) return;
    lesson().learner.add(seen.embedding, one.key);
    one.thumbnails.unshift(thumbnailOf(seen.picture));
    one.thumbnails.length = Math.min(one.thumbnails.length, THUMBNAILS);
    one.refresh();
    changed();
  }

  /** Adds examples from the press of a button or key to its release. */
  function hold(one) {
    holding = one;
    one.item.classList.add('holding');
    add(one);
  }

  function release() {
    if (!holding) return;
    holding.item.classList.remove('holding');
    holding = undefined;
    answer();
  }

  /** Shows the figures and rows after a change of classes or examples. */
  function changed() {
    const { learner, names, opened, examples } = lesson();
    if (names.join('\n') !== shown) {
      shown = names.join('\n');
      $('bars').replaceChildren();
      rows = makeRows(names);
    }
    $('examples').textContent = examples;
    $('train').disabled = $('save').disabled = Boolean(opened) || learner.labels.length < 2;
    $('more').disabled = !opened && lesson().classes.length >= MOST;
    // an answer after new examples needs the means of all of them
    if (!holding) answer();
  }

  function showClasses() {
    const { opened, classes } = lesson();
    $('classes').replaceChildren(...(opened ? [openedItem(opened)] : classes.map(classItem)));
    changed();
  }

  function classItem(one, index) {
    return makeClassItem(one, index + 1, {
      isStill: source().isStill,
      count: () => lesson().learner.counts[one.key] ?? 0,
      hold,
      release: () => {
        // a press on one button takes the focus from another
        if (holding === one) release();
      },
      add,
      renamed: changed,
      remove() {
        lesson().removeClass(one);
        showClasses();
        $('more').focus();
      },
    });
  }

  function openedItem({ meta }) {
    const item = document.createElement('li');
    item.className = 'opened';
    item.textContent = `From the file: ${meta.labels.join(', ')}. New class returns to your own.`;
    return item;
  }

  async function newClass() {
    if (lesson().opened) {
      lesson().opened = undefined;
      await source().use(lesson().embedder, true);
    } else {
      lesson().newClass(source().noun);
    }
    showClasses();
    $('classes').lastElementChild?.querySelector('input')?.select();
  }

  function train() {
    const started = performance.now();
    const { accuracy } = lesson().learner.fit();
    $('training').textContent = time(performance.now() - started);
    $('accuracy').textContent = accuracy === undefined ? 'too few' : percent(accuracy);
    answer();
  }

  function save() {
    const file = lesson().save(current);
    const link = Object.assign(document.createElement('a'), {
      href: URL.createObjectURL(new Blob([file])),
      download: 'lesson.klet',
    });
    link.click();
    URL.revokeObjectURL(link.href);
    $('file').textContent = size(file.length);
    answer();
  }

  /** Opens a file that this page saved, or a network that embeds from now on. */
  async function open(file) {
    try {
      const { klet, model, name } = await readNetwork(file);
      const kind = model.meta.preprocessing?.kind === 'audio' ? 'sound' : 'camera';
      if (model.meta.labels && model.meta.task?.known) {
        await choose(model.meta.source === 'draw' ? 'draw' : kind);
        await source().use(klet, false);
        lesson().opened = model;
      } else {
        const embedder = embedderOf(klet);
        await choose(kind, embedder, name);
      }
      hideError();
      showClasses();
    } catch (error) {
      showError(error);
    }
  }

  /**
   * Shows a source once its network is there. `embedder` replaces the network and begins a new
   * lesson.
   */
  async function choose(wanted, embedder, name = NETWORKS[wanted].pathname.split('/').at(-1)) {
    const turn = ++turns;
    release();
    if (embedder || !lessons[wanted]) {
      const bytes = embedder ?? embedderOf(await fetchBytes(NETWORKS[wanted]));
      await sources[wanted].use(bytes, true);
      lessons[wanted] = new Lesson(bytes, name);
      for (let i = 0; i < 2; i++) lessons[wanted].newClass(sources[wanted].noun);
    }
    if (turn !== turns) return; // something else was chosen meanwhile
    if (wanted !== current) source().hide();
    current = wanted;
    document.querySelector(`[name=source][value=${wanted}]`).checked = true;
    for (const each of Object.keys(sources)) $(each).hidden = each !== wanted;
    $('network').textContent = `embedded by ${lesson().network}`;
    seen = undefined;
    source().show();
    showClasses();
  }

  for (const input of document.querySelectorAll('[name=source]')) {
    input.addEventListener('change', () => void choose(input.value).catch(showError));
  }
  $('more').addEventListener('click', newClass);
  $('train').addEventListener('click', train);
  $('save').addEventListener('click', save);
  $('open').addEventListener('click', () => $('file-input').click());
  $('file-input').addEventListener('change', ({ target }) => {
    const [file] = target.files;
    target.value = '';
    if (file) void open(file);
  });
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) void open(file);
  });
  const isForPage = ({ target, ctrlKey, metaKey, altKey }) =>
    !ctrlKey && !metaKey && !altKey && !(target instanceof HTMLInputElement && target.type === 'text');
  addEventListener('keydown', (event) => {
    if (!isForPage(event) || event.repeat) return;
    const one = lesson().opened ? undefined : lesson().classes[Number(event.key) - 1];
    if (one) hold(one);
    else source().press(event.key);
  });
  addEventListener('keyup', ({ key }) => {
    if (key >= '1' && key <= '9') release();
  });
  addEventListener('blur', release);
  void showSize();
  await choose('draw');
}

async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The network cannot be loaded: the server answered ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
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
