import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import { boxLayout, type BoxLayout } from './boxes';
import { badTarget, type Collector } from './collector';
import { resampled, type Outcome } from './measure';
import { averagePrecisions, isBox, isDetection, matchAll, meanPrecision, type DetectedImage } from './precision';
import type { Box, Detection as FoundBox, EvaluateOptions, Target } from './types';

/** Relative coordinates are hardly larger than 1, pixels are. */
const RELATIVE = 2;

/** Answers that are boxes. */
export class Detection implements Collector {
  private readonly images: DetectedImage[] = [];
  private readonly layout: BoxLayout;
  private largest = 0;

  constructor(
    outputs: readonly TensorInfo[],
    private readonly input: TensorInfo | undefined,
    private readonly options: Pick<EvaluateOptions, 'classes' | 'decode'>,
  ) {
    const { decode, classes } = options;
    this.layout = decode
      ? { description: 'the option "decode" makes boxes of the outputs', decode }
      : boxLayout(outputs, classes);
  }

  add(outputs: Record<string, Float32Array>, target: Target): void {
    if (!isArrayOf(target, isBox)) {
      throw badTarget('an array of boxes, { class, box: [x0, y0, x1, y1] }', target);
    }
    const detections: unknown = this.layout.decode(outputs);
    if (!isArrayOf(detections, isDetection)) {
      throw new KletError(
        'BAD_ARGUMENT',
        `the option "decode" of evaluate() must return [{ class, box, score }], not ${show(detections)}`,
      );
    }
    const found = detections as FoundBox[];
    for (const { box } of found) for (const edge of box) this.largest = Math.max(this.largest, Math.abs(edge));
    this.images.push({ boxes: target as readonly Box[], detections: found });
  }

  finish(): Outcome {
    const { images } = this;
    const isPixels = this.largest > RELATIVE && !this.options.decode;
    if (isPixels) this.makeRelative();
    if (!images.some(({ boxes }) => boxes.some(({ ignore }) => !ignore))) {
      throw new KletError('BAD_ARGUMENT', 'no example has a box, so there is no precision to measure');
    }
    const classes = matchAll(images);
    const n = images.length;
    const count = images.reduce((sum, { detections }) => sum + detections.length, 0);
    const work = classes.reduce((sum, own) => sum + own.images.length + n, 0);
    const measures = [resampled('map', (counts) => meanPrecision(classes, counts), n, 10 * work),
      resampled('map50', (counts) => meanPrecision(classes, counts, [0]), n, work),
      resampled('map75', (counts) => meanPrecision(classes, counts, [5]), n, work)];
    const notes = [this.layout.description,
      ...(isPixels ? ['the boxes of the network are in pixels of the input'] : [])];
    return {
      task: 'detect',
      examples: n,
      notes,
      measures,
      detection: { classes: averagePrecisions(images).classes, detections: count },
    };
  }

  private makeRelative(): void {
    const [height, width] = sizeOf(this.input);
    this.images.forEach((image) => {
      image.detections = image.detections.map((detection) => {
        const [x0, y0, x1, y1] = detection.box;
        return { ...detection, box: [x0 / width, y0 / height, x1 / width, y1 / height] };
      });
    });
  }
}

/** Height and width of an input that takes an image, with the channels first or last. */
function sizeOf(input: TensorInfo | undefined): [height: number, width: number] {
  const shape = input?.shape ?? [];
  const [, a, b, c] = shape;
  if (shape.length !== 4) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the boxes are in pixels, but input "${input?.name}" of shape [${shape.join(', ')}] is no image`,
    );
  }
  const isPlanar = (a === 1 || a === 3) && !(c === 1 || c === 3);
  return isPlanar ? [b!, c!] : [a!, b!];
}
