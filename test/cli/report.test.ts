import { describe, expect, it } from 'vitest';
import { barChart, confusionMatrix, dataTable, figure, histogram, html, plot, reportPage, sideBySide,
  svgFile } from '../../src/cli/report';

const bars = [{ name: 'stem', value: 40 }, { name: 'head/<concat>', value: 12.5, tone: 'bad' as const, note: '2 KiB' }];
const chart = barChart({ title: 'SQNR & more', axis: 'SQNR in dB', bars, limit: { value: 30, name: 'aim' } });

describe('a chart', () => {
  it('names itself, its values and its elements', () => {
    expect(chart.html).toMatch(/^<svg role="img" aria-label="SQNR &amp; more"/);
    expect(chart.html).toContain('<title>head/&lt;concat&gt;: 12.5, 2 KiB</title></path>');
    for (const text of ['>stem<', '>12.5<', '>SQNR in dB<', '>aim<']) expect(chart.html).toContain(text);
  });

  it('has bars as long as their values', () => {
    const [stem, head] = [...chart.html.matchAll(/<path d="M[\d.]+ [\d.]+l([\d.]+) [^>]*><title>/g)].map((found) =>
      Number(found[1])
    );
    expect(stem! / head!).toBeCloseTo(40 / 12.5, 2);
  });

  it('fills the width with an infinite value', () => {
    const { html: drawn } = barChart({ title: 't', axis: 'dB', bars: [{ name: 'exact', value: Infinity }] });
    expect(drawn).toContain('<title>exact: Infinity</title>');
    expect(drawn).not.toContain('NaN');
  });

  it('of a histogram reaches from the first edge to the last, or to a mark beyond', () => {
    const { html: drawn } = histogram({
      title: 'values',
      axis: 'value',
      edges: [-1, 0, 1],
      counts: [0, 1000],
      marks: [{ value: 3, name: 'largest' }],
      logarithmic: true,
    });
    for (const text of ['>-1<', '>3<', '>largest<', '>1000<']) expect(drawn).toContain(text);
    expect(drawn).not.toContain('NaN');
  });

  it('of lines and points has a legend and the notes of the points', () => {
    const { html: drawn } = plot({
      title: 'trade-off',
      x: { name: 'size' },
      y: { name: 'accuracy' },
      series: [{ name: 'trials', kind: 'points', points: [{ x: 1, y: 2, note: 'trial 7' }, { x: 3, y: 1 }] }, {
        name: 'front',
        kind: 'steps',
        points: [{ x: 1, y: 2 }, { x: 4, y: 3 }],
      }],
    });
    for (const text of ['>trials<', '>front<', '<title>trial 7</title>', '<title>trials: 3.00, 1.00</title>']) {
      expect(drawn).toContain(text);
    }
  });

  it('of a confusion matrix has a cell for each count that is not zero', () => {
    const { html: drawn } = confusionMatrix({ title: 'confusion', classes: ['cat', 'dog'], counts: [[8, 2], [0, 5]] });
    expect([...drawn.matchAll(/<title>(.*?)<\/title>/g)].map((found) => found[1])).toEqual([
      'cat answered with cat: 8 (80.0 %)',
      'cat answered with dog: 2 (20.0 %)',
      'dog answered with dog: 5 (100 %)',
    ]);
  });

  it('is a file of its own with its colors', () => {
    expect(svgFile(chart)).toMatch(/^<svg [^>]*><style>:root \{[^<]*--series-1: #[^<]*<\/style>[\s\S]*<\/svg>\n$/);
  });
});

describe('a page', () => {
  const table = dataTable([{ head: 'layer' }, { head: 'SQNR', align: 'right', hint: 'in dB' }], [['<stem>', 40.123], [
    'head',
    { text: 'no error', value: Infinity, tone: 'good', hint: 'exact' },
  ]]);
  const page = reportPage({
    title: 'a & b',
    subtitle: 'kinglet',
    highlights: [{ name: 'agreement', value: '99 %', tone: 'good' }],
    sections: [{ title: 'First', body: ['A <b> in text.', table] }, {
      title: 'Second',
      body: [sideBySide([figure('caption', chart)])],
    }, { title: 'Third', body: [] }],
  });

  it('escapes texts and keeps markup', () => {
    expect(page).toContain('<title>a &amp; b</title>');
    expect(page).toContain('<p>A &lt;b&gt; in text.</p>');
    expect(page).toContain('&lt;stem&gt;');
    expect(html`${[html`<i>${'<'}</i>`, undefined, 3]}`.html).toBe('<i>&lt;</i>3');
  });

  it('sorts numbers by their values and not by their texts', () => {
    expect(page).toContain('data-value="40.123">40.1<');
    expect(page).toContain('class="right good" data-value="Infinity" title="exact">no error<');
  });

  it('links its sections, and loads nothing', () => {
    expect(page).toContain('<a href="#s2">Second</a>');
    expect(page).toContain('<section id="s2">');
    const addresses = [...page.matchAll(/(?:href|src|url)[=(]["']?([^"')>]+)/g)].map((found) => found[1]!);
    expect(addresses.filter((address) => !address.startsWith('#'))).toEqual([]);
  });
});
