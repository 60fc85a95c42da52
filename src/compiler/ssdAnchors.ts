import { checkObject } from '../arguments';
import { checkFields, type Schema } from '../format/fields';
import type { AnchorLayer } from '../format/task';

/** Settings of MediaPipe's SsdAnchorsCalculator, with its names. */
export interface SsdAnchorSettings {
  /** Size of the input in pixels. */
  width: number;
  height: number;
  strides: readonly number[];
  minScale: number;
  maxScale: number;
  /** By default 1 only. */
  aspectRatios?: readonly number[];
  /** Aspect ratio of an additional anchor of a scale between two layers (default 1; 0 for none). */
  interpolatedScaleAspectRatio?: number;
  /** The first layer has three anchors, as in TensorFlow's Object Detection API. */
  reduceBoxesInLowestLayer?: boolean;
  /** All anchors have the size of the input; their number stays. */
  fixedAnchorSize?: boolean;
}

const settingFields = {
  needs: 'width height strides minScale maxScale',
  width: 'a whole number from 1 to 65536',
  height: 'a whole number from 1 to 65536',
  strides: ['a whole number above 0'],
  minScale: 'a number from 0 to 10',
  maxScale: 'a number from 0 to 10',
  aspectRatios: ['a number above 0'],
  interpolatedScaleAspectRatio: 'a number from 0',
  reduceBoxesInLowestLayer: 'true or false',
  fixedAnchorSize: 'true or false',
} satisfies Record<keyof SsdAnchorSettings | 'needs', Schema>;

/**
 * The anchors of a network of the SSD kind (Liu et al., 2016), as MediaPipe's SsdAnchorsCalculator
 * generates them. Consecutive layers of the same stride form one.
 *
 * @returns the layers for "anchors" of the task "detect"
 * @throws KletError `BAD_ARGUMENT` naming the first invalid setting
 * @example
 * ```js
 * // BlazeFace, short range
 * const anchors = ssdAnchors({
 *   width: 128, height: 128, strides: [8, 16, 16, 16],
 *   minScale: 0.1484375, maxScale: 0.75, fixedAnchorSize: true,
 * });
 * const counts = anchors.map(({ rows, columns, sizes }) => rows * columns * sizes.length);
 * console.log(counts); // [512, 384]
 * ```
 */
export function ssdAnchors(settings: SsdAnchorSettings): AnchorLayer[] {
  checkObject(settings, 'the settings of ssdAnchors()');
  checkFields(settings, settingFields, 'the settings of ssdAnchors()');
  const { width, height, strides, minScale, maxScale, fixedAnchorSize } = settings as SsdAnchorSettings;
  const { aspectRatios = [1], interpolatedScaleAspectRatio: between = 1, reduceBoxesInLowestLayer } = settings;
  const scaleOf = (layer: number): number =>
    strides.length === 1 ? (minScale + maxScale) / 2 : minScale + (maxScale - minScale) * layer / (strides.length - 1);
  const layers: AnchorLayer[] = [];
  strides.forEach((stride, i) => {
    const scale = scaleOf(i);
    const pairs: [ratio: number, scale: number][] = reduceBoxesInLowestLayer && i === 0
      ? [[1, 0.1], [2, scale], [0.5, scale]]
      : aspectRatios.map((ratio) => [ratio, scale]);
    if (between > 0 && !(reduceBoxesInLowestLayer && i === 0)) {
      pairs.push([between, Math.sqrt(scale * (i === strides.length - 1 ? 1 : scaleOf(i + 1)))]);
    }
    const sizes = pairs.map(([ratio, size]): [number, number] =>
      fixedAnchorSize ? [1, 1] : [size * Math.sqrt(ratio), size / Math.sqrt(ratio)]
    );
    if (i > 0 && strides[i - 1] === stride) layers.at(-1).sizes.push(...sizes);
    else layers.push({ rows: Math.ceil(height / stride), columns: Math.ceil(width / stride), sizes });
  });
  return layers;
}
