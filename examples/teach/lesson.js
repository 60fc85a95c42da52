// What is taught with one source: classes with examples, or a file that was saved before.
import { upTo, layersOf, withClassifier } from '../../dist/learn.file.js';
import { Learner } from '../../dist/learn.js';
import { isKnown } from '../../dist/tasks.js';

const CLASSIFIERS = ['fullyConnected', 'conv2d'];

/** A network without its classifier, which is its last layer with weights. */
export function embedderOf(klet) {
  const layers = layersOf(klet);
  const last = layers.findLastIndex(({ op }) => CLASSIFIERS.includes(op));
  if (last < 1) throw new Error('This network has no layer before its classifier.');
  return upTo(klet, layers[last - 1].name);
}

/**
 * Examples are embeddings. Labels of the learner are numbers of classes, so that classes can be
 * renamed.
 */
export class Lesson {
  learner = new Learner();
  /** Classes with `name` and `key`, the label of the learner. */
  classes = [];
  /** A network that was saved before, which answers instead of the learner. */
  opened;
  #next = 1;

  /**
   * @param {Uint8Array} embedder the bytes of the network that embeds
   * @param {string} network its name
   */
  constructor(embedder, network) {
    this.embedder = embedder;
    this.network = network;
  }

  /** The names of the classes that have examples, or of the opened file. */
  get names() {
    if (this.opened) return this.opened.meta.labels;
    return this.learner.labels.map((key) => this.classes.find((each) => each.key === key).name);
  }

  get examples() {
    return Object.values(this.learner.counts).reduce((sum, count) => sum + count, 0);
  }

  newClass(noun) {
    const number = this.#next++;
    const made = { key: String(number), name: `${noun} ${number}`, thumbnails: [] };
    this.classes.push(made);
    return made;
  }

  removeClass(one) {
    this.learner.remove(one.key);
    this.classes = this.classes.filter((each) => each !== one);
  }

  /**
   * What the learner, or the opened file, says.
   *
   * @param {{ embedding?: Float32Array, answer?: Record<string, Float32Array> }} seen
   * @returns {{ best: number, isKnown: boolean, probabilities: ArrayLike<number> } | undefined}
   */
  ask({ embedding, answer }) {
    if (this.opened) {
      if (!answer) return undefined;
      const { probabilities } = answer;
      return { best: indexOfMost(probabilities), isKnown: isKnown(answer, this.opened), probabilities };
    }
    if (!embedding || this.learner.labels.length === 0) return undefined;
    const { probabilities, isKnown: known } = this.learner.predict(embedding);
    return { best: indexOfMost(probabilities), isKnown: known, probabilities };
  }

  /** The bytes of a file with embedder and classifier. */
  save(source) {
    const classifier = { ...this.learner.classifier, labels: this.names };
    return withClassifier(this.embedder, classifier, { name: 'lesson', source });
  }
}

function indexOfMost(values) {
  return values.indexOf(Math.max(...values));
}
