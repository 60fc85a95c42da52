import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Example, Target, Task } from '../../compiler/index';
import { KletError, type Preprocessing, type TensorInfo } from '../../index';
import type { Limits } from '../mediaLimits';
import { plural } from '../text';
import { archiveItems, fileInput, stackItems } from './arrays';
import { cocoItems, isCoco, yoloItems } from './boxes';
import { ClassNames } from './classNames';
import { readLabelFile } from './labelFiles';
import { maskItems } from './masks';
import { tableItems } from './tables';

// Examples with right answers, from the folders and files of --data.

/** An example whose input is read when it is needed. */
export interface Item {
  /** The file, and the index in it if it holds several examples. */
  where: string;
  read(): Example['input'];
  target(): Target;
}

export interface Dataset {
  items: Item[];
  /** Default: told from targets and outputs. */
  task?: Task;
  /** Names of the classes, if they have names. */
  names?: readonly string[] | undefined;
  /** How labels were read, in sentences. */
  notes: string[];
}

/** The network that the examples are for. */
export interface Reader {
  inputs: readonly TensorInfo[];
  outputs: readonly TensorInfo[];
  hasState: boolean;
  labels: readonly string[] | undefined;
  preprocessing: Preprocessing | undefined;
  limits: Limits;
  task: Task | undefined;
  /** Column or columns of a table that are the target. */
  target: string | undefined;
  /** Type of the values in raw files; default: that of the input. */
  type: TensorInfo['dtype'] | undefined;
  note: (text: string) => void;
}

const LABEL_FILES = ['labels.json', 'labels.csv', 'labels.txt', 'annotations.json', 'annotations.csv'];
const IMAGE_FOLDERS = ['images', 'image', 'imgs'];
const MASK_FOLDERS = ['masks', 'mask', 'annotations', 'labels'];
const FORMS =
  'a folder with a folder for each class, a folder with labels.json, labels.csv or labels.txt, a .csv file, '
  + 'x.npy,y.npy, an .npz file with x and y, a COCO annotation file, or folders images/ and masks/';

/**
 * Finds the examples.
 *
 * @throws KletError `BAD_ARGUMENT`, `FETCH_FAILED` and others, with what was expected
 */
export function findExamples(path: string, reader: Reader): Dataset {
  const dataset = datasetAt(path, reader);
  if (dataset.items.length === 0) {
    throw new KletError('BAD_ARGUMENT', `"${path}" holds no examples; --data takes ${FORMS}`);
  }
  return dataset;
}

function datasetAt(path: string, reader: Reader): Dataset {
  const [inputs, targets, ...rest] = path.split(',');
  if (!existsSync(path)) {
    if (targets !== undefined && rest.length === 0) return pairOf(inputs!, targets, reader);
    throw new KletError('FETCH_FAILED', `cannot read "${path}": no such file or folder; --data takes ${FORMS}`);
  }
  if (isFolder(path)) return folderAt(path, reader);
  switch (extname(path).toLowerCase()) {
    case '.csv':
    case '.tsv':
      return tableItems(path, dirname(path), reader);
    case '.npz':
      return archiveItems(path, reader);
    case '.json':
      return labelsBeside(path, reader);
    default:
      throw new KletError('BAD_ARGUMENT', `"${path}" has inputs without answers; --data takes ${FORMS}`);
  }
}

/** Inputs and targets in two files or folders. */
function pairOf(inputs: string, targets: string, reader: Reader): Dataset {
  for (const path of [inputs, targets]) {
    if (!existsSync(path)) throw new KletError('FETCH_FAILED', `cannot read "${path}": no such file or folder`);
  }
  if (isFolder(inputs)) {
    return isFolder(targets) ? foldersOf(inputs, targets, reader) : labeledFolder(inputs, targets, reader);
  }
  return stackItems(inputs, targets, reader);
}

