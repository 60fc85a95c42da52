import { accuracyView, type AccuracyCard } from './accuracy';
import { Session, TaskError } from './client';
import { $, bytesText, h, progressBar } from './dom';
import type { NamedFile } from './labels';
import type { Network, OpenOptions, Purpose, Variant } from './messages';
import { inside, overview } from './overview';
import { purposeView } from './purpose';
import { chosenFiles, droppedFiles, isSampleFile } from './samples';
import { smaller } from './smaller';
import { boardsView, speed } from './speed';
import { take } from './take';
import { tryIt, type Trial } from './tryIt';

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

/** A network with its versions, the original first. */
interface Shown {
  session: Session;
  network: Network;
  variants: Variant[];
  current: Variant;
  trial?: Trial;
  /** Sections that stay when another version is shown. */
  accuracy: AccuracyCard;
  purpose: HTMLElement;
  changing: HTMLElement;
}

let shown: Shown | undefined;
let latest: Record<string, Uint8Array> = {};
/** Counts what was begun, because only the newest counts. */
let turn = 0;
/** The worker that is opening a network. */
let opening: Session | undefined;

function showProgress(text: string, part?: number): void {
  const cancel = h('button', { class: 'button small', type: 'button', click: () => void begin() }, 'Cancel');
  const progress = $('progress');
  // the button keeps the focus while the bar moves
  const old = progress.querySelector('button');
  for (const element of [...progress.children]) if (element !== old) element.remove();
  progress.prepend(...progressBar(text, part));
  if (!old) progress.append(cancel);
  progress.hidden = false;
}

function hideProgress(): void {
  $('progress').hidden = true;
  $('progress').replaceChildren();
}

/** Begins to open something, which ends what was begun before. @returns its turn */
function begin(): number {
  opening?.end();
  opening = undefined;
  hideProgress();
  $('trouble').hidden = true;
  return ++turn;
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
    attempt((mine) => open(latest, read(field.value), mine));
  });
  return form;
}

/** What a person can enter to get further. */
function remedy(code: string | undefined, message: string): HTMLElement | undefined {
  if (code === 'UNSUPPORTED_OP') {
    return again(
      'End the network before these operators. Names of the values that become its outputs:',
      'features, boxes',
      (text) => ({ outputs: text.split(',').map((name) => name.trim()).filter((name) => name !== '') }),
    );
  }
  if (!/\bsizes?\b|\bshapes?\b/.test(message)) return undefined;
  return again('Shapes of inputs', 'image=1,3,224,224', (text) => ({ shapes: shapesOf(text) }));
}

/** A message, whose lines behind the first are a list. */
function errorText(message: string): HTMLElement[] {
  const [first = '', ...lines] = message.split('\n');
  const items = lines.map((line) => h('li', {}, line.trim()));
  return [h('p', {}, first), ...(items.length > 0 ? [h('ul', {}, ...items)] : [])];
}

function showTrouble(error: unknown): void {
  const { message } = error as Error;
  const code = error instanceof TaskError ? error.code : undefined;
  const hint = advice[code ?? ''];
  const trouble = $('trouble');
  trouble.replaceChildren(
    h('h2', {}, 'This network cannot be opened'),
    ...errorText(message),
    ...[hint === undefined ? undefined : h('p', { class: 'soft' }, hint), remedy(code, message)].filter((child) =>
      child !== undefined
    ),
  );
  trouble.hidden = false;
  trouble.scrollIntoView({ block: 'nearest' });
}

function versions(of: Shown): HTMLElement {
  const { variants, current } = of;
  const buttons = variants.map((variant) =>
    h(
      'button',
      {
        type: 'button',
        class: 'version',
        'aria-pressed': String(variant === current),
        click: () => {
          of.current = variant;
          render(of);
          document.querySelector<HTMLElement>('.version[aria-pressed=true]')!.focus();
        },
      },
      h('b', {}, variant.label),
      ` ${bytesText(variant.klet.length)}`,
    )
  );
  return h('div', { class: 'versions', role: 'group', 'aria-label': 'Versions of the network' }, ...buttons);
}

