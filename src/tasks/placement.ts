import type { ImagePreprocessing } from '../format/meta';

/**
 * Where an image lies in the input of a network: it is resized to `scaledWidth` × `scaledHeight`,
 * and its top left corner comes to (`left`, `top`). Parts outside the input are cut off.
 */
export interface Placement {
  /** Size of the image. */
  width: number;
  height: number;
  /** Size of the input. */
  inputWidth: number;
  inputHeight: number;
  scaledWidth: number;
  scaledHeight: number;
  left: number;
  top: number;
}

/** How an image of another aspect ratio is placed. */
type Fit = Pick<ImagePreprocessing, 'fit' | 'crop'>;

/**
 * Places an image in an input. Sizes are whole pixels, as libraries resize to whole pixels.
 *
 * `letterbox` rounds sizes, and borders down at halves, as Ultralytics does (LetterBox in
 * ultralytics/data/augment.py). `crop` cuts the longer side of the resized image down and its
 * borders to even numbers, as torchvision does (Resize and CenterCrop).
 */
export function placementOf(
  width: number,
  height: number,
  inputWidth: number,
  inputHeight: number,
  { fit = 'stretch', crop = 1 }: Fit = {},
): Placement {
  const sizes = { width, height, inputWidth, inputHeight };
  if (fit === 'stretch') return { ...sizes, scaledWidth: inputWidth, scaledHeight: inputHeight, left: 0, top: 0 };
  const across = inputWidth / width;
  const down = inputHeight / height;
  if (fit === 'letterbox') {
    const ratio = Math.min(across, down);
    const scaledWidth = Math.max(1, roundEven(width * ratio));
    const scaledHeight = Math.max(1, roundEven(height * ratio));
    const left = Math.floor((inputWidth - scaledWidth) / 2);
    const top = Math.floor((inputHeight - scaledHeight) / 2);
    return { ...sizes, scaledWidth, scaledHeight, left, top };
  }
  const isWide = across < down;
  const shorter = Math.round((isWide ? inputHeight : inputWidth) / crop);
  const scaledWidth = isWide ? Math.floor(shorter * width / height) : shorter;
  const scaledHeight = isWide ? shorter : Math.floor(shorter * height / width);
  return {
    ...sizes,
    scaledWidth,
    scaledHeight,
    left: 0 - roundEven((scaledWidth - inputWidth) / 2),
    top: 0 - roundEven((scaledHeight - inputHeight) / 2),
  };
}

/** Rounds halves to even numbers, as Python does. */
export function roundEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The column of the image, in pixels, at a column of the input; 0 is the left edge. */
export function toImageX({ left, width, scaledWidth }: Placement, x: number): number {
  return (x - left) * width / scaledWidth;
}

/** The row of the image, in pixels, at a row of the input; 0 is the upper edge. */
export function toImageY({ top, height, scaledHeight }: Placement, y: number): number {
  return (y - top) * height / scaledHeight;
}
