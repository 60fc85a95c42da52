import { show } from '../arguments';
import { outputOf } from '../decoding/outputs';
import { KletError } from '../errors';
import { answer, type TaskModel, type TaskOptions } from './answer';
import type { ImageSource } from './pixels';

/**
 * Embeds an image: images of the same thing get vectors in nearly the same direction.
 *
 * @param image as in `imageToInput`
 * @param options rules that replace those of the file ("kind": "embed")
 * @returns a new vector of length 1 (L2 norm)
 * @throws KletError as `imageToInput` and `predict`
 * @example
 * ```js
 * const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
 * const embedding = embed(pixels, model);
 * console.log(compareEmbeddings(embedding, embedding).toFixed(3)); // 1.000
 * ```
 */
export function embed(image: ImageSource, model: TaskModel, options: TaskOptions<'embed'> = {}): Float32Array {
  const { rules, outputs } = answer('embed', image, model, options);
  const { data } = outputOf(outputs, rules.output, 'a vector');
  const norm = Math.sqrt(product(data, data));
  return data.map((value) => (norm > 0 ? value / norm : 0));
}

/**
 * The cosine of the angle between two embeddings: 1 for the same direction, 0 for unrelated ones,
 * −1 for opposite ones. It is 0 if one of them is all zeros.
 *
 * @throws KletError `SHAPE_MISMATCH` if their lengths differ, `TYPE_MISMATCH` if one is no vector
 */
export function compareEmbeddings(a: Float32Array, b: Float32Array): number {
  checkVector(a);
  checkVector(b, a.length);
  const norms = Math.sqrt(product(a, a) * product(b, b));
  return norms > 0 ? Math.min(1, Math.max(-1, product(a, b) / norms)) : 0;
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function checkVector(value: unknown, length?: number): void {
  if (!(value instanceof Float32Array)) {
    throw new KletError('TYPE_MISMATCH', `an embedding is a Float32Array, as embed() returns it, not ${show(value)}`);
  }
  if (length === undefined || value.length === length) return;
  throw new KletError('SHAPE_MISMATCH', `embeddings of ${length} and ${value.length} numbers cannot be compared`);
}

/** An embedding that a gallery knows. */
export interface GalleryMatch {
  label: string;
  /** The cosine, −1..1. */
  similarity: number;
}

/**
 * Labelled embeddings, among which the nearest are searched.
 *
 * @example
 * ```js
 * const gallery = new Gallery();
 * gallery.add('left', Float32Array.of(1, 0));
 * gallery.add('up', Float32Array.of(0, 1));
 * const [best] = gallery.nearest(Float32Array.of(0.8, 0.6));
 * console.log(best.label, best.similarity.toFixed(1)); // left 0.8
 * console.log(gallery.nearest(Float32Array.of(0.8, 0.6), { threshold: 0.9 })); // []
 * ```
 */
export class Gallery {
  private readonly entries: { label: string; embedding: Float32Array }[] = [];

  /** Number of embeddings. */
  get size(): number {
    return this.entries.length;
  }

  /**
   * Adds an embedding. A label may have several.
   *
   * @throws KletError `TYPE_MISMATCH`, or `SHAPE_MISMATCH` if its length is not that of the others
   */
  add(label: string, embedding: Float32Array): void {
    if (typeof label !== 'string') throw new KletError('TYPE_MISMATCH', `a label is a string, not ${show(label)}`);
    checkVector(embedding, this.entries[0]?.embedding.length);
    this.entries.push({ label, embedding: embedding.slice() });
  }

  /**
   * The labels of the nearest embeddings, nearest first, each label once.
   *
   * @param options `count`: most labels (default 1); `threshold`: the least cosine (default −1)
   * @returns nothing if no embedding is near enough
   * @throws KletError `TYPE_MISMATCH` or `SHAPE_MISMATCH` about the embedding
   */
  nearest(
    embedding: Float32Array,
    { count = 1, threshold = -1 }: { count?: number; threshold?: number } = {},
  ): GalleryMatch[] {
    checkVector(embedding, this.entries[0]?.embedding.length);
    const best = new Map<string, number>();
    for (const { label, embedding: known } of this.entries) {
      best.set(label, Math.max(best.get(label) ?? -1, compareEmbeddings(known, embedding)));
    }
    const matches = Array.from(best, ([label, similarity]) => ({ label, similarity }));
    return matches.filter(({ similarity }) => similarity >= threshold).sort((a, b) => b.similarity - a.similarity)
      .slice(0, count);
  }
}
