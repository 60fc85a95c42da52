// Number formats of the tables.
import { styleText } from 'node:util';

/** Three significant digits. */
export function digits(value) {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}

export const percent = (share) => `${(100 * share).toFixed(0)} %`;

export const bold = (text) => (process.stdout.isTTY ? styleText('bold', text) : text);

/** A light table style for many rows. */
export const plainTable = { style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 } };
