import { classify, detect, embed, pose, regress, segment, type Gallery, type ImageSource, type Segmentation,
  type TaskKind, type TaskModel } from '../../../src/tasks/index';
import { bar, h } from './dom';
import { colorOf, drawMask, drawObjects, drawPoses, isBackground, LEAST } from './drawings';

// Calls kinglet/tasks for a picture, and shows what they return.

export interface Answer {
  view: HTMLElement[];
  /** For screen readers. */
  text: string;
  /** Draws the answer over the picture. */
  draw?: (context: CanvasRenderingContext2D) => void;
}

/** What an answer builds on: the embeddings that were kept, and the arrays of the last mask. */
export interface Memory {
  gallery: Gallery;
  mask?: Segmentation;
  /** The embedding of the last picture. */
  embedding?: Float32Array;
  /** Compares it with the remembered ones, in an element that stays when pictures change. */
  comparer?: { view: HTMLElement; show: () => void };
}

/** Most rows of a list. */
const SHOWN = 12;

const percentText = (part: number): string => `${(part * 100).toFixed(1)} %`;
const nothing = (text: string): HTMLElement => h('p', { class: 'soft' }, text);

/** The name of a class. One without a label is called by its number. */
function nameOf({ meta: { labels = [] } }: TaskModel, index: number): string {
  return labels[index] ?? `class ${index}`;
}

function list(label: string, rows: readonly HTMLElement[]): HTMLElement {
  return h('ol', { class: 'bars', 'aria-label': label }, ...rows.slice(0, SHOWN));
}

function more(count: number, what: string): HTMLElement[] {
  return count > SHOWN ? [nothing(`and ${count - SHOWN} more ${what}`)] : [];
}

function classes(image: ImageSource, model: TaskModel): Answer {
  const found = classify(image, model);
  const rows = found.map(({ index, score }, i) =>
    bar(nameOf(model, index), score, percentText(score), { isBest: i === 0 })
  );
  if (found.length === 0) return { view: [nothing('No class reaches the threshold.')], text: 'no class' };
  return { view: [list('Best classes', rows)], text: nameOf(model, found[0]!.index) };
}

function boxes(image: ImageSource, model: TaskModel): Answer {
  const found = detect(image, model).map((object) => ({ ...object, label: nameOf(model, object.class) }));
  const rows = found.map(({ class: index, label, score }) =>
    bar(label, score, percentText(score), { color: colorOf(index) })
  );
  return {
    view: found.length > 0
      ? [list('Objects', rows), ...more(found.length, 'objects')]
      : [nothing('Nothing was found.')],
    text: found.map(({ label }) => label).join(', ') || 'nothing found',
    draw: (context) => {
      drawObjects(context, found);
    },
  };
}

function mask(image: ImageSource, model: TaskModel, memory: Memory): Answer {
  const found = segment(image, model, memory.mask ? { reuse: memory.mask } : {});
  memory.mask = found;
  const { shares } = found;
  const rows = shares.map(({ index, share }) => {
    const color = isBackground(index, model.meta.labels) ? 'var(--soft)' : colorOf(index);
    return bar(nameOf(model, index), share, percentText(share), { color });
  });
  return {
    view: [list('Part of the picture that each class covers', rows), ...more(shares.length, 'classes')],
    text: shares.slice(0, 3).map(({ index, share }) => `${nameOf(model, index)} ${Math.round(share * 100)} %`)
      .join(', '),
    draw: (context) => {
      drawMask(context, found, model.meta.labels);
    },
  };
}

function points(image: ImageSource, model: TaskModel): Answer {
  const found = pose(image, model);
  const { task } = model.meta;
  const edges = task?.kind === 'pose' && task.edges ? task.edges : [];
  const [best] = found;
  if (!best) return { view: [nothing('Nothing was found.')], text: 'nothing found' };
  const sure = best.keypoints.filter(({ score }) => score >= LEAST).length;
  const rows = best.keypoints.map(({ name, score }) => bar(name, score, percentText(score), { color: colorOf(0) }));
  const text = `${sure} of ${best.keypoints.length} points`;
  const others = found.length > 1 ? ` of the best of ${found.length}` : '';
  return {
    view: [h('p', {}, `${text}${others}`), list('Points', rows), ...more(rows.length, 'points')],
    text,
    draw: (context) => {
      drawPoses(context, found, edges);
    },
  };
}

function numbers(image: ImageSource, model: TaskModel): Answer {
  const found = regress(image, model);
  const rows = found.slice(0, SHOWN).map(({ name, value, unit = '', isInRange }) => {
    const text = `${value.toPrecision(4)} ${unit}`.trim();
    return h('div', {}, h('dt', {}, name), h('dd', {}, isInRange ? text : `${text}, outside its range`));
  });
  return {
    view: [h('div', { class: 'facts' }, h('dl', {}, ...rows)), ...more(found.length, 'numbers')],
    text: found.slice(0, 3).map(({ name, value }) => `${name} ${value.toPrecision(3)}`).join(', '),
  };
}

function comparer(memory: Memory): NonNullable<Memory['comparer']> {
  const { gallery } = memory;
  const nearest = h('div');
  const show = (): void => {
    const { embedding } = memory;
    if (!embedding) return;
    const near = gallery.size > 0 ? gallery.nearest(embedding, { count: SHOWN, threshold: -1 }) : [];
    const rows = near.map(({ label, similarity }, i) =>
      bar(label, similarity, similarity.toFixed(3), { isBest: i === 0 })
    );
    nearest
      .replaceChildren(rows.length === 0
        ? nothing(`A vector of ${embedding.length} numbers. Remember pictures to compare others with them.`)
        : list('Similarity to the remembered pictures', rows));
  };
  const field = h('input', { type: 'text', value: 'picture 1', 'aria-label': 'Name of the picture' });
  const form = h('form', { class: 'actions' }, field, h('button', { class: 'button' }, 'Remember this picture'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    gallery.add(field.value.trim() || 'picture', memory.embedding!);
    field.value = `picture ${gallery.size + 1}`;
    show();
  });
  return { view: h('div', {}, nearest, form), show };
}

function vector(image: ImageSource, model: TaskModel, memory: Memory): Answer {
  memory.embedding = embed(image, model);
  memory.comparer ??= comparer(memory);
  const { view, show } = memory.comparer;
  show();
  const [best] = memory.gallery.size > 0 ? memory.gallery.nearest(memory.embedding) : [];
  return { view: [view], text: best ? `nearest ${best.label}` : 'a vector' };
}

const looks: Record<TaskKind, (image: ImageSource, model: TaskModel, memory: Memory) => Answer> = {
  classify: classes,
  detect: boxes,
  segment: mask,
  pose: points,
  embed: vector,
  regress: numbers,
};

/** The answer of a network with a task for pictures, or nothing if it has none. */
export function answerTo(image: ImageSource, model: TaskModel, memory: Memory): Answer | undefined {
  const { task } = model.meta;
  if (!task || !(task.kind in looks)) return undefined;
  return looks[task.kind as TaskKind](image, model, memory);
}
