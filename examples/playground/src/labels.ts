import type { Meta, TensorInfo } from '../../../src/browser';

// Classes of samples, by the names of their files and folders.

/** A file with its path, such as "cats/1.png". */
export interface NamedFile {
  path: string;
  file: Blob;
}

type Classes = Pick<Meta, 'labels' | 'task'> & { readonly outputs: readonly TensorInfo[] };

/** A name without differences of case, spaces, hyphens and underscores. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, ' ').trim();
}

/** Number of classes, if the network has a single vector of scores. */
export function classCount({ outputs, task }: Classes): number | undefined {
  const vectors = outputs.filter(({ shape }) => shape.filter((size) => size > 1).length === 1);
  if (vectors.length !== 1) return undefined;
  const hasBackground = task?.kind === 'classify' && task.background !== undefined;
  return Math.max(...vectors[0]!.shape) - Number(hasBackground);
}

/** The class with this label, if the network has one. */
function labelledClass(name: string, labels: readonly string[]): number | undefined {
  const exact = labels.indexOf(name);
  const found = exact >= 0 ? exact : labels.findIndex((label) => plain(label) === plain(name));
  return found < 0 ? undefined : found;
}

/** The class with this number. */
function numberedClass(name: string, classes: Classes): number | undefined {
  return /^\d+$/.test(name) && Number(name) < (classCount(classes) ?? 0) ? Number(name) : undefined;
}

const fileName = (path: string): string => path.split('/').at(-1);
const folderName = (path: string): string | undefined => path.split('/').at(-2);
/** The part before the first underscore, hyphen, space or dot. */
const prefix = (path: string): string => /^[^_\-. ]*/.exec(fileName(path))![0];

/** The labels of the network; without them, as many names as classes in alphabetical order. */
function labelsFor(names: readonly string[], classes: Classes): readonly string[] {
  if (classes.labels) return classes.labels;
  const sorted = [...new Set(names)].sort();
  return sorted.length === classCount(classes) && sorted.some((name) => !/^\d+$/.test(name)) ? sorted : [];
}

export interface Labelling {
  /** The class of each file, in the order of the files. */
  targets: (number | undefined)[];
  /** What tells the classes, such as "folders". */
  by?: string;
  /** Names that are no classes of the network. */
  unknown: string[];
}

/**
 * Tells the classes of samples.
 *
 * @param table labels by path or file name, from a .csv file
 */
export function labelling(paths: readonly string[], table: ReadonlyMap<string, string>, classes: Classes): Labelling {
  const tell = (by: string, names: readonly string[]): Labelling => {
    const labels = labelsFor(names.filter((name) => name !== ''), classes);
    const targets = names.map((name) =>
      labelledClass(name, labels) ?? (by === 'names of files' ? undefined : numberedClass(name, classes))
    );
    return { by, targets, unknown: [...new Set(names.filter((name, i) => name !== '' && targets[i] === undefined))] };
  };
  if (table.size > 0) {
    return tell('the table', paths.map((path) => table.get(path) ?? table.get(fileName(path)) ?? ''));
  }
  const hasClass = ({ targets }: Labelling): boolean => targets.some((target) => target !== undefined);
  const byFolder = tell('folders', paths.map((path) => folderName(path) ?? ''));
  if (hasClass(byFolder)) return byFolder;
  const byName = tell('names of files', paths.map(prefix));
  // names such as 1.png and IMG_0012 are not meant as classes
  return hasClass(byName) && byName.unknown.length === 0
    ? byName
    : { targets: paths.map(() => undefined), unknown: [] };
}
