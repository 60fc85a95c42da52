import type { Target } from '../../compiler/index';
import { KletError } from '../../index';
import { countOf } from '../tensors';
import { plural } from '../text';
import { fileInput } from './arrays';
import { tableBoxes } from './boxes';
import { ClassNames, classCount } from './classNames';
import type { Dataset, Item, Reader } from './dataset';
import { fileOf, readRows, type Table } from './labelFiles';

// Tables: files with labels or boxes, or numbers with targets.

const FILE_COLUMNS = ['file', 'filename', 'file_name', 'path', 'image', 'image_path', 'wav', 'audio'];
const TARGET_COLUMNS = ['label', 'class', 'target', 'y', 'category', 'labels'];

/**
 * @param folder where the files of the table are
 * @throws KletError `BAD_ARGUMENT` or `FETCH_FAILED`
 */
export function tableItems(path: string, folder: string, reader: Reader): Dataset {
  const table = readTable(path);
  const file = table.heads.findIndex((head) => FILE_COLUMNS.includes(head.toLowerCase()));
  if (file < 0) return numberItems(table, reader);
  const isBoxes = ['x0', 'xmin', 'x_min', 'x1'].some((name) => table.heads.some((head) => head.toLowerCase() === name));
  if (isBoxes) return tableBoxes(table, file, folder, reader);
  const target = targetColumns(table, reader, [file])[0]!;
  const isNumber = reader.task === 'regress' ||
    (classCount(reader.outputs) === undefined && reader.task !== 'classify' &&
      table.rows.every((row) => isNumeric(row[target]!)));
  const classes = isNumber ? undefined : new ClassNames(reader, undefined, table.rows.map((row) => row[target]!));
  const items = table.rows.map((row, i): Item => {
    const where = fileOf(row[file]!, folder, `"${path}", row ${i + 2}`);
    const value = row[target]!;
    const answer = (): Target => classes ? classes.indexOf(value, `"${path}", row ${i + 2}`) : Number(value);
    return { where, read: () => fileInput(where, reader), target: answer };
  });
  return {
    items,
    names: classes?.names,
    notes: classes?.notes ?? [],
    ...(isNumber && !reader.task && { task: 'regress' }),
  };
}

function readTable(path: string): Table {
  const [first, ...rest] = readRows(path);
  if (!first || rest.length === 0) throw new KletError('BAD_ARGUMENT', `"${path}" has no rows`);
  const hasHead = first.some((cell) => !isNumeric(cell)) && !/\.(png|jpe?g|bmp|wav|npy)$/i.test(first[0]!);
  const defaults = isNumeric(first[0]!)
    ? first.map((_, i) => `column ${i + 1}`)
    : ['file', ...first.slice(1).map((_, i) => ['label', 'x0', 'y0', 'x1', 'y1'][i] ?? `column ${i + 2}`)];
  const rows = hasHead ? rest : [first, ...rest];
  const heads = hasHead ? first : defaults;
  const short = rows.findIndex((row) => row.length < heads.length);
  if (short >= 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      `"${path}", row ${short + 2} has ${plural(rows[short]!.length, 'cell')}; the head has ${heads.length}`,
    );
  }
  return { path, heads, rows };
}

/** The columns of --target, or one with a usual name, or the last. */
function targetColumns({ path, heads }: Table, { target }: Reader, others: readonly number[]): number[] {
  if (target !== undefined) {
    return target.split(',').map((name) => {
      const at = heads.indexOf(name.trim());
      if (at < 0) {
        throw new KletError('BAD_ARGUMENT', `"${path}" has no column "${name}"; --target takes ${heads.join(', ')}`);
      }
      return at;
    });
  }
  const usual = heads.findIndex((head, i) => !others.includes(i) && TARGET_COLUMNS.includes(head.toLowerCase()));
  return [usual >= 0 ? usual : heads.length - 1];
}

/** A row is an example: features, and one or several targets. */
function numberItems(table: Table, reader: Reader): Dataset {
  const { path, heads, rows } = table;
  const targets = targetColumns(table, reader, []);
  const features = heads.map((_, i) => i).filter((i) => !targets.includes(i));
  const [input, ...more] = reader.inputs;
  const wanted = input ? countOf(input.shape) : 0;
  if (more.length > 0 || features.length !== wanted) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `"${path}" has ${plural(features.length, 'feature')} (${features.slice(0, 6).map((i) => heads[i]).join(', ')}${
        features.length > 6 ? ', …' : ''
      }) and the target ${targets.map((i) => heads[i]).join(', ')}; the network takes ${
        more.length > 0 ? `${reader.inputs.length} inputs` : plural(wanted, 'number')
      }. --target NAME says which columns are targets`,
    );
  }
  const values = (row: string[], columns: readonly number[], i: number): number[] =>
    columns.map((column) => {
      if (isNumeric(row[column]!)) return Number(row[column]);
      throw new KletError('BAD_ARGUMENT', `"${path}", row ${i + 2}: "${row[column]}" in ${heads[column]} is no number`);
    });
  const isClass = targets.length === 1 && isClassColumn(rows.map((row) => row[targets[0]!]!), reader);
  const classes = isClass ? new ClassNames(reader, undefined, rows.map((row) => row[targets[0]!]!)) : undefined;
  const items = rows.map((row, i): Item => ({
    where: `${path}, row ${i + 2}`,
    read: () => Float32Array.from(values(row, features, i)),
    target: () => {
      if (classes) return classes.indexOf(row[targets[0]!]!, `"${path}", row ${i + 2}`);
      const numbers = values(row, targets, i);
      return numbers.length === 1 ? numbers[0]! : numbers;
    },
  }));
  const task = classes ? 'classify' : 'regress';
  return { items, names: classes?.names, notes: classes?.notes ?? [], ...(reader.task === undefined && { task }) };
}

/** Whether a column has classes: names, or numbers of classes that the network has. */
function isClassColumn(cells: readonly string[], { task, outputs }: Reader): boolean {
  if (task !== undefined) return task !== 'regress';
  if (cells.some((cell) => !isNumeric(cell))) return true;
  const count = classCount(outputs) ?? 2;
  return cells.every((cell) => /^\d+$/.test(cell) && Number(cell) < count);
}

function isNumeric(cell: string): boolean {
  return cell !== '' && Number.isFinite(Number(cell));
}
