import type { ImagePreprocessing, Meta, Preprocessing } from '../../../src/browser';
import { card, h, whileDisabled } from './dom';
import { inputKind, pixelRanges, purposeOf, type InputKind } from './guess';
import type { Network, Purpose } from './messages';
import { skeletonOf } from './skeletons';

// What the network is for: its task, its labels and its preprocessing, which the .klet file keeps.

type Task = NonNullable<Meta['task']>;

const tasks: Record<InputKind, [kind: Task['kind'] | '', title: string][]> = {
  image: [['', 'plain outputs'], ['classify', 'classes'], ['detect', 'boxes'], ['segment', 'masks'], ['pose',
    'key points'], ['embed', 'vector to compare'], ['regress', 'numbers']],
  audio: [['', 'plain outputs'], ['keywords', 'keywords'], ['detectSound', 'sound events']],
  values: [],
};

/** torchvision's mean and deviation of ImageNet, for values from 0 to 1. */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

type Values = Pick<ImagePreprocessing, 'scale' | 'offset'>;

const pixelValues: Record<string, Values> = {
  ...pixelRanges,
  'ImageNet mean and deviation': {
    scale: DEVIATION.map((deviation) => 1 / 255 / deviation),
    offset: MEAN.map((mean, i) => -mean / DEVIATION[i]!),
  },
};
const OTHER = 'as the file says';

const fits: [fit: NonNullable<ImagePreprocessing['fit']>, title: string][] = [['stretch', 'stretch'], ['letterbox',
  'fit inside, with borders'], ['crop', 'cut at both ends']];
const orders: [order: NonNullable<ImagePreprocessing['order']>, title: string][] = [['rgb', 'red, green, blue'], ['bgr',
  'blue, green, red']];

/** Whether two factors or offsets are equal up to rounding. */
function isNear(a: number | number[], b: number | number[]): boolean {
  const [one, other] = [[a].flat(), [b].flat()];
  const length = Math.max(one.length, other.length);
  return Array.from({ length }, (_, i) => Math.abs(one[i % one.length]! - other[i % other.length]!)).every((gap) =>
    gap < 1e-4
  );
}

function valuesOf({ scale, offset }: Values): string {
  const found = Object.entries(pixelValues).find(([, values]) =>
    isNear(values.scale, scale) && isNear(values.offset, offset)
  );
  return found?.[0] ?? OTHER;
}

/** The rules of a task that someone chose. */
function rulesFor(kind: string, { outputs }: Meta): Task | undefined {
  if (kind === '') return undefined;
  return { kind, ...(kind === 'pose' && skeletonOf(outputs)) } as Task;
}

export interface PurposeOptions {
  network: Network;
  /** Writes a purpose into the versions of the network. */
  write: (purpose: Purpose) => Promise<void>;
}

type Options = readonly (readonly [value: string, title: string])[];

function field(
  id: string,
  label: string,
  options: Options,
  value: string,
  change: (value: string) => void,
): HTMLElement {
  const choices = options.map(([name, title]) => h('option', { value: name, selected: name === value }, title));
  const select = h('select', { id }, ...choices);
  select.addEventListener('change', () => {
    change(select.value);
  });
  return h('div', { class: 'field' }, h('label', { for: id }, label), select);
}

/** Fields for how a picture becomes the input. */
function pictureFields(given: ImagePreprocessing, change: (preprocessing: Preprocessing) => void): HTMLElement[] {
  const chosen = valuesOf(given);
  const ranges = Object.keys(pixelValues).filter((name) => given.channels === 3 || !name.startsWith('ImageNet'));
  const names = chosen === OTHER ? [OTHER, ...ranges] : ranges;
  const same = names.map((name) => [name, name] as const);
  const fields = [field('pixels', 'Pixel values', same, chosen, (name) => {
    change({ ...given, ...pixelValues[name] });
  }), field('fit', 'Other aspect ratios', fits, given.fit ?? 'stretch', (fit) => {
    const { crop: _, pad: __, fit: ___, ...rest } = given;
    change({ ...rest, fit } as Preprocessing);
  })];
  if (given.channels === 1) return fields;
  const order = field('order', 'Order of channels', orders, given.order ?? 'rgb', (name) => {
    change({ ...given, order: name as 'rgb' | 'bgr' });
  });
  return [...fields, order];
}