/** The images of an annotation file are beside it or in a folder there. */
function labelsBeside(path: string, reader: Reader): Dataset {
  const folder = dirname(path);
  const inside = [...IMAGE_FOLDERS, basename(path, '.json')].map((name) => join(folder, name)).find(isFolder);
  return labeledFolder(inside ?? folder, path, reader);
}

function folderAt(path: string, reader: Reader): Dataset {
  const labels = LABEL_FILES.map((name) => join(path, name)).find((file) => existsSync(file));
  const folderOf = (names: readonly string[]): string | undefined =>
    names.map((name) => join(path, name)).find(isFolder);
  const images = folderOf(IMAGE_FOLDERS);
  if (labels !== undefined) return labeledFolder(images ?? path, labels, reader);
  const answers = folderOf(MASK_FOLDERS);
  if (images !== undefined && answers !== undefined) return foldersOf(images, answers, reader);
  return classFolders(path, reader);
}

/** Images and masks, or images and the text files of YOLO. */
function foldersOf(images: string, answers: string, reader: Reader): Dataset {
  const isYolo = filesIn(answers).some((file) => extname(file) === '.txt');
  return isYolo ? yoloItems(filesIn(images), answers, reader) : maskItems(filesIn(images), answers, reader);
}

/** A folder of inputs, or one raw file of them, with a file of labels. */
function labeledFolder(folder: string, labels: string, reader: Reader): Dataset {
  if (/\.(csv|tsv)$/i.test(labels)) return tableItems(labels, folder, reader);
  if (isCoco(labels)) return cocoItems(labels, folder, reader);
  const files = filesIn(folder);
  const { names, byFile, inOrder } = readLabelFile(labels);
  const classes = new ClassNames(reader, names, byFile ? [...byFile.values()] : inOrder!);
  const finish = (items: Item[]): Dataset => ({ items, names: classes.names, notes: classes.notes });
  if (byFile) {
    return finish([...byFile].map(([name, label]) => {
      const file = join(folder, name);
      if (!existsSync(file)) throw new KletError('FETCH_FAILED', `"${labels}" names "${file}", which does not exist`);
      return itemOf(file, () => classes.indexOf(label, `"${labels}"`), reader);
    }));
  }
  const stack = files.length === 1 && inOrder!.length > 1 ? files[0] : undefined;
  if (stack !== undefined) return finish(stackItems(stack, inOrder!, reader, classes).items);
  if (files.length !== inOrder!.length) {
    throw new KletError(
      'BAD_ARGUMENT',
      `"${labels}" has ${plural(inOrder!.length, 'label')}, but "${folder}" ${plural(files.length, 'file')}; give the `
        + 'files in the labels: a line FILE,LABEL for each',
    );
  }
  return finish(files.map((file, i) => itemOf(file, () => classes.indexOf(inOrder![i]!, `"${labels}"`), reader)));
}

/** A folder with a folder for each class. */
function classFolders(path: string, reader: Reader): Dataset {
  const folders = readdirSync(path).sort().filter((name) => !name.startsWith('.') && isFolder(join(path, name)));
  if (folders.length === 0) {
    throw new KletError('BAD_ARGUMENT', `"${path}" has neither folders nor labels; --data takes ${FORMS}`);
  }
  const classes = new ClassNames(reader, undefined, folders);
  const items = folders.flatMap((name) => {
    const index = classes.indexOf(name, `the folder "${join(path, name)}"`);
    return filesIn(join(path, name)).map((file) => itemOf(file, () => index, reader));
  });
  return { items, names: classes.names, notes: classes.notes };
}

function itemOf(file: string, target: () => Target, reader: Reader): Item {
  return { where: file, read: () => fileInput(file, reader), target };
}

/** Files that describe a folder. */
const DESCRIPTIONS = /^\.(csv|tsv|json|md|xml|ya?ml|html?)$/i;

function filesIn(folder: string): string[] {
  return readdirSync(folder).sort().filter((name) => !name.startsWith('.') && !LABEL_FILES.includes(name)).map((name) =>
    join(folder, name)
  ).filter((file) => !isFolder(file) && !DESCRIPTIONS.test(extname(file)));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
