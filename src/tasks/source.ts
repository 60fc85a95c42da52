import { show } from '../arguments';
import { describeValue, KletError } from '../errors';
import type { Pixels } from './pixels';
import { placementOf, type Placement } from './placement';

/**
 * What a canvas can draw, with the properties that tell its size: HTMLCanvasElement,
 * OffscreenCanvas, HTMLImageElement, ImageBitmap, HTMLVideoElement, VideoFrame.
 */
export interface Drawable {
  readonly width?: number;
  readonly height?: number;
  /** HTMLImageElement. */
  readonly naturalWidth?: number;
  readonly naturalHeight?: number;
  /** HTMLVideoElement. */
  readonly videoWidth?: number;
  readonly videoHeight?: number;
  /** VideoFrame. */
  readonly displayWidth?: number;
  readonly displayHeight?: number;
}

interface Context {
  fillStyle: unknown;
  imageSmoothingQuality: string;
  fillRect(x: number, y: number, width: number, height: number): void;
  drawImage(image: unknown, x: number, y: number, width: number, height: number): void;
  getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
}

interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d', options: { willReadFrequently: boolean }): Context | null;
}

const sizes = [['videoWidth', 'videoHeight'], ['naturalWidth', 'naturalHeight'], ['displayWidth', 'displayHeight'], [
  'width',
  'height',
]] as const;

let canvas: Canvas | undefined;

/** Whether an image is given by its bytes. */
export function isPixels(source: unknown): source is Pixels {
  const { data } = (source ?? {}) as { data?: unknown };
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}

/**
 * The pixels of an image source. A source that a canvas can draw is scaled to width × height by the
 * canvas, on white; pixels are returned unchanged.
 *
 * @throws KletError `TYPE_MISMATCH` for other values, `BAD_ARGUMENT` if the source has no pixels
 *   yet or may not be read
 */
export function pixelsOf(source: unknown, width: number, height: number): Pixels {
  if (isPixels(source)) return source;
  return drawn(source as Drawable, placementOf(...sizeOf(source), width, height));
}

/**
 * Width and height of an image source, in pixels.
 *
 * @throws KletError as `pixelsOf`
 */
export function sizeOf(source: unknown): [width: number, height: number] {
  if (typeof source !== 'object' || source === null || ArrayBuffer.isView(source) || Array.isArray(source)) {
    throw notImage(source);
  }
  const size = sizes.find(([side]) => side in source);
  if (!size) throw notImage(source);
  const [w, h] = size.map((side) => (source as Record<string, unknown>)[side]);
  if (typeof w === 'number' && typeof h === 'number' && w > 0 && h > 0) return [w, h];
  throw new KletError(
    'BAD_ARGUMENT',
    `the ${describeValue(source)} has ${show(w)}×${show(h)} pixels: wait until it has loaded ` +
      '(image.decode(), or the event "loadeddata" of a video)',
  );
}

/** The pixels of an input that a source is drawn into, on white, with borders of gray `pad`. */
export function drawn(source: Drawable, place: Placement, pad = 255): Pixels {
  const { inputWidth: width, inputHeight: height, left, top, scaledWidth, scaledHeight } = place;
  canvas ??= makeCanvas();
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'medium';
  context.fillStyle = `rgb(${pad},${pad},${pad})`;
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#fff';
  context.fillRect(left, top, scaledWidth, scaledHeight);
  try {
    context.drawImage(source, left, top, scaledWidth, scaledHeight);
    return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
  } catch (cause) {
    canvas = undefined;
    if (cause instanceof Error && cause.name === 'SecurityError') {
      throw new KletError(
        'BAD_ARGUMENT',
        `the pixels of the ${describeValue(source)} may not be read, because it comes from another origin: ` +
          'load it with crossOrigin = "anonymous" from a server that sends Access-Control-Allow-Origin',
        { cause },
      );
    }
    throw notImage(source, cause);
  }
}

function makeCanvas(): Canvas {
  const { OffscreenCanvas, document } = globalThis as unknown as {
    OffscreenCanvas?: new(width: number, height: number) => Canvas;
    document?: { createElement(name: 'canvas'): Canvas };
  };
  if (OffscreenCanvas) return new OffscreenCanvas(1, 1);
  if (document) return document.createElement('canvas');
  throw new KletError(
    'BAD_ARGUMENT',
    'there is no canvas here to draw the image with: pass its pixels, { width, height, data }',
  );
}

function notImage(source: unknown, cause?: unknown): KletError {
  return new KletError(
    'TYPE_MISMATCH',
    'an image is a canvas, an image element, an ImageBitmap, a video, a VideoFrame, ImageData or ' +
      `{ width, height, data } with bytes, not ${describeValue(source)}`,
    { cause },
  );
}
