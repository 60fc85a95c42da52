import { digits } from '../text';
import { html, type Markup } from './markup';
import type { Tone } from './draw';

/** A cell: a text, a number that is written with three significant digits, or nothing. */
export type Cell = string | number | undefined | {
  text: string | Markup;
  /** What the column is sorted by, if not the text. */
  value?: number;
  tone?: Tone;
  /** Shown when the pointer is over the cell. */
  hint?: string;
};

export interface DataColumn {
  head: string;
  align?: 'left' | 'right';
  /** Explains the column when the pointer is over its head. */
  hint?: string;
}

/** A table whose rows a click on a head sorts. */
export function dataTable(columns: readonly DataColumn[], rows: readonly (readonly Cell[])[]): Markup {
  const heads = columns.map(({ head, align, hint }) =>
    html`<th class="${align ?? 'left'}" title="${hint ?? ''}"><button type="button">${head}</button></th>`
  );
  const body = rows.map((row) => html`<tr>${row.map((cell, i) => cellOf(cell, columns[i]!))}</tr>\n`);
  return html`<div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>\n${body}</tbody></table></div>`;
}

function cellOf(cell: Cell, { align = 'left' }: DataColumn): Markup {
  if (typeof cell !== 'object') {
    return typeof cell === 'number'
      ? html`<td class="${align}" data-value="${cell}">${digits(cell)}</td>`
      : html`<td class="${align}">${cell}</td>`;
  }
  const { text, value, tone, hint } = cell;
  const sortedBy = value === undefined ? undefined : html` data-value="${value}"`;
  const title = hint === undefined ? undefined : html` title="${hint}"`;
  return html`<td class="${align} ${tone ?? ''}"${sortedBy}${title}>${text}</td>`;
}

/** Sorts the rows of a table when a head is clicked: numbers from the largest, texts from A. */
export const sortScript = `for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  const keyOf = (row, i) => {
    const { dataset, textContent } = row.cells[i];
    return 'value' in dataset ? Number(dataset.value) : textContent;
  };
  [...table.tHead.rows[0].cells].forEach((head, i) => head.addEventListener('click', () => {
    const before = head.getAttribute('aria-sort');
    const isText = [...body.rows].some((row) => typeof keyOf(row, i) === 'string' && keyOf(row, i) !== '');
    const isUp = before ? before === 'descending' : isText;
    const order = isUp ? 'ascending' : 'descending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', order);
    const sign = isUp ? 1 : -1;
    const compare = (a, b) => (isText ? String(a).localeCompare(String(b), undefined, { numeric: true }) : a - b);
    body.append(...[...body.rows].sort((a, b) => sign * compare(keyOf(a, i), keyOf(b, i))));
  }));
}`;
