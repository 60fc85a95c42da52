import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Box } from '../../compiler/index';
import { KletError } from '../../index';
import { readText } from '../files';
import { fileInput } from './arrays';
import { ClassNames } from './classNames';
import type { Dataset, Item, Reader } from './dataset';
import { fileOf, readJson, readRows, type Table } from './labelFiles';
import { inInput, sizeOfFile } from './placed';

// Boxes of objects: COCO annotations, tables, and the text files of YOLO. Coordinates become
// relative to the image.

interface Coco {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: { image_id: number; category_id: number; bbox: [number, number, number, number]; iscrowd?: number }[];
  categories: { id: number; name: string }[];
}

/** Whether a file has COCO annotations. */
export function isCoco(path: string): boolean {
  if (extname(path).toLowerCase() !== '.json') return false;
  const json = readJson(path) as Partial<Coco> | null;
  return Array.isArray(json?.images) && Array.isArray(json.annotations);
}

/** @throws KletError `BAD_ARGUMENT`, `FETCH_FAILED` */
export function cocoItems(path: string, folder: string, reader: Reader): Dataset {
  const { images, annotations, categories = [] } = readJson(path) as Coco;
  const sorted = [...categories].sort((a, b) => a.id - b.id);
  const names = reader.labels ?? sorted.map(({ name }) => name);
  const classes = new ClassNames({ ...reader, labels: names }, undefined, []);
  const indexOf = new Map(sorted.map(({ id, name }) => [id, classes.indexOf(name, `"${path}"`)]));
  const byImage = new Map<number, Coco['annotations']>();
  for (const annotation of annotations) {
    const { image_id: image, category_id: category, bbox } = annotation;
    if (!indexOf.has(category) || !Array.isArray(bbox) || bbox.length !== 4) {
      throw new KletError(
        'BAD_ARGUMENT',
        `"${path}" has an annotation of image ${image} without bbox or known category`,
      );
    }
    byImage.set(image, [...(byImage.get(image) ?? []), annotation]);
  }
  const items = images.map(({ id, file_name: name, width, height }): Item => {
    const file = fileOf(name, folder, `"${path}"`);
    const boxes = (byImage.get(id) ?? []).map(({ category_id: category, bbox: [x, y, w, h], iscrowd }): Box => ({
      class: indexOf.get(category)!,
      box: [x / width, y / height, (x + w) / width, (y + h) / height],
      ...(iscrowd && { ignore: true }),
    }));
    return {
      where: file,
      read: () => fileInput(file, reader),
      target: () => inInput(boxes, () => ({ width, height }), reader),
    };
  });
  return { items, task: 'detect', names, notes: [] };
}

const EDGES = [['x0', 'xmin', 'x_min', 'left'], ['y0', 'ymin', 'y_min', 'top'], ['x1', 'xmax', 'x_max', 'right'], ['y1',
  'ymax', 'y_max', 'bottom']];

/** Rows of file, class and the four edges, in pixels or relative to the image. */
export function tableBoxes({ path, heads, rows }: Table, file: number, folder: string, reader: Reader): Dataset {
  const columnOf = (names: readonly string[]): number => heads.findIndex((head) => names.includes(head.toLowerCase()));
  // x1, y1, x2, y2 name the edges as well
  const shifted = columnOf(['x2']) >= 0 ? [['x1'], ['y1'], ['x2'], ['y2']] : EDGES;
  const edges = shifted.map(columnOf);
  const label = columnOf(['class', 'label', 'category', 'name']);
  if (label < 0 || edges.some((column) => column < 0)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `"${path}" has the columns ${heads.join(', ')}; boxes take file, class, x0, y0, x1, y1`,
    );
  }
  const classes = new ClassNames(reader, undefined, rows.map((row) => row[label]!));
  const isRelative = rows.every((row) => edges.every((column) => Number(row[column]) <= 1));
  const byFile = new Map<string, Box[]>();
  rows.forEach((row, i) => {
    const where = `"${path}", row ${i + 2}`;
    const box = edges.map((column) => Number(row[column] === '' ? NaN : row[column])) as unknown as Box['box'];
    if (!box.every(Number.isFinite)) throw new KletError('BAD_ARGUMENT', `${where} has an edge that is no number`);
    const name = fileOf(row[file]!, folder, where);
    byFile.set(name, [...(byFile.get(name) ?? []), { class: classes.indexOf(row[label]!, where), box }]);
  });
  const items = [...byFile].map(([where, boxes]): Item => ({
    where,
    read: () => fileInput(where, reader),
    target: () => inInput(isRelative ? boxes : relative(boxes, where, reader), () => sizeOfFile(where, reader), reader),
  }));
  return { items, task: 'detect', names: classes.names, notes: classes.notes };
}

function relative(boxes: readonly Box[], file: string, reader: Reader): Box[] {
  const { width, height } = sizeOfFile(file, reader);
  return boxes.map(({ class: index, box: [x0, y0, x1, y1] }) => ({
    class: index,
    box: [x0 / width, y0 / height, x1 / width, y1 / height],
  }));
}

/** Images with text files of the same names: class, center, width and height, relative. */
export function yoloItems(images: readonly string[], folder: string, reader: Reader): Dataset {
  const items = images.map((image): Item => {
    const file = join(folder, `${basename(image, extname(image))}.txt`);
    return {
      where: image,
      read: () => fileInput(image, reader),
      // an image without objects may have no file
      target: () => {
        if (!existsSync(file) || readText(file).trim() === '') return [];
        const boxes = readRows(file).map((row) => yoloBox(row, file));
        return inInput(boxes, () => sizeOfFile(image, reader), reader);
      },
    };
  });
  return { items, task: 'detect', names: reader.labels, notes: [] };
}

function yoloBox(row: readonly string[], file: string): Box {
  const numbers = (row.length === 1 ? row[0]!.split(/\s+/) : row).map(Number);
  if (numbers.length !== 5 || !numbers.every(Number.isFinite)) {
    throw new KletError('BAD_ARGUMENT', `"${file}" has the line "${row.join(' ')}"; expected CLASS X Y WIDTH HEIGHT`);
  }
  const [index, x, y, w, h] = numbers as [number, number, number, number, number];
  return { class: index, box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2] };
}
