import { $, announce } from '../../page.js';

// Elements and texts.

export { $, announce };

type Child = Node | string | undefined;
type Properties = Record<string, string | number | boolean | ((event: never) => void) | undefined>;

function fill<T extends Element>(element: T, properties: Properties, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value as EventListener);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** An element with attributes, event listeners (functions) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function s(tag: string, properties: Properties = {}, ...children: Child[]): SVGElement {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

export function card(id: string, title: string, ...children: Child[]): HTMLElement {
  return h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title), ...children);
}

export function facts(rows: Record<string, string>): HTMLElement {
  const list = Object.entries(rows).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)));
  return h('div', { class: 'facts' }, h('dl', {}, ...list));
}

export function table(heads: string[], rows: Child[][], caption: string): HTMLElement {
  const head = h('tr', {}, ...heads.map((text) => h('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => h('tr', {}, ...cells.map((cell) => h('td', {}, cell))));
  return h(
    'div',
    { class: 'wide', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', { class: 'spoken' }, caption), h('thead', {}, head), h('tbody', {}, ...body)),
  );
}

/** A row of a list of bars; `share` is from 0 to 1. */
export function bar(
  name: string,
  share: number,
  text: string,
  { isBest = false, color }: { isBest?: boolean; color?: string } = {},
): HTMLElement {
  const row = h('li', { class: isBest ? 'best' : '' }, h('span', { title: name }, name), h('i'), h('span', {}, text));
  row.style.setProperty('--share', String(Math.max(0, Math.min(1, share))));
  if (color !== undefined) row.style.setProperty('--color', color);
  return row;
}

/**
 * Runs work that a button started. Meanwhile the buttons are disabled; a disabled button loses the
 * focus, so it gets it back.
 */
export async function whileDisabled(buttons: readonly HTMLButtonElement[], work: () => Promise<void>): Promise<void> {
  const pressed = buttons.find((button) => button === document.activeElement);
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } finally {
    for (const button of buttons) button.disabled = false;
    if (document.activeElement === document.body) pressed?.focus({ preventScroll: true });
  }
}

/** A bar of progress with its text. */
export function progressBar(text: string, part?: number): HTMLElement[] {
  const label = { 'aria-label': text };
  return [h('span', {}, text),
    part === undefined ? h('progress', label) : h('progress', { ...label, max: 1, value: part })];
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 2 ** 20 ? [bytes / 1024, 'KiB'] : [bytes / 2 ** 20, 'MiB'];
  return `${value.toPrecision(value < 1000 ? 3 : 4)} ${unit}`;
}

/** "21.6 M" for 21,600,000. */
export function countText(count: number): string {
  for (const [unit, size] of [['G', 1e9], ['M', 1e6], ['k', 1e3]] as const) {
    if (count >= size) return `${(count / size).toPrecision(3)} ${unit}`;
  }
  return String(count);
}

/** Two digits, such as "68 µs", "1.2 ms" and "137 ms". */
export function timeText(ms: number): string {
  const [value, unit] = ms < 0.995 ? [ms * 1000, 'µs'] : [ms, 'ms'];
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

export function decibelText(value: number | undefined): string {
  if (value === undefined) return '–';
  return Number.isFinite(value) ? `${value.toFixed(1)} dB` : 'exact';
}

/** The end of a path such as "model/block_1/conv/Relu;model/…", where names differ. */
export function shortName(name: string): string {
  return name.split(';')[0]!.split('/').slice(-2).join('/');
}

export function save(name: string, content: Uint8Array | string): void {
  const url = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>]));
  h('a', { href: url, download: name }).click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}
