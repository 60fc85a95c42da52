import type { DetectedObject, Pose, Segmentation } from '../../../src/tasks/index';

// Draws answers over a picture, in the pixels of that picture.

/** Hues that stay apart, in degrees. */
const hue = (i: number): number => (i * 137.5 + 40) % 360;
/** A light colour, on which dark text can be read. */
export const colorOf = (i: number): string => `hsl(${hue(i)} 85% 65%)`;
const INK = '#14191a';
/** Points with lower scores are not drawn. */
export const LEAST = 0.3;
/** Opacity of a mask, 0..255. */
const OPACITY = 150;

/** Width of a line that looks the same on pictures of all sizes. */
function unit({ canvas }: CanvasRenderingContext2D): number {
  return Math.max(1, Math.max(canvas.width, canvas.height) / 300);
}

function dot(context: CanvasRenderingContext2D, { x, y }: { x: number; y: number }, color: string): void {
  context.beginPath();
  context.arc(x, y, 2 * unit(context), 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = unit(context) / 2;
  context.strokeStyle = INK;
  context.stroke();
}

export function drawObjects(context: CanvasRenderingContext2D, objects: readonly DetectedObject[]): void {
  const line = 1.4 * unit(context);
  const size = Math.max(11, 8 * unit(context));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  // the best one last, above the others
  for (const { class: index, label, score, box: [x0, y0, x1, y1], keypoints = [], mask } of [...objects].reverse()) {
    const color = colorOf(index);
    if (mask) drawClasses(context, mask, new Map([[1, bytesOf(index)]]), (i) => mask.data[i]!);
    context.lineWidth = line;
    context.strokeStyle = color;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    for (const point of keypoints) dot(context, point, color);
    const text = `${label} ${Math.round(score * 100)} %`;
    const width = context.measureText(text).width + size;
    const height = 1.5 * size;
    const left = Math.max(0, Math.min(x0 - line / 2, context.canvas.width - width));
    const top = y0 - height >= 0 ? y0 - height : y0;
    context.fillStyle = color;
    context.fillRect(left, top, width, height);
    context.fillStyle = INK;
    context.fillText(text, left + size / 2, top + height / 2);
  }
}

/** Whether a class is the background, which stays as it is. */
export function isBackground(index: number, labels: readonly string[] = []): boolean {
  return index === 0 && /^back ?ground$/i.test(labels[0] ?? 'background');
}

/** Red, green and blue of a class, 0..255. */
function bytesOf(index: number): number[] {
  const context = new OffscreenCanvas(1, 1).getContext('2d')!;
  context.fillStyle = colorOf(index);
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
}

/** Draws colours of classes over a part of the picture. */
function drawClasses(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
  colors: ReadonlyMap<number, number[]>,
  classAt: (i: number) => number,
): void {
  if (width === 0 || height === 0) return;
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const color = colors.get(classAt(i));
    if (color) image.data.set([...color, OPACITY], i * 4);
  }
  const layer = new OffscreenCanvas(width, height);
  layer.getContext('2d')!.putImageData(image, 0, 0);
  context.drawImage(layer, left, top);
}

export function drawMask(
  context: CanvasRenderingContext2D,
  { width, height, classes, shares }: Segmentation,
  labels: readonly string[] | undefined,
): void {
  const shown = shares.filter(({ index }) => !isBackground(index, labels));
  const colors = new Map(shown.map(({ index }) => [index, bytesOf(index)]));
  drawClasses(context, { left: 0, top: 0, width, height }, colors, (i) => classes[i]!);
}

export function drawPoses(
  context: CanvasRenderingContext2D,
  poses: readonly Pose[],
  edges: readonly (readonly [number, number])[],
): void {
  poses.forEach(({ keypoints }, i) => {
    const color = colorOf(i);
    context.lineWidth = 1.4 * unit(context);
    context.strokeStyle = color;
    for (const [from, to] of edges) {
      const [a, b] = [keypoints[from], keypoints[to]];
      if (!a || !b || Math.min(a.score, b.score) < LEAST) continue;
      context.beginPath();
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
      context.stroke();
    }
    for (const point of keypoints) if (point.score >= LEAST) dot(context, point, color);
  });
}
