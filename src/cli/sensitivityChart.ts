import type { LayerSensitivity } from '../compiler/index';

const ROW = 16;
const LABEL = 320;
const WIDTH = 400;
const MARGIN = 24;

/** A bar chart of the sensitivity of each layer, as SVG. */
export function sensitivityChart(title: string, layers: readonly LayerSensitivity[]): string {
  const largest = Math.max(...layers.map(({ error }) => error), 1e-9);
  const height = 2 * MARGIN + ROW * layers.length;
  const rows = layers.map(({ name, error }, i) => {
    const y = 2 * MARGIN + ROW * i;
    const bar = WIDTH * error / largest;
    const label = escapeXml(name.length > 48 ? `…${name.slice(-47)}` : name);
    const after = (LABEL + bar + 6).toFixed(1);
    return [`<text x="${LABEL - 8}" y="${y}" text-anchor="end">${label}</text>`,
      `<rect x="${LABEL}" y="${y - 10}" width="${bar.toFixed(1)}" height="12"/>`,
      `<text x="${after}" y="${y}">${error.toFixed(3)}</text>`].join('');
  });
  const width = LABEL + WIDTH + 64;
  const attributes = `viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#333"`;
  const background = '<rect width="100%" height="100%" style="fill: #fff"/>';
  const heading = `<text x="8" y="18" font-size="13">${escapeXml(title)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>
<style>rect { fill: #4a7fb5 }</style>${background}${heading}
${rows.join('\n')}
</svg>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