function noteFor({ guessed, nodes }: Network, kind: InputKind): string {
  if (kind === 'values') return 'The inputs are neither pictures nor sounds, so the page shows plain outputs.';
  if (guessed.length === 0) return 'The file says this. Your changes go into the .klet file.';
  const names = { task: 'its task', preprocessing: 'its pixel values', labels: 'its labels' };
  const what = guessed.map((name) => names[name]).join(' or ');
  const keeps = nodes.length > 0 ? ', because the .klet file keeps it' : '';
  return `The file does not say ${what}. This is a guess from the inputs and outputs; `
    + `correct it if it is wrong${keeps}.`;
}

/** JSON with short arrays on one line. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /\[[^[\]{}]*\]/g,
    (list) => list.length < 400 ? list.replace(/\s+/g, ' ') : list,
  );
}

/** A field for what the chooser has no field for. */
function rulesEditor(purpose: Purpose, apply: (purpose: Purpose) => Promise<void>): HTMLElement {
  const text = h('textarea', { id: 'rules', rows: 10, spellcheck: 'false', 'aria-label': 'Labels and rules as JSON' });
  text.value = jsonOf(purpose);
  const problem = h('p', { class: 'error', role: 'alert' });
  const button = h('button', { class: 'button', type: 'button' }, 'Apply');
  button.addEventListener('click', () =>
    void whileDisabled([button], async () => {
      try {
        await apply(JSON.parse(text.value) as Purpose);
      } catch (error) {
        problem.textContent = (error as Error).message;
      }
    }));
  const help = h(
    'p',
    { class: 'soft' },
    'The properties "labels", "preprocessing" and "task" as docs/tasks.md describes them.',
  );
  return h(
    'details',
    {},
    h('summary', {}, 'Labels and rules as JSON'),
    help,
    text,
    problem,
    h('p', { class: 'actions' }, button),
  );
}

/** A button that writes a guess into a `.klet` file. */
function writer(guess: Purpose, write: (purpose: Purpose) => void): HTMLElement {
  const click = (): void => {
    write(guess);
  };
  return h('button', { class: 'button small', type: 'button', click }, 'Write it into the file');
}

/** @returns a section in which a person says what the network is for */
export function purposeView({ network, write }: PurposeOptions): HTMLElement {
  const { meta } = network.variant;
  const body = h('div');
  const problem = h('p', { class: 'error', role: 'alert' });
  // a .klet file stays as it is until someone changes it
  let isOnlyGuessed = network.nodes.length === 0 && network.guessed.length > 0;
  const show = (purpose: Purpose, note: string, isOpen: boolean): void => {
    const { preprocessing, task } = purpose;
    const kind = inputKind({ inputs: meta.inputs, preprocessing });
    const apply = async (changed: Purpose): Promise<void> => {
      const focused = document.activeElement?.id ?? '';
      // the next change begins from this one
      const choices = [...body.querySelectorAll('select')];
      for (const choice of choices) choice.disabled = true;
      try {
        await write(changed);
      } finally {
        for (const choice of choices) choice.disabled = false;
      }
      problem.textContent = '';
      isOnlyGuessed = false;
      show(changed, 'This is what the .klet file says.', body.querySelector('details')?.open ?? false);
      if (focused && body.isConnected) document.getElementById(focused)?.focus({ preventScroll: true });
    };
    const attempt = (changed: Purpose): void => {
      apply(changed).catch((error: unknown) => {
        problem.textContent = (error as Error).message;
      });
    };
    const fields = kind === 'values' ? [] : [field('task', 'Answer', tasks[kind], task?.kind ?? '', (name) => {
      const { task: _, ...rest } = purpose;
      const rules = rulesFor(name, meta);
      attempt({ ...rest, ...(rules && { task: rules }) });
    }), ...(preprocessing?.kind === 'image'
      ? pictureFields(preprocessing, (changed) => {
        attempt({ ...purpose, preprocessing: changed });
      })
      : [])];
    const editor = rulesEditor(purpose, apply);
    (editor as HTMLDetailsElement).open = isOpen;
    body.replaceChildren(
      h(
        'div',
        { class: 'note' },
        h('p', { class: 'soft' }, note),
        isOnlyGuessed ? writer(purpose, attempt) : undefined,
      ),
      ...(fields.length > 0 ? [h('div', { class: 'fields' }, ...fields)] : []),
      editor,
    );
  };
  show(purposeOf(meta), noteFor(network, inputKind(meta)), false);
  return card('purpose', 'What it is for', body, problem);
}
