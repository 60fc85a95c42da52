import type { TensorInfo } from '../format/meta';
import type { Activation, SegmentRules } from '../format/task';
import { elementCount } from '../graph/graph';
import { badTarget, type Collector } from './collector';
import { resampled, type Counts, type Outcome } from './measure';
import type { Target } from './types';

/** Pixels of an example by class. */
interface Areas {
  right: Float64Array;
  labeled: Float64Array;
  predicted: Float64Array;
}

/** Answers with a class for every pixel, or every position of a sequence. */
export class Segmentation implements Collector {
  private readonly pixels: number;
  private readonly classes: number;
  private readonly isPlanar: boolean;
  /** For one score a pixel: with the threshold of probabilities, and with that of logits. */
  private readonly areas: [Areas[], Areas[]] = [[], []];
  /** The least probability of class 1, and how values become probabilities, if that is known. */
  private readonly threshold: number;
  private readonly activation: Activation | undefined;
  private isProbability = true;

  /** @param pixels number of labels of an example */
  constructor(
    private readonly output: TensorInfo,
    pixels: number,
    classes: number,
    private readonly ignore: number,
    { activation, threshold = 0.5 }: Partial<SegmentRules> = {},
  ) {
    this.threshold = threshold;
    this.activation = activation;
    const { channels, isPlanar } = layoutOf(output, pixels);
    this.pixels = pixels;
    this.isPlanar = isPlanar;
    this.classes = channels === 1 ? Math.max(2, classes) : channels;
  }

  add(outputs: Record<string, Float32Array>, target: Target): void {
    if (typeof target !== 'object' || target.length !== this.pixels) {
      throw badTarget(`${this.pixels} numbers of classes, as output "${this.output.name}" has`, target);
    }
    const labels = target as ArrayLike<number>;
    const values = outputs[this.output.name]!;
    const isScore = values.length === this.pixels && isFloat(this.output);
    this.isProbability &&= !isScore || values.every((value) => value >= 0 && value <= 1);
    this.areas[0].push(this.areasOf(labels, this.chooser(values, this.threshold)));
    if (isScore) this.areas[1].push(this.areasOf(labels, this.chooser(values, this.logit)));
  }

  /** The logit of the threshold. */
  private get logit(): number {
    return Math.log(this.threshold / (1 - this.threshold));
  }

  /** The class that a network gives a pixel. */
  private chooser(values: Float32Array, limit: number): (pixel: number) => number {
    const channels = values.length / this.pixels;
    if (channels === 1) {
      return isFloat(this.output) ? (pixel) => Number(values[pixel]! >= limit) : (pixel) => values[pixel]!;
    }
    const [step, stride] = this.isPlanar ? [this.pixels, 1] : [1, channels];
    return (pixel) => {
      let best = 0;
      for (let c = 1; c < channels; c++) {
        if (values[pixel * stride + c * step]! > values[pixel * stride + best * step]!) best = c;
      }
      return best;
    };
  }

  private areasOf(labels: ArrayLike<number>, classOf: (pixel: number) => number): Areas {
    const { classes } = this;
    const areas = {
      right: new Float64Array(classes),
      labeled: new Float64Array(classes),
      predicted: new Float64Array(classes),
    };
    for (let i = 0; i < this.pixels; i++) {
      const label = labels[i]!;
      if (label === this.ignore) continue;
      if (!Number.isInteger(label) || label < 0 || label >= classes) {
        throw badTarget(`classes from 0 to ${classes - 1}, or ${this.ignore} for pixels that do not count`, label);
      }
      const chosen = classOf(i);
      areas.labeled[label]!++;
      if (chosen >= 0 && chosen < classes) areas.predicted[chosen]!++;
      if (chosen === label) areas.right[label]!++;
    }
    return areas;
  }

  finish(): Outcome {
    const isLogit = this.activation === undefined ? !this.isProbability : this.activation !== 'none';
    const areas = this.areas[isLogit ? 1 : 0];
    const n = areas.length;
    const once = new Uint32Array(n).fill(1);
    const total = sumOf(areas, once, this.classes);
    const classes = Array.from(total.labeled, (pixels, index) => ({ index, iou: overlapOf(total, index), pixels }));
    const work = 3 * n * this.classes;
    const measures = [resampled('meanIou', (counts) => meanOverlap(sumOf(areas, counts, this.classes)), n, work),
      resampled('pixelAccuracy', (counts) => pixelAccuracy(sumOf(areas, counts, this.classes)), n, work)];
    const notes = this.areas[1].length === 0
      ? []
      : [
        `a pixel of "${this.output.name}" is class 1 from ${
          isLogit ? `${this.logit} on, because it has logits` : `${this.threshold} on`
        }`,
      ];
    return {
      task: 'segment',
      examples: n,
      notes,
      measures,
      segmentation: { classes: classes.filter(({ iou }) => !Number.isNaN(iou)) },
    };
  }
}

function isFloat({ dtype, scale }: TensorInfo): boolean {
  return dtype === 'float32' || scale !== undefined;
}

/**
 * Where an output has its classes: before or after the pixels.
 *
 * @throws KletError `BAD_ARGUMENT` if the output has no value for every pixel
 */
export function layoutOf(output: TensorInfo, pixels: number): { channels: number; isPlanar: boolean } {
  const channels = elementCount(output.shape) / pixels;
  const sizes = output.shape.filter((size, i) => !(i === 0 && size === 1));
  const isLast = channels === 1 || sizes.at(-1) === channels;
  const isPlanar = !isLast && sizes[0] === channels;
  if (pixels > 0 && (isLast || isPlanar)) return { channels, isPlanar };
  throw badTarget(
    `a class for every pixel of output "${output.name}", whose shape is [${output.shape.join(', ')}]`,
    `${pixels} classes`,
  );
}

function sumOf(areas: readonly Areas[], counts: Counts, classes: number): Areas {
  const total = {
    right: new Float64Array(classes),
    labeled: new Float64Array(classes),
    predicted: new Float64Array(classes),
  };
  counts.forEach((count, i) => {
    if (count === 0) return;
    const { right, labeled, predicted } = areas[i]!;
    for (let c = 0; c < classes; c++) {
      total.right[c]! += count * right[c]!;
      total.labeled[c]! += count * labeled[c]!;
      total.predicted[c]! += count * predicted[c]!;
    }
  });
  return total;
}

/** Intersection over union; NaN for a class without pixels. */
function overlapOf({ right, labeled, predicted }: Areas, index: number): number {
  return right[index]! / (labeled[index]! + predicted[index]! - right[index]!);
}

/** The mean over the classes that have pixels in labels or answers. */
function meanOverlap(areas: Areas): number {
  const overlaps = areas.right.map((_, index) => overlapOf(areas, index)).filter((overlap) => !Number.isNaN(overlap));
  return overlaps.reduce((a, b) => a + b, 0) / overlaps.length;
}

function pixelAccuracy({ right, labeled }: Areas): number {
  return right.reduce((a, b) => a + b, 0) / labeled.reduce((a, b) => a + b, 0);
}
