import { call, TaskError } from './client';
import { $, bytesText, h } from './dom';
import { readSamples } from './inputs';
import type { Network, OpenOptions, Variant } from './messages';
import { inside, overview } from './overview';
import { smaller } from './smaller';
import { boardsView, speed } from './speed';
import { take } from './take';
import { range, tryIt } from './tryIt';

// The page: opens files, and shows a network and its versions.

/** Larger files would not fit into the memory of a tab several times. */
const MOST_BYTES = 512 * 2 ** 20;

const examples = { 'Handwritten digits': 'digits', 'Spoken digits': 'spoken-digits', Gestures: 'gestures' };

/** What to do about an error, beyond its message. */
const advice: Record<string, string> = {
  BAD_MAGIC:
    'The page reads .tflite, .onnx, .keras, .h5, .hdf5, model.json of TensorFlow.js with its shards, and .klet.',
  OUT_OF_MEMORY: 'Pages may use 256 MiB for a network. The command line takes larger ones.',
};

interface Shown {
  network: Network;
  variants: Variant[];
  current: Variant;
}

let shown: Shown | undefined;
let endTrying = (): void => undefined;
let latest: Record<string, Uint8Array> = {};

function showProgress(text: string | undefined, part?: number): void {
  const progress = $('progress');
  progress.hidden = text === undefined;
  if (text === undefined) return;
  const meter = part === undefined ? h('progress') : h('progress', { max: 1, value: part });
  progress.replaceChildren(h('span', {}, text), meter);
}

/** Shapes such as "image=1,3,224,224; state=1,64". */
function shapesOf(text: string): Record<string, number[]> {
  const parts = text.split(';').map((part) => part.trim()).filter((part) => part !== '');
  return Object.fromEntries(parts.map((part) => {
    const at = part.lastIndexOf('=');
    return [part.slice(0, Math.max(0, at)).trim(), part.slice(at + 1).split(/[,×x\s]+/).map(Number)];
  }));
}

/** A form that opens the files again with what a person types in. */
function again(label: string, example: string, read: (text: string) => OpenOptions): HTMLElement {
  const field = h('input', {
    type: 'text',
    id: 'again',
    placeholder: example,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const form = h(
    'form',
    {},
    h('label', { for: 'again' }, label),
    h('div', { class: 'actions' }, field, h('button', { class: 'button' }, 'Try again')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void open(latest, read(field.value));
  });
  return form;
}

/** What a person can enter to get further. */
function remedy(code: string | undefined, message: string): HTMLElement | undefined {
  if (code === 'UNSUPPORTED_OP') {
    return again(
      'End the network before these operators, at the values',
      'features, boxes',
      (text) => ({ outputs: text.split(',').map((name) => name.trim()).filter((name) => name !== '') }),
    );
  }
  if (!/\bsizes?\b|\bshapes?\b/.test(message)) return undefined;
  return again('Shapes of inputs', 'image=1,3,224,224', (text) => ({ shapes: shapesOf(text) }));
}

function showTrouble(error: unknown): void {
  const { message } = error as Error;
  const code = error instanceof TaskError ? error.code : undefined;
  const hint = advice[code ?? ''];
  const trouble = $('trouble');
  trouble.replaceChildren(
    h('h2', {}, 'This network cannot be opened'),
    h('p', { class: 'text' }, message),
    ...[hint === undefined ? undefined : h('p', { class: 'soft' }, hint), remedy(code, message)].filter((child) =>
      child !== undefined
    ),
  );
  trouble.hidden = false;
  trouble.scrollIntoView({ block: 'nearest' });
}

function versions({ variants, current }: Shown): HTMLElement {
  const buttons = variants.map((variant) =>
    h(
      'button',
      {
        type: 'button',
        class: 'version',
        'aria-pressed': String(variant === current),
        click: () => {
          shown!.current = variant;
          render();
          document.querySelector<HTMLElement>('.version[aria-pressed=true]')!.focus();
        },
      },
      h('b', {}, variant.label),
      ` ${bytesText(variant.klet.length)}`,
    )
  );
  return h('div', { class: 'versions', role: 'group', 'aria-label': 'Versions of the network' }, ...buttons);
}

/** Sections that belong to the network stay; those of the version are made again. */
let changing: HTMLElement | undefined;

function render(): void {
  if (!shown) return;
  endTrying();
  const { network, current } = shown;
  const { section, model, end } = tryIt(current);
  endTrying = end;
  changing ??= smaller({
    network,
    read: async (files) => readSamples(files, await model, range()),
    add: (variant) => {
      shown!.variants = [...shown!.variants.filter(({ label }) => label !== variant.label), variant];
      shown!.current = variant;
      render();
    },
  });
  const container = $('network');
  const focused = document.activeElement as HTMLElement | null;
  container.replaceChildren(
    ...(shown.variants.length > 1 ? [versions(shown)] : []),
    overview(network, current),
    section,
    inside(network, current),
    speed(current),
    changing,
    boardsView(current),
    take(network.name, current, range()),
  );
  container.hidden = false;
  if (focused?.isConnected) focused.focus({ preventScroll: true });
}

async function open(files: Record<string, Uint8Array>, options: OpenOptions = {}): Promise<void> {
  latest = files;
  $('trouble').hidden = true;
  showProgress('Opening…');
  try {
    const network = await call('open', [files, options], (text, part) => {
      showProgress(`${text}…`, part);
    });
    shown = { network, variants: [network.variant], current: network.variant };
    changing = undefined;
    document.body.classList.add('opened');
    render();
  } catch (error) {
    showTrouble(error);
  }
  showProgress(undefined);
}

async function openFiles(list: Iterable<File>): Promise<void> {
  const chosen = [...list];
  if (chosen.length === 0) return;
  const size = chosen.reduce((sum, file) => sum + file.size, 0);
  if (size > MOST_BYTES) {
    latest = {};
    showTrouble(new Error(`The files have ${bytesText(size)}, but the page opens at most ${bytesText(MOST_BYTES)}. `
      + 'Convert them with npx kinglet convert.'));
    return;
  }
  showProgress('Reading…');
  const entries = await Promise
    .all(chosen.map(async (file) => [file.name, new Uint8Array(await file.arrayBuffer())] as const));
  await open(Object.fromEntries(entries));
}

async function openExample(name: string): Promise<void> {
  const response = await fetch(`models/${name}.klet`);
  await open({ [`${name}.klet`]: new Uint8Array(await response.arrayBuffer()) });
}

function attempt(work: Promise<void>): void {
  work.catch((error: unknown) => {
    showProgress(undefined);
    showTrouble(error);
  });
}

function start(): void {
  const input = $<HTMLInputElement>('files');
  input.addEventListener('change', () => {
    attempt(openFiles(input.files ?? []).then(() => {
      input.value = '';
    }));
  });
  document.querySelector('.examples')!
    .append(...Object.entries(examples).map(([title, name]) =>
      h('button', { class: 'button small', type: 'button', click: () => attempt(openExample(name)) }, title)
    ));
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove('dragging');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    attempt(openFiles(event.dataTransfer?.files ?? []));
  });
  void navigator.serviceWorker?.register('serviceWorker.js').then(() => navigator.serviceWorker.ready).then(() => {
    document.documentElement.dataset.offline = 'ready';
  });
}

start();
