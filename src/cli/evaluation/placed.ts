import type { Box } from '../../compiler/index';
import { decodeImage } from '../../tasks/image';
import { imageShape } from '../../tasks/pixels';
import { placementOf, type Placement } from '../../tasks/placement';
import { readBytes } from '../files';
import type { Reader } from './dataset';

// Answers of images that do not fill the input, because they are letterboxed or cropped.

interface Size {
  width: number;
  height: number;
}

/** Where an image lies in the input, unless it is stretched, which leaves relative coordinates. */
export function placeOf({ width, height }: Size, { inputs, preprocessing }: Reader): Placement | undefined {
  const image = preprocessing?.kind === 'image' ? preprocessing : undefined;
  if (!image || !isPlaced(image)) return undefined;
  const input = imageShape(inputs[0]!, image);
  return placementOf(width, height, input.width, input.height, image);
}

function isPlaced({ fit }: { fit?: string }): boolean {
  return fit !== undefined && fit !== 'stretch';
}

/**
 * Boxes relative to an image, as boxes relative to the input, without what a crop cuts off.
 *
 * @param sizeOf reads the size of the image, if it matters
 */
export function inInput(boxes: readonly Box[], sizeOf: () => Size, reader: Reader): readonly Box[] {
  if (reader.preprocessing?.kind !== 'image' || !isPlaced(reader.preprocessing)) return boxes;
  const { inputWidth, inputHeight, scaledWidth, scaledHeight, left, top } = placeOf(sizeOf(), reader)!;
  const x = (part: number): number => within((part * scaledWidth + left) / inputWidth);
  const y = (part: number): number => within((part * scaledHeight + top) / inputHeight);
  return boxes.map(({ box: [x0, y0, x1, y1], ...rest }): Box => ({ ...rest, box: [x(x0), y(y0), x(x1), y(y1)] }))
    .filter(({ box: [x0, y0, x1, y1] }) => x1 > x0 && y1 > y0);
}

function within(part: number): number {
  return Math.min(1, Math.max(0, part));
}

/** The size of an image in a file. */
export function sizeOfFile(file: string, { limits }: Reader): Size {
  return decodeImage(readBytes(file), `"${file}"`, limits);
}
