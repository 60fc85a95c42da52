import { KletError, type TensorInfo } from '../../index';
import { countOf } from '../tensors';
import { clip, plural } from '../text';
import type { Reader } from './dataset';

/** A class as data name it. */
export type Label = string | number;

const SHOWN = 8;

/** The number of scores of a classifier's output. */
export function classCount(outputs: readonly TensorInfo[]): number | undefined {
  const vectors = outputs.filter(({ shape }) => shape.filter((size) => size > 1).length === 1);
  return vectors.length === 1 ? countOf(vectors[0]!.shape) : undefined;
}

/** Finds the index of a class by its name in the network, or by its number. */
export class ClassNames {
  /** Names in the order of the network's classes. */
  readonly names: readonly string[] | undefined;
  readonly notes: string[] = [];

  /**
   * @param given the classes that the data list in order
   * @param labels the labels that occur
   */
  constructor(
    reader: Pick<Reader, 'labels' | 'outputs'>,
    private readonly given: readonly string[] | undefined,
    labels: readonly Label[],
  ) {
    const count = classCount(reader.outputs);
    this.names = reader.labels ?? given ?? (labels.every(isIndex) ? undefined : this.alphabetical(labels, count));
  }

  /** Without other names, classes are numbered by the alphabet, as training programs do. */
  private alphabetical(labels: readonly Label[], count: number | undefined): string[] {
    const names = [...new Set(labels.map(String))].sort();
    if (count !== undefined && count > 1 && names.length !== count) {
      throw new KletError(
        'BAD_ARGUMENT',
        `the network has ${count} classes without names, and the data name ${names.length}: ${
          listOf(names)
        }; give the names in the order of the network with --labels FILE`,
      );
    }
    this.notes
      .push(`the network has no labels, so its classes are taken to be the names in alphabetical order: ${
        listOf(names)
      }; --labels FILE says otherwise`);
    return names;
  }

  /**
   * The index of a class.
   *
   * @param where what has the label, for the message
   * @throws KletError `BAD_ARGUMENT` if no class is named so
   */
  indexOf(label: Label, where: string): number {
    const { names, given } = this;
    // numbers count the classes that the data list, which may have another order than the network's
    const text = (isIndex(label) ? given?.[Number(label)] : undefined) ?? String(label).trim();
    const exact = names?.indexOf(text) ?? -1;
    if (exact >= 0) return exact;
    const near = names?.findIndex((name) => plain(name) === plain(text)) ?? -1;
    if (near >= 0) return near;
    if (isIndex(text)) return Number(text);
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} has the class "${clip(text, 40)}", which the network does not have; its ${
        plural(names?.length ?? 0, 'class', 'classes')
      }: ${listOf(names ?? [])}. Rename it, or name the classes with --labels FILE`,
    );
  }
}

function isIndex(label: Label): boolean {
  return /^\d+$/.test(String(label).trim());
}

/** A name without differences of case, spaces and underscores. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, ' ').trim();
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => clip(name, 24)).join(', ');
  return names.length > SHOWN ? `${shown}, …` : shown;
}
