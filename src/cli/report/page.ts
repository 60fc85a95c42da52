import { html, Markup, type Content } from './markup';
import { sortScript } from './table';

export interface Section {
  title: string;
  /** Paragraphs, figures (of `figure`) and tables, in order. Texts become paragraphs. */
  body: readonly (string | Markup)[];
}

export interface Report {
  title: string;
  /** A line under the title: what was measured, and by which version. */
  subtitle?: string;
  /** The results that a reader looks for first, in large type. */
  highlights?: readonly { name: string; value: string; tone?: 'good' | 'bad' }[];
  sections: readonly Section[];
}

const colors = {
  light: '--paper: #fff; --ink: #1c2126; --muted: #5f6b76; --rule: #dfe3e8; --panel: #f4f6f8; --quiet: #b4bec8; '
    + '--good: #1a7f4b; --bad: #c2402f; --series-1: #2f6fb0; --series-2: #c76b12; --series-3: #3f8f5c; '
    + '--series-4: #8b57b3; --series-5: #b0456b; --series-6: #6b7680',
  dark: '--paper: #14181c; --ink: #e6eaee; --muted: #98a4b0; --rule: #2e363e; --panel: #1d2329; --quiet: #4d5964; '
    + '--good: #58c08a; --bad: #f0816f; --series-1: #6ba8e5; --series-2: #e9a25b; --series-3: #74c493; '
    + '--series-4: #bd93e0; --series-5: #e389a8; --series-6: #9aa5ae',
};

const palette = `:root { color-scheme: light dark; ${colors.light} }
@media screen and (prefers-color-scheme: dark) { :root { ${colors.dark} } }`;

const style = `${palette}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 928px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 36px 0 8px } p { margin: 8px 0 }
.subtitle, figcaption, nav { color: var(--muted) } nav { margin: 12px 0 } a { color: var(--series-1) }
nav a { margin-right: 16px }
.highlights { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; padding: 0 }
.highlights div { background: var(--panel); border-radius: 8px; padding: 10px 16px }
.highlights dt { color: var(--muted); font-size: 13px } .highlights dd { font-size: 21px; margin: 0 }
.good { color: var(--good) } .bad { color: var(--bad) } .quiet { color: var(--muted) }
figure { margin: 16px 0; overflow-x: auto } figcaption { margin-bottom: 6px }
svg { display: block; max-width: 100%; height: auto } .pair { display: grid; gap: 8px 20px;
  grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)) } .pair figure { margin: 8px 0 }
.wide { overflow-x: auto; margin: 16px 0 } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top; white-space: nowrap }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 140px }
.left { text-align: left } .right { text-align: right }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer }
th[aria-sort=ascending] button::after { content: " ▲" } th[aria-sort=descending] button::after { content: " ▼" }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.92em; overflow-wrap: anywhere }
pre { background: var(--panel); border-radius: 8px; padding: 12px 16px; overflow-x: auto }
@media print { body { max-width: none; padding: 0; font-size: 11pt } nav { display: none }
  figure, .highlights div, tr { break-inside: avoid } h2 { break-after: avoid } .wide, figure { overflow: visible } }
@media (max-width: 640px) { figure > svg { max-width: none } .pair svg { max-width: 100% } }`;

/** A page in one file that loads nothing, for light and dark screens and for paper. */
export function reportPage({ title, subtitle, highlights = [], sections }: Report): string {
  const facts = highlights.map(({ name, value, tone }) =>
    html`<div><dt>${name}</dt><dd class="${tone ?? ''}">${value}</dd></div>`
  );
  const links = sections.map((section, i) => html`<a href="#s${i + 1}">${section.title}</a>`);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<h1>${title}</h1>
${subtitle === undefined ? '' : html`<p class="subtitle">${subtitle}</p>`}
${facts.length > 0 ? html`<dl class="highlights">${facts}</dl>` : ''}
${links.length > 2 ? html`<nav>${links}</nav>` : ''}
${sections.map(sectionOf)}
<script>${new Markup(sortScript)}</script>
</body>
</html>
`.html;
}

function sectionOf({ title, body }: Section, i: number): Markup {
  const parts: Content[] = body.map((part) => (typeof part === 'string' ? html`<p>${part}</p>\n` : part));
  return html`<section id="s${i + 1}">\n<h2>${title}</h2>\n${parts}</section>\n`;
}

/** A chart with a caption. */
export function figure(caption: string, chart: Markup): Markup {
  return html`<figure><figcaption>${caption}</figcaption>${chart}</figure>\n`;
}

/** Figures beside each other where there is room. */
export function sideBySide(figures: readonly Markup[]): Markup {
  return html`<div class="pair">${figures}</div>\n`;
}

/** A chart as an SVG file of its own. */
export function svgFile(chart: Markup): string {
  const look = `${palette} svg { background: var(--paper); font-family: system-ui, sans-serif }`;
  return `${chart.html.replace(/>/, () => `><style>${look}</style>`)}\n`;
}
