import { topK } from '../../../src/tasks/index';
import type { Model, TensorInfo } from '../../../src/browser';
import { bar, h } from './dom';

// Draws what a network answers: bars of scores, maps and masks, boxes.

type Outputs = Record<string, Float32Array>;

const SHOWN = 5;
const VALUES = 12;
/** Boxes with a lower score are not drawn. */
const SCORE = 0.5;
/** Hues that stay apart, in degrees. */
const hue = (i: number): number => (i * 137.5) % 360;

/** A box in parts of the picture, 0 to 1. */
export interface DrawnBox {
  top: number;
  left: number;
  bottom: number;
  right: number;
  label: string;
  score: number;
  color: string;
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The outputs of TensorFlow Lite's detection postprocessing, [1, N, 4], [1, N] twice and [1]. */
export function boxesOf(model: Pick<Model, 'outputs' | 'meta'>, outputs: Outputs): DrawnBox[] | undefined {
  const found = model.outputs.find(({ shape }) => shape.length === 3 && shape[2] === 4);
  const lists = model.outputs.filter(({ shape }) => shape.length === 2 && shape[1] === found?.shape[1]);
  if (!found || lists.length !== 2) return undefined;
  const [first, second] = lists.map(({ name }) => outputs[name]!) as [Float32Array, Float32Array];
  // classes are whole numbers
  const isClasses = (list: Float32Array): boolean => list.every((value) => Number.isInteger(value));
  const [classes, scores] = isClasses(first) ? [first, second] : [second, first];
  const places = outputs[found.name]!;
  return [...scores].flatMap((score, i) => {
    if (score < SCORE) return [];
    const [top, left, bottom, right] = places.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
    const label = model.meta.labels?.[classes[i]!] ?? `class ${classes[i]}`;
    return [{ top, left, bottom, right, label, score, color: `hsl(${hue(classes[i]!)} 80% 45%)` }];
  });
}

export function drawBoxes(context: CanvasRenderingContext2D, boxes: readonly DrawnBox[]): void {
  const { width, height } = context.canvas;
  context.lineWidth = Math.max(2, width / 160);
  context.font = `600 ${Math.max(12, width / 26)}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  for (const { top, left, bottom, right, label, score, color } of boxes) {
    context.strokeStyle = color;
    context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    const text = ` ${label} ${Math.round(score * 100)} % `;
    context.fillStyle = color;
    context.fillRect(left * width, top * height, context.measureText(text).width, Math.max(14, width / 22));
    context.fillStyle = '#fff';
    context.fillText(text, left * width, top * height + 2);
  }
}

function isMap({ shape }: TensorInfo): boolean {
  return shape.length === 4 && shape[1]! > 1 && shape[2]! > 1;
}

/** [1][H][W][C] as colours: brightness for one channel, a colour for the best of several. */
function mapCanvas({ shape }: TensorInfo, values: Float32Array): HTMLCanvasElement {
  const [, height = 1, width = 1, channels = 1] = shape;
  const canvas = h('canvas', { class: 'map', width, height, role: 'img', 'aria-label': `Map of ${width} × ${height}` });
  const context = canvas.getContext('2d')!;
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  for (let i = 0; i < height * width; i++) {
    const at = values.subarray(i * channels, (i + 1) * channels);
    const best = at.indexOf(at.reduce((a, b) => Math.max(a, b), -Infinity));
    const brightness = Math.round(((at[0]! - low) / (high - low || 1)) * 100);
    context.fillStyle = channels === 1 ? `hsl(84 25% ${brightness}%)` : `hsl(${hue(best)} 65% 50%)`;
    context.fillRect(i % width, Math.floor(i / width), 1, 1);
  }
  return canvas;
}

function scoreBars(values: Float32Array, labels: string[] | undefined): HTMLElement {
  const hasLabels = labels?.length === values.length;
  const best = topK(values, hasLabels ? labels : undefined, Math.min(SHOWN, values.length));
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const areShares = low >= 0 && high <= 1.001;
  const rows = best.map(({ label, index, score }, i) => {
    const share = areShares ? score : (score - low) / (high - low || 1);
    return bar(
      hasLabels ? label : `class ${index}`,
      share,
      areShares ? `${(score * 100).toFixed(1)} %` : score.toPrecision(3),
      i === 0,
    );
  });
  return h('ol', { class: 'bars', 'aria-label': 'Best classes' }, ...rows);
}

function values(output: TensorInfo, list: Float32Array): HTMLElement {
  const shown = [...list.subarray(0, VALUES)].map((value) => value.toPrecision(3)).join('  ');
  const rest = list.length - VALUES;
  return h(
    'p',
    { class: 'values' },
    h('b', {}, output.name),
    ` [${output.shape.join(', ')}] `,
    h('code', {}, rest > 0 ? `${shown} … and ${rest} more` : shown),
  );
}

/** @returns the elements, and a text for screen readers */
export function outputsView(
  model: Pick<Model, 'outputs' | 'meta'>,
  outputs: Outputs,
): { view: HTMLElement[]; text: string } {
  const boxes = boxesOf(model, outputs);
  if (boxes) {
    const text = boxes.length === 0 ? 'nothing found' : boxes.map(({ label }) => label).join(', ');
    return { view: [h('p', { class: 'soft' }, `Found: ${text}`)], text };
  }
  const texts: string[] = [];
  const view = model.outputs.map((output) => {
    const list = outputs[output.name]!;
    const { shape } = output;
    if (isMap(output)) return mapCanvas(output, list);
    const isScores = elements(shape) === shape.at(-1) && list.length >= 2 && list.length <= 100_000;
    if (!isScores) return values(output, list);
    const { labels } = model.meta;
    const [best] = topK(list, undefined, 1);
    texts.push((labels?.length === list.length && labels[best!.index]) || `class ${best!.index}`);
    return scoreBars(list, labels);
  });
  return { view, text: texts.join(', ') };
}
