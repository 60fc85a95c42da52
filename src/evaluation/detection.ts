import { isArrayOf, show } from '../arguments';
import { decode } from '../decoding/boxes';
import type { Decoded, Decoding } from '../decoding/candidates';
import { outputWith, wrongOutputs } from '../decoding/outputs';
import { suppress } from '../decoding/suppress';
import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import type { DetectDecoder, DetectRules } from '../format/task';
import { badTarget, type Collector } from './collector';
import { resampled, type Outcome } from './measure';
import { averagePrecisions, isBox, isDetection, matchAll, meanPrecision, type DetectedImage } from './precision';
import type { Box, Detection as FoundBox, EvaluateOptions, Target } from './types';

/** Detections with a lower score cannot change the average precision by much. */
const LEAST_SCORE = 0.001;
/** Boxes of a class that overlap more than this with a better one are the same object. */
const SAME_OBJECT = 0.7;
const MAX_DETECTIONS = 300;

/** How each decoder reads outputs. */
const readings: Record<DetectDecoder, string> = {
  list: 'boxes, classes and scores are those of TFLite_Detection_PostProcess',
  rows: 'a row is (x0, y0, x1, y1, score, class)',
  boxes: 'the outputs are boxes and scores',
  anchors: 'the outputs are scores, and boxes relative to anchors',
  yolo: 'the output has candidates of YOLO, (x, y, width, height) and scores',
  grids: 'the outputs are grids of YOLO',
  heatmap: 'the outputs are heat maps and sizes',
};

/** Answers that are boxes. */
export class Detection implements Collector {
  private readonly images: DetectedImage[] = [];
  private readonly rules: DetectRules;
  private readonly size: ReturnType<typeof sizeOf>;
  private readonly notes = new Set<string>();

  /** @param rules those of the file, of which the threshold and the number of boxes do not count */
  constructor(
    private readonly outputs: readonly TensorInfo[],
    private readonly input: TensorInfo | undefined,
    private readonly options: Pick<EvaluateOptions, 'classes' | 'decode'>,
    rules: Partial<DetectRules>,
  ) {
    this.rules = { iou: SAME_OBJECT, ...rules, kind: 'detect', threshold: LEAST_SCORE, maxDetections: MAX_DETECTIONS };
    this.size = sizeOf(input);
  }

  add(outputs: Record<string, Float32Array>, target: Target): void {
    if (!isArrayOf(target, isBox)) {
      throw badTarget('an array of boxes, { class, box: [x0, y0, x1, y1] }', target);
    }
    this.images.push({ boxes: target as readonly Box[], detections: this.found(outputs) });
  }

  private found(values: Record<string, Float32Array>): FoundBox[] {
    const { decode } = this.options;
    if (!decode) return this.decoded(values);
    const detections: unknown = decode(values);
    if (isArrayOf(detections, isDetection)) {
      this.notes.add('the option "decode" makes boxes of the outputs');
      return detections as FoundBox[];
    }
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "decode" of evaluate() must return [{ class, box, score }], not ${show(detections)}`,
    );
  }

  /** Boxes of the outputs, as the rules say or the shapes tell. */
  private decoded(values: Record<string, Float32Array>): FoundBox[] {
    const { rules, size, options: { classes: expected } } = this;
    const outputs = this.outputs.map((output) => outputWith(output, values[output.name]!));
    const { candidates, classes, decoder, isPixels, isSuppressed } = this.decode({
      rules,
      outputs,
      ...size,
      labels: expected ?? 0,
    });
    if (classes !== undefined && expected !== undefined && classes !== expected) {
      throw wrongOutputs(outputs, `scores of ${expected} classes, not of ${classes}`);
    }
    if (isPixels && Number.isNaN(size.width)) {
      const { name, shape } = this.input ?? { name: '', shape: [] };
      throw new KletError(
        'BAD_ARGUMENT',
        `the boxes are in pixels, but input "${name}" of shape [${shape.join(', ')}] is no image`,
      );
    }
    const kept = suppress(candidates, { ...(isSuppressed && { suppression: 'none' }), ...rules });
    this.notes.add(readings[decoder]);
    if (!isSuppressed) this.notes.add(`non-maximum suppression has an IoU of ${rules.iou}`);
    if (isPixels) this.notes.add('the boxes of the network are in pixels of the input');
    return kept.map(({ class: index, box, score }) => ({ class: index, box, score }));
  }

  private decode(of: Decoding): Decoded {
    try {
      return decode(of);
    } catch (cause) {
      if (!(cause instanceof KletError)) throw cause;
      throw new KletError(
        cause.code,
        `${cause.message}. Give the file a task that describes them, or pass the option "decode" of evaluate()`,
        { cause },
      );
    }
  }

  finish(): Outcome {
    const { images } = this;
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
    return {
      task: 'detect',
      examples: n,
      notes: [...this.notes],
      measures,
      detection: { classes: averagePrecisions(images).classes, detections: count },
    };
  }
}

/** The size of an input that takes an image, with channels first or last; NaN for others. */
function sizeOf(input: TensorInfo | undefined): Pick<Decoding, 'width' | 'height' | 'isPlanar'> {
  const shape = input?.shape ?? [];
  if (shape.length !== 4) return { width: NaN, height: NaN, isPlanar: false };
  const [, a, b, c] = shape as [number, number, number, number];
  const isPlanar = (a === 1 || a === 3) && !(c === 1 || c === 3);
  return isPlanar ? { height: b, width: c, isPlanar } : { height: a, width: b, isPlanar };
}
