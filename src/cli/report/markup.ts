import { visible } from '../text';

/** Text that is HTML already, so that it is not escaped again. */
export class Markup {
  constructor(readonly html: string) {}
}

/** What a template inserts: text is escaped, markup is not, lists are joined, nothing is empty. */
export type Content = string | number | Markup | undefined | readonly Content[];

/**
 * A template of HTML or SVG whose values are escaped.
 *
 * @example html`<td title="${name}">${value}</td>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + rendered(values[i - 1]) + part));
}

function rendered(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.html;
  return typeof value === 'object' ? value.map(rendered).join('') : escaped(String(value));
}

function escaped(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(
    '"',
    '&quot;',
  );
}