function render(of: Shown): void {
  const { session, network, variants, current, accuracy, purpose, changing } = of;
  const source = of.trial?.source();
  of.trial?.end();
  of.trial = tryIt(current, source);
  const container = $('network');
  const focused = document.activeElement as HTMLElement | null;
  container.replaceChildren(
    ...(variants.length > 1 ? [versions(of)] : []),
    overview(network, current),
    purpose,
    of.trial.section,
    inside(network, current),
    speed(session, current),
    accuracy.section,
    changing,
    boardsView(session, current),
    take(session, network.name, current),
  );
  container.hidden = false;
  if (focused?.isConnected) focused.focus({ preventScroll: true });
}

/** Writes what the network is for into all versions. */
async function describe(of: Shown, purpose: Purpose): Promise<void> {
  const position = of.variants.indexOf(of.current);
  const files = of.variants.map(({ label, klet }) => ({ label, klet }));
  of.variants = await of.session.call('describe', [files, purpose]);
  of.network.variant = of.variants[0]!;
  of.current = of.variants[position]!;
  render(of);
  await of.accuracy.prepare();
}

function show(session: Session, network: Network): void {
  shown?.trial?.end();
  shown?.session.end();
  const { variant } = network;
  const accuracy = accuracyView({ session, network, model: () => made.trial!.model, variants: () => made.variants });
  const made: Shown = {
    session,
    network,
    variants: [variant],
    current: variant,
    accuracy,
    purpose: purposeView({ network, write: (purpose) => describe(made, purpose) }),
    changing: smaller({
      session,
      network,
      count: accuracy.count,
      add: (added) => {
        made.variants = [...made.variants.filter(({ label }) => label !== added.label), added];
        made.current = added;
        render(made);
        return accuracy.update();
      },
    }),
  };
  shown = made;
  document.body.classList.add('opened');
  render(made);
}

async function open(files: Record<string, Uint8Array>, options: OpenOptions, mine: number): Promise<void> {
  latest = files;
  const session = new Session();
  opening = session;
  showProgress('Opening…');
  try {
    const network = await session.call('open', [files, options], (text, part) => {
      if (mine === turn) showProgress(`${text}…`, part);
    });
    if (mine !== turn) return;
    opening = undefined;
    show(session, network);
    hideProgress();
  } catch (error) {
    session.end();
    if (mine === turn) throw error;
  }
}

async function openFiles(chosen: readonly NamedFile[], mine: number): Promise<void> {
  if (chosen.length === 0) return;
  if (shown && chosen.every(isSampleFile)) {
    shown.accuracy.section.scrollIntoView({ block: 'start' });
    await shown.accuracy.add(chosen);
    return;
  }
  const size = chosen.reduce((sum, { file }) => sum + file.size, 0);
  if (size > MOST_BYTES) {
    latest = {};
    throw new Error(`The files have ${bytesText(size)}, but the page opens at most ${bytesText(MOST_BYTES)}. `
      + 'Convert them with npx kinglet convert.');
  }
  showProgress('Reading…');
  const read = async (
    { path, file }: NamedFile,
  ): Promise<[string, Uint8Array]> => [path.split('/').at(-1), new Uint8Array(await file.arrayBuffer())];
  const entries = await Promise.all(chosen.map(read));
  if (mine === turn) await open(Object.fromEntries(entries), {}, mine);
}

async function openExample(name: string, mine: number): Promise<void> {
  const response = await fetch(`models/${name}.klet`);
  if (!response.ok) throw new Error(`The example cannot be fetched: HTTP ${response.status} for ${response.url}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (mine === turn) await open({ [`${name}.klet`]: bytes }, {}, mine);
}

/** Begins to open something, and shows its error if nothing newer was begun. */
function attempt(work: (mine: number) => Promise<void>): void {
  const mine = begin();
  work(mine).catch((error: unknown) => {
    if (mine !== turn) return;
    hideProgress();
    showTrouble(error);
  });
}

function start(): void {
  const input = $<HTMLInputElement>('files');
  input.addEventListener('change', () => {
    const chosen = chosenFiles(input);
    input.value = '';
    attempt((mine) => openFiles(chosen, mine));
  });
  document.querySelector('.examples')!
    .append(...Object.entries(examples).map(([title, name]) =>
      h(
        'button',
        { class: 'button small', type: 'button', click: () => attempt((mine) => openExample(name, mine)) },
        title,
      )
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
    const { items } = event.dataTransfer!;
    attempt(async (mine) => openFiles(await droppedFiles(items), mine));
  });
  void navigator.serviceWorker?.register('serviceWorker.js').then(() => navigator.serviceWorker.ready).then(() => {
    document.documentElement.dataset.offline = 'ready';
  });
}

start();
