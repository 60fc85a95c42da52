import { topK } from '../../../src/tasks/index';
import type { Model, TensorInfo } from '../../../src/browser';
import { bar, h } from './dom';
import type { Answer } from './answers';
import { colorOf } from './drawings';

// Draws the outputs of a network without a task: bars of scores, maps, numbers.

export type Outputs = Record<string, Float32Array>;

const SHOWN = 5;
const VALUES = 12;

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

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
    context.fillStyle = channels === 1 ? `hsl(84 25% ${brightness}%)` : colorOf(best);
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
      { isBest: i === 0 },
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

export function outputsView(model: Pick<Model, 'outputs' | 'meta'>, outputs: Outputs): Answer {
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
