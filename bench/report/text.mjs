// Number formats of the tables.
import { styleText } from 'node:util';

/** Three significant digits. */
export function digits(value) {
  return value >= 100
    ? value.toFixed(0)
    : value >= 10
    ? value.toFixed(1)
    : value >= 1
    ? value.toFixed(2)
    : value.toFixed(3);
}

export const percent = (share) => `${(100 * share).toFixed(0)} %`;

export const bold = (text) => (process.stdout.isTTY ? styleText('bold', text) : text);

/** A light table style for many rows. */
export const plainTable = { style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 } };
