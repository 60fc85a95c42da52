import { existsSync } from 'node:fs';
import { extname, isAbsolute, join } from 'node:path';
import Papa from 'papaparse';
import { KletError } from '../../index';
import { readText } from '../files';
import type { Label } from './classNames';

/** The labels of a file: by the names of the files, or in their order. */
export interface LabelFile {
  /** Names of the classes in order, if the file lists them. */
  names?: readonly string[];
  byFile?: Map<string, Label>;
  inOrder?: Label[];
}

const FORMS = 'expected [label, …], {"classes": [name, …], "labels": [label, …]} or {"file": label, …}';

/**
 * Reads labels.json or labels.txt.
 *
 * @throws KletError `BAD_ARGUMENT` or `FETCH_FAILED`
 */
export function readLabelFile(path: string): LabelFile {
  return extname(path).toLowerCase() === '.json' ? fromJson(path) : fromLines(path);
}

/** @throws KletError `BAD_ARGUMENT` */
export function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `"${path}" is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function fromJson(path: string): LabelFile {
  const json = readJson(path);
  if (isLabels(json)) return { inOrder: json };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new KletError('BAD_ARGUMENT', `"${path}" has no labels; ${FORMS}`);
  }
  const { classes, labels } = json as { classes?: unknown; labels?: unknown };
  const names = Array.isArray(classes) && classes.every((name) => typeof name === 'string') ? { names: classes } : {};
  if (isLabels(labels)) return { ...names, inOrder: labels };
  const entries = Object.entries(labels === undefined ? json : labels as object);
  if (entries.length === 0 || !entries.every((entry): entry is [string, Label] => isLabel(entry[1]))) {
    throw new KletError('BAD_ARGUMENT', `"${path}" has no labels; ${FORMS}`);
  }
  return { ...names, byFile: new Map(entries) };
}

function isLabels(value: unknown): value is Label[] {
  return Array.isArray(value) && value.length > 0 && value.every(isLabel);
}

function isLabel(value: unknown): value is Label {
  return typeof value === 'string' || typeof value === 'number';
}

/** A line for each file: its label, or FILE,LABEL, or FILE LABEL. */
function fromLines(path: string): LabelFile {
  const lines = readText(path).replace(/^\ufeff/, '').split(/\r?\n/).filter((line) => line.trim() !== '');
  const pairs = lines.map((line) => /^(.+\.[a-z0-9]{1,5})(?:\s*[,;\t]\s*|\s+)(.+)$/i.exec(line));
  if (lines.length > 0 && pairs.every((pair) => pair !== null)) {
    return { byFile: new Map(pairs.map((pair) => [pair[1]!.trim(), pair[2]!.trim()])) };
  }
  if (lines.length === 0) throw new KletError('BAD_ARGUMENT', `"${path}" is empty; expected a label in each line`);
  return { inOrder: lines.map((line) => line.trim()) };
}

/** The rows of a .csv file, whatever separates its columns. */
export function readRows(path: string): string[][] {
  const { data, errors } = Papa.parse<string[]>(readText(path).replace(/^\ufeff/, ''), { skipEmptyLines: 'greedy' });
  const error = errors.find(({ code }) => code !== 'UndetectableDelimiter');
  if (error) {
    throw new KletError('BAD_ARGUMENT', `"${path}", row ${(error.row ?? 0) + 1}: ${error.message}`);
  }
  return data.map((row) => row.map((cell) => cell.trim()));
}

/** A table with the names of its columns. */
export interface Table {
  path: string;
  heads: string[];
  rows: string[][];
}

/** The path of a file that a table names. */
export function fileOf(name: string, folder: string, where: string): string {
  const file = isAbsolute(name) ? name : join(folder, name);
  if (!existsSync(file)) throw new KletError('FETCH_FAILED', `${where} names "${file}", which does not exist`);
  return file;
}
