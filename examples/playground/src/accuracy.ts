import type { Model } from '../../../src/browser';
import type { Session } from './client';
import { announce, card, h, progressBar, table, whileDisabled } from './dom';
import { classCount, type NamedFile } from './labels';
import type { Accuracy, Network, Variant } from './messages';
import { chosenFiles, readSamples } from './samples';

// Samples of what the network will see, and how often each version is right on them.

/** Most rows of confusions of a version. */
const SHOWN = 8;

const percentText = (part: number): string => `${(part * 100).toFixed(1)} %`;

function scoreText({ score }: Accuracy): string {
  if (!score) return '–';
  return `${percentText(score.accuracy)} (${percentText(score.low)} to ${percentText(score.high)})`;
}

function className(index: number, labels: readonly string[] | undefined): string {
  return labels?.[index] ?? `class ${index}`;
}

function confusions({ confusions: pairs }: Accuracy, original: Variant, variant: Variant): HTMLElement[] {
  if (pairs.length === 0) return [];
  const { labels } = variant.meta;
  const rows = pairs.slice(0, SHOWN).map((
    { target, answer, before, after },
  ) => [className(target, labels), className(answer, labels), String(before), String(after)]);
  const heads = ['right answer', 'taken for', original.label, variant.label];
  const title = `Confusions that changed most: ${variant.label}`;
  return [h('h3', {}, title), table(heads, rows, title)];
}

export interface AccuracyOptions {
  session: Session;
  network: Network;
  /** A model of the network as it was opened, with its present preprocessing. */
  model: () => Promise<Model>;
  /** All versions, the original first. */
  variants: () => readonly Variant[];
}

export interface AccuracyCard {
  section: HTMLElement;
  /** Adds samples to those before. */
  add: (files: readonly NamedFile[]) => Promise<void>;
  /** Prepares the samples again, because the preprocessing has changed. */
  prepare: () => Promise<void>;
  /** Shows the versions that have come since. */
  update: () => Promise<void>;
  /** Number of samples. */
  count: () => number;
}

/** The card, and what changes it. */
export function accuracyView({ session, network, model, variants }: AccuracyOptions): AccuracyCard {
  let files: readonly NamedFile[] = [];
  let count = 0;
  const empty = network.isFloat ? 'No samples yet: noise is used in their place.' : 'No samples yet.';
  const status = h('div', { role: 'status', class: 'soft' }, empty);
  const result = h('div', { class: 'result' });
  const buttons: HTMLButtonElement[] = [];

  const evaluateAll = async (): Promise<void> => {
    const [original, ...others] = variants();
    const found: [Variant, Accuracy][] = [];
    for (const [i, variant] of [original!, ...others].entries()) {
      const args: [Uint8Array, Uint8Array?] = i === 0 ? [original!.klet] : [original!.klet, variant.klet];
      const accuracy = await session.call('evaluate', args, (text, part) => {
        status.replaceChildren(...progressBar(`${text} ${variant.label}`, part));
      });
      found.push([variant, accuracy]);
    }
    const hasScores = found.some(([, { score }]) => score);
    const rows = found.map(([{ label }, accuracy], i) => {
      const agreement = accuracy.agreement === undefined ? '–' : percentText(accuracy.agreement);
      const right = accuracy.score ? `${accuracy.score.right} of ${accuracy.samples}` : '–';
      const same = others.length > 0 ? [i === 0 ? '–' : agreement] : [];
      return [label, ...(hasScores ? [right, scoreText(accuracy)] : []), ...same];
    });
    const heads = ['version', ...(hasScores ? ['right', 'accuracy, 95 % interval'] : []),
      ...(others.length > 0 ? [`same answer as ${original!.label}`] : [])];
    const verdicts = found.flatMap(([{ label }, { verdict }]) =>
      verdict === undefined ? [] : [h('p', {}, `${label}: ${verdict}.`)]
    );
    if (!hasScores && others.length === 0) {
      result.replaceChildren(h('p', { class: 'soft' }, 'Without labels the page compares versions; make one below.'));
      return;
    }
    result.replaceChildren(
      table(heads, rows, 'Accuracy of the versions'),
      ...verdicts,
      ...found.flatMap(([variant, accuracy]) => confusions(accuracy, original!, variant)),
    );
    const spoken = found.flatMap(([{ label }, { score }]) =>
      score ? [`${label} ${percentText(score.accuracy)} right`] : []
    );
    if (spoken.length > 0) announce(spoken.join(', '));
  };

  let note = empty;
  const update = async (): Promise<void> => {
    clear.hidden = count === 0;
    if (count === 0) {
      status.replaceChildren(note);
      return;
    }
    if (classCount(network.variant.meta) === undefined) {
      result
        .replaceChildren(h('p', { class: 'soft' }, 'Only networks with scores of classes have right answers here.'));
      status.replaceChildren(note);
      return;
    }
    try {
      await evaluateAll();
    } catch (error) {
      result.replaceChildren(h('p', { class: 'soft' }, `No accuracy: ${(error as Error).message}`));
    }
    status.replaceChildren(note);
  };
  const prepare = async (chosen: readonly NamedFile[]): Promise<void> => {
    if (chosen.length === 0) return;
    status.className = 'soft';
    try {
      const { samples, notes } = await readSamples(chosen, await model(), (part) => {
        status.replaceChildren(...progressBar('Reading samples', part));
      });
      files = chosen;
      count = samples.length;
      note = notes.join(' ');
      await session.call('keep', [samples], undefined, samples.map(({ values }) => values.buffer as ArrayBuffer));
      await update();
    } catch (error) {
      // the samples before stay with the worker
      status.className = 'error';
      status.replaceChildren((error as Error).message);
    }
  };
  // each change begins after those before it
  let last = Promise.resolve();
  const afterLast = (change: () => Promise<void>): Promise<void> => {
    const next = (): Promise<void> => whileDisabled(buttons, change);
    last = last.then(next, next);
    return last;
  };
  const add = (more: readonly NamedFile[]): Promise<void> => afterLast(() => prepare([...files, ...more]));
  const remove = async (): Promise<void> => {
    files = [];
    count = 0;
    note = empty;
    result.replaceChildren();
    await session.call('keep', [[]]);
    await update();
  };
  const chooser = (label: string, id: string, properties: Record<string, string | boolean>): HTMLElement => {
    const input = h('input', { type: 'file', id, multiple: true, ...properties });
    input.addEventListener('change', () => {
      const chosen = chosenFiles(input);
      input.value = '';
      void add(chosen);
    });
    return h('label', { class: 'button' }, label, input);
  };
  const clear = h(
    'button',
    { class: 'button', type: 'button', hidden: true, click: () => void afterLast(remove) },
    'Remove all',
  );
  buttons.push(clear);
  const section = card(
    'accuracy',
    'Samples and accuracy',
    h(
      'p',
      {},
      'Give the page samples of what the network will see, as pictures, recordings, .npy arrays or a .zip of them. '
        + 'A folder for each class, file names such as cat_01.png, or a .csv of file,label tell the right answers.',
    ),
    h(
      'div',
      { class: 'actions' },
      chooser('Add samples', 'samples', { accept: 'image/*,audio/*,.npy,.csv,.zip' }),
      chooser('Add a folder', 'folder', { webkitdirectory: true }),
      clear,
    ),
    status,
    result,
  );
  return { section, add, prepare: () => afterLast(() => prepare(files)), update, count: () => count };
}
